"""SC-CAM on the published ResNet-38: both heads, maps of classes and sub-categories, losses with their gradients, and
the layout of sub-category labels. Takes about a minute on one core.

The published code saves maps that its drawing routine has turned into zeros and 255s before; the maps compared here
are those it computes its figures from.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from napari_wsss.clusters.found import sub_label_matrix
from napari_wsss.core.inference import Inference
from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.localize.base import Localizer, LocalizerBatch, infer_maps
from napari_wsss.localize.sub_category import SubCategory
from napari_wsss.pixels.resizing import resize, scaled_size
from napari_wsss.weights.fit import fit
from napari_wsss.weights.published import published
from tests.parity.recipe import Fixture, load_fixture, nothing_drawn, one_pass, relative_error

TOLERANCE = 3e-4  # of the largest value
LOSS, GRADIENT = 1e-4, 3e-3


@pytest.fixture(scope="module")
def fixture() -> Fixture:
    return load_fixture("sccam")


@pytest.fixture(scope="module")
def localizer(fixture: Fixture) -> SubCategory:
    config = fixture.config
    chosen = {"cluster_count": config["k_cluster"], "sub_weight": config["lambda_sub"]}
    with nothing_drawn():
        network = Localizer.build("sub_category", TrunkChoice("resnet38", 8), chosen, class_count=config["num_classes"])
    assert isinstance(network, SubCategory)
    report = fit(network, fixture.tensors())
    assert report.descriptor.name == "sccam_resnet38"
    assert not report.missing
    assert not report.unexpected
    assert not report.skipped_head
    return network.eval()


def normalised(localizer: SubCategory, *images: np.ndarray) -> Tensor:
    return torch.from_numpy(np.stack([localizer.normalisation.apply(np.ascontiguousarray(one)) for one in images]))


@pytest.mark.parametrize("case", ["a", "b"])
def test_features_logits_and_maps_agree(fixture: Fixture, localizer: SubCategory, case: str) -> None:
    batch, present = normalised(localizer, fixture.inputs[f"image_{case}"]), fixture.config["present"]
    everything = torch.ones(1, localizer.class_count, dtype=torch.bool)
    with torch.inference_mode(), one_pass(localizer.trunk):
        logits, sub_logits = localizer.logits(batch)
        sub_maps = localizer.sub_maps(localizer.trunk(batch))[0]  # (C, K, h, w)
        found = {
            "feature": localizer.features(batch)[0],
            "logits_20": logits[0],
            "logits_200": sub_logits[0],
            "cam_20": localizer.localize(batch, everything)[0],
            "cam_200_present": sub_maps[present].flatten(0, 1),
            "cam_200_gap": sub_maps.mean((2, 3)).flatten(),
        }
        torch.testing.assert_close(localizer.classify(batch)[0], logits[0])

    for name, value in found.items():
        assert relative_error(value.numpy(), fixture.outputs[f"{case}/{name}"]) < TOLERANCE, name


@pytest.mark.slow  # one scale is compared above, the way over scales and flips by test_seam
def test_maps_over_scales_and_flips_agree(fixture: Fixture, localizer: SubCategory) -> None:
    present = fixture.present
    settings = Inference(scales=tuple(fixture.config["scales"]), flip=True, precision="float32")
    maps = infer_maps(localizer, fixture.inputs["image_msf"], present, settings)

    assert list(maps.classes) == present
    assert relative_error(maps.scores, fixture.by_class(fixture.outputs["msf/norm_cam_20"])) < TOLERANCE
    if "msf/label_map" in fixture.outputs:
        background = np.full((1, *maps.scores.shape[1:]), fixture.config["background_threshold"], np.float32)
        values = np.array([0, *(k + 1 for k in present)])
        found = values[np.concatenate([background, maps.scores]).argmax(0)]
        assert (found == fixture.outputs["msf/label_map"]).mean() > 0.999


@pytest.fixture(scope="module")
def summed(fixture: Fixture, localizer: SubCategory) -> tuple[np.ndarray, np.ndarray]:
    """Return the maps of the present classes (P,H,W) and of their sub-categories (P,K,H,W), summed over all views."""
    image, present = fixture.inputs["image_msf"], fixture.config["present"]
    height, width = image.shape[:2]
    parents: Tensor | float = 0.0
    children: Tensor | float = 0.0
    for scale in fixture.config["scales"]:
        view = resize(image, *scaled_size(height, width, scale))
        with torch.inference_mode():
            features = localizer.trunk(normalised(localizer, view, view[:, ::-1]))
            maps = torch.cat([localizer.classifier(features).relu()[:, :, None], localizer.sub_maps(features)], 2)
            large = F.interpolate(maps[:, present].flatten(1, 2), (height, width), mode="bilinear")
        together = (large[0] + large[1].flip(2)).unflatten(0, (len(present), -1))
        parents, children = parents + together[:, 0], children + together[:, 1:]
    assert isinstance(parents, Tensor)
    assert isinstance(children, Tensor)
    return parents.numpy(), children.numpy()


@pytest.mark.slow  # one scale is compared above, the way over scales and flips by test_seam
def test_sums_over_views_agree(fixture: Fixture, summed: tuple[np.ndarray, np.ndarray]) -> None:
    parents, children = summed
    assert relative_error(parents, fixture.outputs["msf/sum_cam_20"]) < TOLERANCE
    if "msf/norm_cam_200_present_strided" in fixture.outputs:
        scaled = children / (children.max((1, 2, 3), keepdims=True) + 1e-5)
        flat = scaled.reshape(-1, *scaled.shape[2:])[:, ::3, ::3]
        assert relative_error(flat, fixture.outputs["msf/norm_cam_200_present_strided"]) < TOLERANCE
        merged = scaled.max(1)[:, ::3, ::3]
        assert relative_error(merged, fixture.outputs["msf/merged_200_present_strided"]) < TOLERANCE


def one_hot(rows: list[list[int]], columns: int) -> Tensor:
    found = torch.zeros(len(rows), columns)
    for row, indices in enumerate(rows):
        found[row, indices] = 1
    return found


def test_losses_and_gradients_agree(fixture: Fixture, localizer: SubCategory) -> None:
    config, image = fixture.config, fixture.inputs["image_a"]
    labels = one_hot(config["loss_labels"], localizer.class_count)
    sub_labels = one_hot(config["loss_sub_labels"], localizer.class_count * config["k_cluster"])
    batch = LocalizerBatch(normalised(localizer, image, np.rot90(image, 2)), labels, sub_labels)
    localizer.explore(torch.ones_like(localizer.columns))
    localizer.trunk.freeze(2)  # as published: conv1a and b2 do not learn
    localizer.zero_grad()

    losses = localizer.loss(batch)
    total = losses["classification"] + losses["sub_category"]
    total.backward()

    found = {
        "parent": losses["classification"],
        "sub": losses["sub_category"] / config["lambda_sub"],
        "total": total,
    }
    for name, value in found.items():
        assert float(value.detach()) == pytest.approx(float(fixture.outputs[f"loss/{name}"]), rel=LOSS), name
    names = published("sccam_resnet38")
    prefix, weights = "gradnorm/total/", dict(localizer.named_parameters())
    for key in fixture.names(prefix):
        gradient = weights[names.renamed(key)].grad
        assert gradient is not None, key
        assert float(gradient.double().norm()) == pytest.approx(float(fixture.outputs[prefix + key]), rel=GRADIENT), key


def test_sub_category_labels_have_the_published_layout(fixture: Fixture) -> None:
    labels, places = fixture.inputs["cluster/labels"], fixture.inputs["cluster/assignment"]
    # The published files list every image at its first occurrence, class by class.
    listed = [image for k in range(labels.shape[1]) for image in np.flatnonzero(labels[:, k])]
    order = list(dict.fromkeys(listed))

    assert order == fixture.outputs["cluster/file_order"].tolist()
    found = sub_label_matrix(places, int(fixture.inputs["cluster/k"]))
    np.testing.assert_array_equal(found[order], fixture.outputs["cluster/sub_labels"])
