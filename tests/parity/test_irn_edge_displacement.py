"""IRNet on the published ResNet-50: boundaries, displacements, ways between cells, losses, walks (about 25 s)."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch

from napari_wsss.affinity.base import AffinityBatch, AffinityModel, infer_affinities
from napari_wsss.affinity.boundary_net import BoundaryNet, infer_displacement
from napari_wsss.core.affinities import Affinities
from napari_wsss.core.classes import IGNORE
from napari_wsss.core.inference import Inference
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.networks.boundary_losses import displacement_differences
from napari_wsss.networks.neighbourhood import barrier_affinities, half_disc, pair_labels, path, sources
from napari_wsss.refine.random_walk import Cells, walk
from napari_wsss.weights.fit import fit
from tests.parity.recipe import Fixture, load_fixture, nothing_drawn, relative_error

CLOSE = 3e-4
LOSSES = 1e-4
SAME = 0.999


@pytest.fixture(scope="module")
def fixture() -> Fixture:
    return load_fixture("irn_edge_displacement")


@pytest.fixture(scope="module")
def network(fixture: Fixture) -> BoundaryNet:
    config = fixture.config
    radii = {"radius": config["radius_infer"], "training_radius": config["radius_train"]}
    choice = TrunkChoice("resnet50", output_stride=16, dilated=False)
    with nothing_drawn():
        found = AffinityModel.build("boundary_net", choice, radii | {"canvas": config["crop_size"]})
    assert isinstance(found, BoundaryNet)
    state = fixture.tensors()
    state |= {key: torch.zeros(1).expand(shape) for key, shape in fixture.meta["published_only_keys"]}
    report = fit(found, state)
    assert report.descriptor.network == "boundary_net"
    assert not report.missing
    return found.eval()


@pytest.mark.parametrize("view", [0, 1])
def test_edge_logits_of_both_views(fixture: Fixture, network: BoundaryNet, view: int) -> None:
    image = fixture.inputs["image_infer"][:, :: -1 if view else 1]
    batch = torch.from_numpy(network.normalisation.apply(image))[None]
    with torch.inference_mode():
        found = network.edge_head(network._features(batch))[0].numpy()

    assert relative_error(found, fixture.outputs[f"infer/edge_logits_view{view}"]) < CLOSE


def test_boundaries_of_an_image(fixture: Fixture, network: BoundaryNet) -> None:
    settings = Inference(preset="full", flip=True, precision="float32")

    found = infer_affinities(network, fixture.inputs["image_infer"], settings)

    expected = fixture.outputs["infer/edge"]
    assert found.boundary is not None
    assert relative_error(found.boundary[None], expected) < CLOSE
    values = barrier_affinities(torch.from_numpy(expected), network.offsets)[0].numpy()
    assert relative_error(found.values, values) < CLOSE


def test_displacements_of_an_image(fixture: Fixture, network: BoundaryNet) -> None:
    found = infer_displacement(network, fixture.inputs["image_infer"])

    assert relative_error(found, fixture.outputs["infer/displacement"]) < CLOSE


@pytest.mark.parametrize("which", ["radius_infer", "radius_train"])
def test_ways_between_cells(fixture: Fixture, which: str) -> None:
    radius = fixture.config[which]
    published = _ways(fixture, radius)

    assert set(half_disc(radius)) == set(published)
    for offset, cells in published.items():
        assert sorted(path(offset)) == sorted(cells)


def _ways(fixture: Fixture, radius: int) -> dict[tuple[int, int], list[tuple[int, int]]]:
    """Return offset -> cells in the fixture's order of directions."""
    offsets, pixels, lengths = (fixture.outputs[f"paths_radius{radius}/{x}"] for x in ("offsets", "pixels", "lengths"))
    ends = np.cumsum(lengths)
    return {
        (int(dy), int(dx)): [(int(y), int(x)) for y, x in pixels[end - length : end]]
        for (dy, dx), end, length in zip(offsets, ends, lengths, strict=True)
    }


@pytest.fixture(scope="module")
def batch(fixture: Fixture, network: BoundaryNet) -> AffinityBatch:
    images = np.stack([network.normalisation.apply(image) for image in fixture.inputs["images_train"]])
    labels = torch.from_numpy(fixture.inputs["label_train"].astype(np.int64))
    return AffinityBatch(torch.from_numpy(images), labels)


def test_training_outputs(fixture: Fixture, network: BoundaryNet, batch: AffinityBatch) -> None:
    # The crop is smaller than the canvas: in training mode nothing is laid on it.
    with torch.inference_mode():
        features = network.train()._features(batch.images)
        network.eval()
        edge, displacement = network.edge_head(features), network.displacement_head(features)

    assert relative_error(edge.numpy(), fixture.outputs["train/edge_logits"]) < CLOSE
    assert relative_error(displacement.numpy(), fixture.outputs["train/displacement_eval"]) < CLOSE


