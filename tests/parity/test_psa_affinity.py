"""PSA's AffinityNet on the published ResNet-38: features, pairs, the random walk and the losses (about 15 s)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from napari_wsss.affinity.affinity_net import AffinityNet
from napari_wsss.affinity.base import AffinityBatch, infer_affinities
from napari_wsss.core.affinities import Affinities
from napari_wsss.core.inference import Inference
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.networks.neighbourhood import sources
from napari_wsss.networks.trunk import build_trunk
from napari_wsss.refine.random_walk import RandomWalk, walk
from napari_wsss.weights.fit import fit
from tests.evidence import Given
from tests.parity.recipe import Fixture, load_fixture, nothing_drawn, relative_error

CLOSE = 3e-4
EXACT = Inference(preset="single", precision="float32")
SLICE = 14  # channels the fixture leaves out between two


@pytest.fixture(scope="module")
def fixture() -> Fixture:
    return load_fixture("psa_affinity")


@pytest.fixture(scope="module")
def network(fixture: Fixture) -> AffinityNet:
    with nothing_drawn():
        found = AffinityNet(build_trunk("resnet38", output_stride=8), AffinityNet.Parameters(border_pairs=False))
    report = fit(found, fixture.tensors())
    assert report.descriptor.network == "affinity_net"
    assert not report.missing
    assert not report.unexpected
    return found.eval()


def batch_of(network: AffinityNet, image: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(network.normalisation.apply(image))[None]


@pytest.fixture(scope="module")
def affinities(fixture: Fixture, network: AffinityNet) -> Affinities:
    return infer_affinities(network, fixture.inputs["image_walk"], EXACT)


def test_features_and_pairs(fixture: Fixture, network: AffinityNet) -> None:
    with torch.inference_mode():
        dense = network.dense(batch_of(network, fixture.inputs["image_a"]))
        pairs = network.pair_affinities(dense)[0]
    inner = sources(*dense.shape[2:], network.offsets)

    assert relative_error(dense[0, ::SLICE].numpy(), fixture.outputs["a/feature_f9_slice"]) < CLOSE
    assert relative_error(dense[0].mean((1, 2)).numpy(), fixture.outputs["a/feature_f9_gap"]) < CLOSE
    assert relative_error(pairs[:, inner].numpy(), fixture.outputs["a/affinity_pairs"]) < CLOSE


def dense_matrix(affinities: Affinities) -> NDArray[np.float64]:
    """Return the published matrix (N,N): symmetric, each cell its own partner."""
    height, width = affinities.grid
    found = np.eye(height * width)
    inner = sources(height, width, [tuple(offset) for offset in affinities.offsets.tolist()]).numpy()
    for plane, (dy, dx) in zip(affinities.values, affinities.offsets, strict=True):
        for y, x in zip(*np.nonzero(inner), strict=True):
            here, there = y * width + x, (y + dy) * width + x + dx
            found[here, there] = found[there, here] = plane[y, x]
    return found


def test_matrix_of_the_walk(fixture: Fixture, affinities: Affinities) -> None:
    matrix = dense_matrix(affinities)

    assert relative_error(matrix[::9], fixture.outputs["walk/affinity_dense_rows"]) < CLOSE
    np.testing.assert_array_equal((matrix > 0).sum(0), fixture.outputs["walk/affinity_degree"])
    assert relative_error(matrix.sum(0), fixture.outputs["walk/affinity_colsum"]) < CLOSE


def given_maps(fixture: Fixture) -> ActivationMaps:
    return ActivationMaps(fixture.by_class(fixture.inputs["cam_walk"]), tuple(fixture.present))


def cases(fixture: Fixture) -> list[Any]:
    return [(f"a{alpha}_b{beta}_t{steps}", alpha, beta, steps) for alpha, beta, steps in fixture.config["walks"]]


def test_walks_on_the_grid(fixture: Fixture, affinities: Affinities) -> None:
    for name, _, beta, steps in cases(fixture):
        pooled = fixture.outputs[f"walk/{name}/cam_pooled"]

        found = walk(pooled, affinities, power=beta, steps=2**steps, isolated_border=True)

        assert relative_error(found, fixture.outputs[f"walk/{name}/result_lowres"]) < CLOSE, name


def test_walks_of_whole_images(fixture: Fixture, affinities: Affinities) -> None:
    image, maps = fixture.inputs["image_walk"], given_maps(fixture)
    for name, alpha, beta, steps in cases(fixture):
        step = RandomWalk(
            RandomWalk.Parameters(
                with_background=True,
                background_power=float(alpha),
                affinity_power=float(beta),
                log2_steps=steps,
                isolated_border=True,
            )
        )

        found = step.refine(image, maps, Given(known_affinity=affinities)).to_mask()

        assert (found == fixture.outputs[f"walk/{name}/prediction"]).mean() >= 0.999, name


def test_losses(fixture: Fixture, network: AffinityNet) -> None:
    images = batch_of(network, fixture.inputs["image_loss"])
    labels = torch.from_numpy(fixture.inputs["label_loss"])[None]
    with torch.inference_mode():
        losses = network.loss(AffinityBatch(images, labels))

    published = {"background": ("bg", 4), "foreground": ("fg", 4), "different": ("neg", 2)}
    for ours, (theirs, factor) in published.items():
        assert float(losses[ours]) * factor == pytest.approx(float(fixture.outputs[f"loss/{theirs}"]), rel=1e-4), ours
    assert float(sum(losses.values())) == pytest.approx(float(fixture.outputs["loss/total"]), rel=1e-4)


def test_the_padded_image_is_what_is_inferred(fixture: Fixture, network: AffinityNet, affinities: Affinities) -> None:
    height, width = fixture.inputs["image_walk"].shape[:2]
    planes = F.pad(batch_of(network, fixture.inputs["image_walk"]), (0, -width % 8, 0, -height % 8))
    with torch.inference_mode():
        expected = network.pair_affinities(network.dense(planes))[0].numpy()

    assert relative_error(affinities.values, expected) < CLOSE
