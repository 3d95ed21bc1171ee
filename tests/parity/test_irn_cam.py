"""IRN's classifier on the published ResNet-50: features, logits, maps, maps over scales, and its labels (20 s)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from napari_wsss.core.inference import Inference
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.localize.base import Localizer, infer_maps
from napari_wsss.pixels.resizing import resize, scaled_size
from napari_wsss.refine.dense_crf import DenseCrf
from napari_wsss.weights.fit import fit
from tests.parity.recipe import Fixture, load_fixture, nothing_drawn, one_pass, relative_error
from training.data.boundary_labels import confident_labels

CLOSE = 3e-4
SAME_LABEL = 0.99
CELL, TRUNK_CELL = 4, 16


@pytest.fixture(scope="module")
def fixture() -> Fixture:
    return load_fixture("irn_cam")


@pytest.fixture(scope="module")
def localizer(fixture: Fixture) -> Localizer:
    with nothing_drawn():
        found = Localizer.build(
            "cam", TrunkChoice("resnet50", 16, dilated=False), class_count=fixture.config["num_classes"]
        )
    report = fit(found, fixture.tensors())
    assert report.descriptor.name == "irn_cam_resnet50"
    assert not report.missing
    assert not report.skipped_head
    return found.eval()


def both_views(localizer: Localizer, image: np.ndarray) -> Tensor:
    """Return the maps (C,h,w) of an image and its mirror image, added on the trunk's grid as published."""
    planes = localizer.normalisation.apply(image)
    views = torch.from_numpy(np.stack([planes, planes[:, :, ::-1]]))
    everything = torch.ones(2, localizer.class_count, dtype=torch.bool)
    with torch.inference_mode():
        maps = localizer.localize(views, everything)
    return maps[0] + maps[1].flip(2)


@pytest.mark.parametrize("case", ["a", "b"])
def test_outputs(fixture: Fixture, localizer: Localizer, case: str) -> None:
    image = fixture.inputs[f"image_{case}"]
    batch = torch.from_numpy(localizer.normalisation.apply(image))[None]
    with torch.inference_mode(), one_pass(localizer.trunk):
        found = {
            "feature_gap": localizer.trunk(batch).mean((2, 3))[0],
            "logits": localizer.classify(batch)[0],
            "cam": both_views(localizer, image),
        }

    for name, value in found.items():
        assert relative_error(value.numpy(), fixture.outputs[f"{case}/{name}"]) < CLOSE, name


@pytest.mark.parametrize("name", ["strided_cam", "high_res"])
def test_maps_of_several_scales(fixture: Fixture, localizer: Localizer, name: str) -> None:
    # Published: to a grid of stride 4, or to whole cells of the trunk and then cropped; not to the image's size.
    image = fixture.inputs["image_msf"]
    side = CELL if name == "strided_cam" else TRUNK_CELL
    size = [math.ceil(length / side) * (1 if name == "strided_cam" else side) for length in image.shape[:2]]
    total = torch.zeros(1, len(fixture.config["present"]), *size)
    for scale in fixture.config["scales"]:
        scaled = resize(image, *scaled_size(image.shape[0], image.shape[1], scale))
        np.testing.assert_array_equal(scaled, fixture.outputs[f"msf/scaled_u8_{scale:g}"])
        maps = both_views(localizer, scaled)[fixture.config["present"]]
        total += F.interpolate(maps[None], size, mode="bilinear", align_corners=False)
    expected = fixture.outputs[f"msf/{name}"]
    found = total[0, :, : expected.shape[1], : expected.shape[2]]
    found /= found.amax((1, 2), keepdim=True) + 1e-5

    assert relative_error(found.numpy(), expected) < CLOSE


def whole_cells(image: np.ndarray, scales: Sequence[float]) -> np.ndarray:
    """Return the largest upper left part of an image that has whole cells of the trunk at every scale; or skip."""
    sides = []
    for length in image.shape[:2]:
        whole = [
            side for side in range(length, 0, -1) if not any(scaled_size(side, side, s)[0] % TRUNK_CELL for s in scales)
        ]
        if not whole:
            pytest.skip(f"no part of a picture of {image.shape[:2]} pixels has whole cells at the scales {scales}")
        sides.append(whole[0])
    return image[: sides[0], : sides[1]]


def test_our_inference_is_the_published_one_where_cells_are_whole(fixture: Fixture, localizer: Localizer) -> None:
    scales, present = tuple(fixture.config["scales"]), fixture.present
    image = whole_cells(fixture.inputs["image_a"], scales)
    maps = [
        both_views(localizer, resize(image, *scaled_size(image.shape[0], image.shape[1], scale)))[present]
        for scale in scales
    ]
    total = sum(F.interpolate(each[None], image.shape[:2], mode="bilinear", align_corners=False)[0] for each in maps)
    assert isinstance(total, Tensor)

    found = infer_maps(localizer, image, present, Inference(scales=scales, flip=True, precision="float32"))

    assert relative_error(found.scores, (total / (total.amax((1, 2), keepdim=True) + 1e-5)).numpy()) < CLOSE


def thresholds(fixture: Fixture) -> Iterator[tuple[str, float, float]]:
    for high, low in fixture.config["ir_label_thresholds"]:
        yield f"ir_label/{high:g}_{low:g}", high, low


def seed(fixture: Fixture) -> ActivationMaps:
    return ActivationMaps(fixture.by_class(fixture.outputs["msf/high_res"]), tuple(fixture.present))


def test_labels_before_the_crf(fixture: Fixture) -> None:
    values = np.array([0, *(k + 1 for k in fixture.config["present"])])
    for case, high, low in thresholds(fixture):
        for name, threshold in (("fg", high), ("bg", low)):
            expected = values[fixture.outputs[f"{case}/{name}_argmax"]]
            np.testing.assert_array_equal(seed(fixture).to_mask(threshold), expected)


def test_labels(fixture: Fixture) -> None:
    pytest.importorskip("pydensecrf.densecrf")
    crf = DenseCrf(DenseCrf.Parameters(preset="irn", scale_with_image=False))
    for case, high, low in thresholds(fixture):
        found = confident_labels(fixture.inputs["image_msf"], seed(fixture), high=high, low=low, crf=crf)

        assert np.mean(found == fixture.outputs[f"{case}/label"]) >= SAME_LABEL