def test_pairs_of_the_training_grid(fixture: Fixture, network: BoundaryNet, batch: AffinityBatch) -> None:
    outputs, offsets = fixture.outputs, list(_ways(fixture, fixture.config["radius_train"]))
    edge = torch.from_numpy(outputs["train/edge_logits"])[:, 0].sigmoid()
    first = sources(*batch.labels.shape[1:], offsets)
    pairs = pair_labels(batch.labels, offsets, ignore=IGNORE, border_pairs=False)

    counts = [int(kind.sum()) for kind in pairs]
    affinity = barrier_affinities(edge, offsets)[:, :, first].mean((0, 2)).numpy()

    np.testing.assert_array_equal(counts, outputs["train/label_counts"])
    assert relative_error(affinity, outputs["train/affinity_mean_per_direction"]) < CLOSE


def test_displacement_differences_of_the_training_grid(
    fixture: Fixture, network: BoundaryNet, batch: AffinityBatch
) -> None:
    outputs, offsets = fixture.outputs, list(_ways(fixture, fixture.config["radius_train"]))
    first = sources(*batch.labels.shape[1:], offsets)
    # The mean that is subtracted outside training cancels.
    found = displacement_differences(torch.from_numpy(outputs["train/displacement_eval"]), offsets)[..., first]
    wanted = torch.tensor(offsets)[:, :, None]

    means = {"bg": found.abs().mean((0, 3)), "fg": (found - wanted).abs().mean((0, 3))}

    for kind, mean in means.items():
        assert relative_error(mean.T.numpy(), outputs[f"train/dp_{kind}_mean_per_direction"]) < CLOSE


def test_losses(fixture: Fixture, network: BoundaryNet, batch: AffinityBatch) -> None:
    network.train()
    with torch.no_grad():
        found: dict[str, Any] = {name: float(value) for name, value in network.loss(batch).items()}
    network.eval()

    expected = {name.removeprefix("loss/"): float(x) for name, x in fixture.outputs.items() if name.startswith("loss/")}
    assert 4 * found["background"] == pytest.approx(expected["bg_pos"], rel=LOSSES)
    assert 4 * found["foreground"] == pytest.approx(expected["fg_pos"], rel=LOSSES)
    assert 2 * found["different"] == pytest.approx(expected["neg"], rel=LOSSES)
    assert 2 * found["displacement"] == pytest.approx(expected["dp_fg"], rel=LOSSES)
    assert 2 * found["displacement_background"] == pytest.approx(expected["dp_bg"], rel=LOSSES)
    assert sum(found.values()) == pytest.approx(expected["total"], rel=LOSSES)


def affinities_of(edge: np.ndarray, radius: int) -> Affinities:
    """Return the affinities of published boundaries (1,h,w)."""
    offsets = half_disc(radius)
    values = barrier_affinities(torch.from_numpy(edge), offsets)[0].numpy()
    return Affinities(values, np.array(offsets, np.intp), edge[0])


@pytest.mark.parametrize("synthetic", [False, True])
def test_walks(fixture: Fixture, synthetic: bool) -> None:
    outputs, inputs = fixture.outputs, fixture.inputs
    edge, maps = outputs["infer/edge"], inputs["cam_infer"]
    if synthetic:
        edge, maps = inputs["synthetic_edge"], inputs["synthetic_cam"]
    affinities = affinities_of(edge, fixture.config["radius_infer"])
    where = "synthetic/" if synthetic else "walk/"
    for case in [name for name in fixture.names(where) if not name.endswith("prediction")]:
        power, log2_steps = (int(number) for number in re.findall(r"\d+", case))

        found = walk(maps, affinities, power=power, steps=2**log2_steps)

        assert relative_error(found, outputs[where + case]) < CLOSE, case


def test_masks_after_walks(fixture: Fixture) -> None:
    image, maps = fixture.inputs["image_infer"], fixture.inputs["cam_infer"]
    affinities = affinities_of(fixture.outputs["infer/edge"], fixture.config["radius_infer"])
    enlarged = Cells(image.shape[:2], affinities.grid)
    for power, log2_steps in fixture.config["walks"]:
        walked = enlarged.enlarged(walk(maps, affinities, power=power, steps=2**log2_steps))

        found = ActivationMaps(walked / walked.max(), tuple(range(len(maps)))).to_mask(
            fixture.config["sem_seg_bg_thres"]
        )

        expected = fixture.outputs[f"walk/b{power}_t{log2_steps}/prediction"]
        assert np.mean(found == expected) >= SAME
