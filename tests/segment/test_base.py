"""Inference around a segmenter and the weighted loss: sizes, tiles, views, ignored pixels, checkpoints."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import LabelError, StepError, WeightsError
from napari_wsss.core.inference import SegmentInference
from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.localize.base import Localizer
from napari_wsss.networks.trunk import Trunk, build_trunk
from napari_wsss.pixels.resizing import resize
from napari_wsss.segment.base import Segmenter, SegmenterBatch, predict, weighted_cross_entropy
from napari_wsss.weights.normalisation import TENSORFLOW

EXACT = SegmentInference(precision="float32")
SMALL = TrunkChoice(width=1 / 16)


class Reddish(Segmenter):
    """Class 1 where red is bright; every pixel for itself, so that tiles must change nothing."""

    title = "Reddish"

    def __init__(self, class_count: int, trunk: Trunk) -> None:
        super().__init__(class_count, trunk)
        self._trunk = trunk

    @property
    def trunk(self) -> Trunk:
        return self._trunk

    def segment(self, images: Tensor) -> Tensor:
        return torch.stack([-images[:, 0], images[:, 0]], 1).softmax(1)

    def loss(self, batch: SegmenterBatch) -> dict[str, Tensor]:
        return {}


def picture(height: int, width: int) -> NDArray[np.uint8]:
    coarse = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return resize(coarse, height, width)


@pytest.fixture
def segmenter() -> Segmenter:
    torch.manual_seed(0)
    return Segmenter.build("deeplab_v3", SMALL, class_count=3)


@pytest.mark.parametrize("size", [(1, 1), (33, 33), (64, 80), (131, 257)])
def test_probabilities_have_the_size_of_the_image_and_sum_to_one(segmenter: Segmenter, size: tuple[int, int]) -> None:
    found = predict(segmenter, picture(*size), SegmentInference(scales=(0.5, 1.0), flip=True, precision="float32"))

    assert found.shape == (4, *size)
    assert found.dtype == np.float32
    assert found.min() >= 0
    np.testing.assert_allclose(found.sum(0), 1, atol=1e-5)


def test_one_view_is_the_network_itself(segmenter: Segmenter) -> None:
    image = picture(70, 90)
    segmenter.eval()
    with torch.no_grad():
        expected = segmenter.segment(torch.from_numpy(segmenter.normalisation.apply(image))[None])[0]

    np.testing.assert_allclose(predict(segmenter, image, EXACT), expected, atol=1e-4)


def test_a_mirrored_image_gives_the_mirrored_result(segmenter: Segmenter) -> None:
    image = picture(65, 97)
    settings = SegmentInference(flip=True, precision="float32")

    mirrored = predict(segmenter, np.ascontiguousarray(image[:, ::-1]), settings)

    np.testing.assert_allclose(mirrored[:, :, ::-1], predict(segmenter, image, settings), atol=1e-4)


@pytest.mark.parametrize("flip", [False, True])
def test_tiles_change_nothing_where_pixels_are_independent(flip: bool) -> None:
    segmenter, image = Reddish(1, build_trunk("mobilenet_v2", width=1 / 16)), picture(230, 310)
    whole = predict(segmenter, image, SegmentInference(flip=flip, precision="float32"))

    tiled = predict(segmenter, image, SegmentInference((1.0,), flip, 20_000, 32, "float32"))

    np.testing.assert_allclose(tiled, whole, atol=1e-6)


def test_modes_are_put_back(segmenter: Segmenter) -> None:
    segmenter.train()
    segmenter.trunk.freeze_batch_norm()
    before = [part.training for part in segmenter.modules()]

    predict(segmenter, picture(40, 50), EXACT)

    assert [part.training for part in segmenter.modules()] == before


def test_equal_weights_give_the_plain_cross_entropy() -> None:
    logits, masks = torch.randn(2, 3, 5, 6), torch.randint(0, 3, (2, 5, 6))

    found = weighted_cross_entropy(logits, masks, torch.full((2, 5, 6), 0.3))

    torch.testing.assert_close(found, F.cross_entropy(logits, masks))


def test_ignored_and_weightless_pixels_do_not_count() -> None:
    logits = torch.randn(1, 3, 4, 4)
    masks = torch.randint(0, 3, (1, 4, 4), dtype=torch.uint8)
    weights = torch.rand(1, 4, 4)
    masks[0, 0], weights[0, 1] = 255, 0
    other = logits.clone()
    other[:, :, :2] = torch.randn(1, 3, 2, 4) * 100

    first, second = (weighted_cross_entropy(x, masks, weights) for x in (logits, other))

    torch.testing.assert_close(first, second)


def test_a_persons_pixel_counts_as_its_weight_says() -> None:
    logits = torch.tensor([[2.0, -1.0], [0.0, 1.0]]).T[None, :, None]  # (1, 2, 1, 2)
    masks = torch.tensor([[[0, 0]]])
    losses = F.cross_entropy(logits, masks, reduction="none").flatten()

    found = weighted_cross_entropy(logits, masks, torch.tensor([[[1.0, 0.25]]]))

    torch.testing.assert_close(found, (losses[0] + 0.25 * losses[1]) / 1.25)


def test_a_batch_where_nothing_counts_costs_nothing_and_can_be_learned_from() -> None:
    logits = torch.randn(1, 3, 4, 4, requires_grad=True)

    loss = weighted_cross_entropy(logits, torch.full((1, 4, 4), 255), torch.ones(1, 4, 4))
    loss.backward()

    assert loss.item() == 0
    assert logits.grad is not None
    assert not logits.grad.any()


def test_a_checkpoint_needs_nothing_else(segmenter: Segmenter, tmp_path: Path) -> None:
    segmenter.normalisation = TENSORFLOW
    segmenter.save(tmp_path / "x.safetensors", ClassList("abc"), {"iterations": 9})

    found, classes, what = type(segmenter).restore(tmp_path / "x.safetensors", "cpu")

    assert classes == ClassList("abc")
    assert what.run == {"iterations": 9}
    np.testing.assert_array_equal(found.infer(picture(40, 50), EXACT), predict(segmenter, picture(40, 50), EXACT))


def test_a_classifiers_trunk_can_start_a_segmenter(tmp_path: Path) -> None:
    localizer = Localizer.build("cam", SMALL, class_count=2)
    localizer.normalisation = TENSORFLOW
    localizer.save(tmp_path / "x.safetensors", ClassList("ab"), {})

    segmenter = Segmenter.build(
        "deeplab_v3", TrunkChoice(width=1 / 16, weights=str(tmp_path / "x.safetensors")), class_count=3
    )

    assert segmenter.normalisation == TENSORFLOW
    torch.testing.assert_close(segmenter.trunk.state_dict(), localizer.trunk.state_dict())


def test_what_does_not_fit_is_named(tmp_path: Path) -> None:
    Localizer.build("cam", SMALL, class_count=2).save(tmp_path / "x.safetensors", ClassList("ab"), {})

    with pytest.raises(WeightsError, match="localize network"):
        Segmenter.restore(tmp_path / "x.safetensors", "cpu")
    with pytest.raises(LabelError, match="at least one class"):
        Segmenter.build("deeplab_v3", SMALL, class_count=0)
    with pytest.raises(StepError, match="deeplab_v3"):
        Segmenter.build("unknown", SMALL, class_count=2)
    with pytest.raises(StepError, match="stride"):
        Segmenter.build("deeplab_v3", TrunkChoice(output_stride=7), class_count=2)


def test_labels_leave_only_what_may_be_there(segmenter: Segmenter) -> None:
    image = picture(64, 80)
    free, constrained = predict(segmenter, image, EXACT), predict(segmenter, image, EXACT, (2, 0))

    wanted = free[[0, 1, 3]] / free[[0, 1, 3]].sum(0)
    np.testing.assert_allclose(constrained[[0, 1, 3]], wanted, atol=1e-5)
    assert constrained[2].max() == 0
    np.testing.assert_array_equal(predict(segmenter, image, EXACT, ())[0], np.ones((64, 80), np.float32))


def test_labels_share_equally_what_a_sure_network_gives_to_no_label() -> None:
    sure = Reddish(1, build_trunk("mobilenet_v2", width=1 / 16))
    sure.segment = lambda images: torch.stack([0 * images[:, 0], 0 * images[:, 0]], 1)  # type: ignore[method-assign]
    assert (predict(sure, picture(8, 8), EXACT, (0,)) == 0.5).all()


def test_where_nobody_says_all_classes_are_possible(segmenter: Segmenter) -> None:
    assert segmenter.known_classes.tolist() == [True] * 3
