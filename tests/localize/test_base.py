"""Inference around a localizer: sizes, tiles, one normaliser, views, modes, checkpoints."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import LabelError, StepError, WeightsError
from napari_wsss.core.inference import Inference
from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.localize import base
from napari_wsss.localize.base import Localizer, LocalizerBatch, infer_maps, label_loss
from napari_wsss.networks.trunk import build_trunk
from napari_wsss.pixels import by_window
from napari_wsss.pixels.resizing import resize
from napari_wsss.weights.normalisation import TENSORFLOW, Normalisation
from tests.pixels.test_by_window import InMemory

EXACT = Inference(precision="float32")
SMALL = TrunkChoice(width=1 / 16)


class Brightness(Localizer):
    """Maps whose values are known: class c is the mean of colour channel c over each 16-pixel cell."""

    title = "Brightness"

    def classify(self, images: Tensor) -> Tensor:
        return images.mean((2, 3))[:, : self.class_count]

    def localize(self, images: Tensor, labels: Tensor) -> Tensor:
        self.seen = (*getattr(self, "seen", ()), tuple(images.shape))
        maps = F.avg_pool2d(images, 16, ceil_mode=True).relu()[:, : self.class_count]
        return maps * labels[:, :, None, None]


def brightness(class_count: int = 3) -> Brightness:
    return Brightness(class_count, build_trunk("mobilenet_v2", width=1 / 16)).eval()


def picture(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return resize(coarse, height, width)


@pytest.fixture
def localizer() -> Localizer:
    torch.manual_seed(0)
    found = Localizer.build("cam", SMALL, class_count=4)
    nn.init.normal_(found.classifier.weight)  # type: ignore[union-attr,arg-type]
    return found


@pytest.mark.parametrize("size", [(1, 1), (7, 200), (33, 33), (64, 80), (131, 257)])
def test_maps_have_the_size_of_the_image(localizer: Localizer, size: tuple[int, int]) -> None:
    maps = infer_maps(localizer, picture(*size), [1, 3], EXACT)

    assert maps.size == size
    assert maps.classes == (1, 3)
    assert maps.background is None
    assert maps.scores.dtype == np.float32
    assert 0 <= maps.scores.min() <= maps.scores.max() <= 1


def test_no_label_gives_empty_maps(localizer: Localizer) -> None:
    maps = infer_maps(localizer, picture(40, 50), [], EXACT)

    assert maps.scores.shape == (0, 40, 50)


def test_every_class_may_be_present_in_any_order(localizer: Localizer) -> None:
    image = picture(64, 80)
    every = infer_maps(localizer, image, [3, 0, 2, 1], EXACT)

    assert every.classes == (0, 1, 2, 3)
    np.testing.assert_array_equal(every.scores[2], infer_maps(localizer, image, [2], EXACT).scores[0])


def test_a_label_outside_the_classes_is_refused(localizer: Localizer) -> None:
    with pytest.raises(LabelError, match="0 to 3"):
        infer_maps(localizer, picture(40, 50), [4], EXACT)


@pytest.mark.parametrize(("preset", "views"), [("full", [(1, -1)] * 4), ("fast", [(1,), (-1,), (-1,), (1,)])])
def test_it_equals_a_plain_loop_over_scales_and_flips(
    localizer: Localizer, preset: str, views: list[tuple[int, ...]]
) -> None:
    image, present = picture(90, 121), [0, 2]
    localizer.eval()
    total = torch.zeros(4, 90, 121)
    labels = torch.ones(1, 4, dtype=torch.bool)
    with torch.no_grad():
        for scale, steps in zip((0.5, 1.0, 1.5, 2.0), views, strict=True):
            scaled = resize(image, round(90 * scale), round(121 * scale))
            for step in steps:
                planes = localizer.normalisation.apply(np.ascontiguousarray(scaled[:, ::step]))
                maps = localizer.localize(torch.from_numpy(planes)[None], labels)
                shown = F.interpolate(maps, (90, 121), mode="bilinear")[0]
                total += shown.flip(2) if step < 0 else shown
    expected = (total / (total.amax((1, 2), keepdim=True) + 1e-5))[present].numpy()

    found = infer_maps(localizer, image, present, Inference(preset=preset, precision="float32")).scores

    assert np.abs(found - expected).max() < 1e-3


def test_single_is_one_forward_pass_at_the_images_own_size() -> None:
    localizer = brightness()

    maps = infer_maps(localizer, picture(96, 128), [0], Inference(preset="single", precision="float32"))

    expected = F.avg_pool2d(torch.from_numpy(localizer.normalisation.apply(picture(96, 128)))[:1], 16).relu()
    shown = F.interpolate(expected[None], (96, 128), mode="bilinear")[0, 0]
    np.testing.assert_allclose(maps.scores[0], shown / shown.max(), atol=1e-4)


def test_images_are_brought_to_the_sizes_the_weights_want(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, ...]] = []
    original = Brightness.localize
    monkeypatch.setattr(
        Brightness, "localize", lambda self, x, y: seen.append(tuple(x.shape[2:])) or original(self, x, y)
    )
    localizer = brightness()
    localizer.normalisation = TENSORFLOW

    infer_maps(localizer, picture(100, 150), [0], Inference(scales=(1.0, 2.0), precision="float32"))

    assert seen[-2:] == [(97, 161), (193, 289)]


@pytest.mark.parametrize(
    ("trained", "wanted", "shape", "expected"),
    [
        (0, 0, (64, 96), [(64, 96), (32, 48)]),  # a checkpoint that does not say, as those of before
        (192, 0, (64, 96), [(128, 192), (64, 96)]),
        (192, 0, (256, 384), [(128, 192), (64, 96)]),
        (110, 0, (64, 96), [(64, 96), (32, 48)]),  # it nearly fits
        (192, 288, (64, 96), [(192, 288), (96, 144)]),
    ],
)
def test_maps_and_features_are_made_at_the_size_in_training(
    trained: int, wanted: int, shape: tuple[int, int], expected: list[tuple[int, int]], tmp_path: Path
) -> None:
    made = Localizer.build("cam", SMALL, class_count=3)
    made.side = trained
    made.save(tmp_path / "cam.safetensors", ClassList("abc"), {})
    found, _, what = Localizer.restore(tmp_path / "cam.safetensors", "cpu")
    assert what.side == found.side == trained
    asked = Inference(scales=(1.0, 0.5), flip=False, precision="float32", working_side=wanted)
    assert [found.input_size(*shape, scale, wanted) for scale in asked.scales] == expected
    assert infer_maps(found, picture(*shape), [0], asked).size == shape
    cells = [-(-side // found.stride) for side in expected[0]]
    assert list(found.describe(picture(*shape), asked).shape[1:]) == cells


def test_an_enlarged_image_has_the_maps_of_the_enlarged_one() -> None:
    localizer, image = brightness(), picture(64, 96)
    localizer.side = 192
    once = Inference(preset="single", precision="float32")
    small = infer_maps(localizer, image, [0, 1], once).scores
    large = infer_maps(localizer, resize(image, 128, 192), [0, 1], once).scores
    assert np.abs(small - large[:, ::2, ::2]).max() < 0.15


def test_tiles_give_the_maps_of_the_whole_image() -> None:
    localizer, image = brightness(), picture(300, 420)
    whole = infer_maps(localizer, image, [0, 1, 2], EXACT)

    tiled = infer_maps(
        localizer, image, [0, 1, 2], Inference(pixel_budget=30_000, tile_overlap=64, precision="float32")
    )

    # One normaliser for the whole image: a tile without a bright spot stays dark.
    np.testing.assert_allclose(tiled.scores, whole.scores, atol=1e-5)


def test_tiles_of_a_real_trunk_differ_at_most_by_context(localizer: Localizer) -> None:
    image = picture(260, 390)
    whole = infer_maps(localizer, image, [0], Inference(preset="single", precision="float32"))
    settings = Inference(preset="single", pixel_budget=60_000, tile_overlap=128, precision="float32")

    tiled = infer_maps(localizer, image, [0], settings)

    assert np.abs(tiled.scores - whole.scores).mean() < 0.05


def test_a_class_that_fires_nowhere_stays_zero() -> None:
    dark = np.zeros((64, 64, 3), np.uint8)  # below the mean colour everywhere

    maps = infer_maps(brightness(), dark, [0, 1], EXACT)

    assert not maps.scores.any()


def test_modes_are_put_back_even_after_an_error(localizer: Localizer, monkeypatch: pytest.MonkeyPatch) -> None:
    localizer.train()
    localizer.trunk.freeze_batch_norm()
    before = [part.training for part in localizer.modules()]
    infer_maps(localizer, picture(40, 50), [0], EXACT)
    assert [part.training for part in localizer.modules()] == before

    monkeypatch.setattr(type(localizer), "localize", lambda *_: (_ for _ in ()).throw(KeyError("broken")))
    with torch.no_grad():
        next(localizer.parameters()).add_(1)  # so that the network is looked at anew
    with pytest.raises(KeyError, match="broken"):
        infer_maps(localizer, picture(40, 50), [0], EXACT)
    assert [part.training for part in localizer.modules()] == before


def test_inference_sees_the_weights_of_the_moment(localizer: Localizer) -> None:
    image = picture(64, 64)
    before = infer_maps(localizer, image, [0], EXACT).scores

    with torch.no_grad():
        localizer.classifier.weight.neg_()  # type: ignore[union-attr,operator]

    assert np.abs(infer_maps(localizer, image, [0], EXACT).scores - before).max() > 0.1


def test_an_image_is_embedded_by_what_the_trunk_sees_and_by_its_details(localizer: Localizer) -> None:
    image = picture(70, 90)
    details, both = localizer.describe(image, Inference()), localizer.describe_meaning(image, Inference())

    assert both.shape[1:] == details.shape[1:]
    lengths = [np.linalg.norm(part, axis=0) for part in (both[: -len(details)], both[-len(details) :])]
    assert lengths[0].max() <= 1.02  # of what is computed in half precision
    np.testing.assert_allclose(lengths[1], 0.5, rtol=0.02)


def test_weights_are_split_into_trunk_and_head(localizer: Localizer) -> None:
    localizer.trunk.freeze_batch_norm()
    trunk, head = list(localizer.trunk_parameters()), list(localizer.head_parameters())

    learning = [weight for weight in localizer.parameters() if weight.requires_grad]
    assert {id(w) for w in trunk} | {id(w) for w in head} == {id(w) for w in learning}
    assert len(trunk) + len(head) == len(learning)
    assert [tuple(w.shape[:2]) for w in head] == [(4, localizer.trunk.channels)]


def test_the_default_loss_is_the_soft_margin(localizer: Localizer) -> None:
    batch = LocalizerBatch(torch.randn(2, 3, 64, 64), torch.tensor([[1.0, 0, 0, 1], [0, 1, 0, 0]]))
    localizer.eval()

    loss = localizer.loss(batch)["classification"]

    logits = localizer.classify(batch.images)
    expected = F.binary_cross_entropy_with_logits(logits, batch.labels)
    torch.testing.assert_close(loss, expected)


def test_a_checkpoint_needs_nothing_else(localizer: Localizer, tmp_path: Path) -> None:
    classes = ClassList(["a", "b", "c", "d"])
    localizer.normalisation = TENSORFLOW
    localizer.save(tmp_path / "x.safetensors", classes, {"epochs": 2})

    found, known, what = Localizer.restore(tmp_path / "x.safetensors", "cpu")

    image = picture(64, 80)
    assert known == classes
    assert what.run == {"epochs": 2}
    assert not found.training
    np.testing.assert_array_equal(
        infer_maps(found, image, [1, 2], EXACT).scores, infer_maps(localizer, image, [1, 2], EXACT).scores
    )


def test_a_trunk_starts_from_another_checkpoint(localizer: Localizer, tmp_path: Path) -> None:
    localizer.normalisation = TENSORFLOW
    localizer.save(tmp_path / "x.safetensors", ClassList("abcd"), {})

    again = Localizer.build("cam", TrunkChoice(width=1 / 16, weights=str(tmp_path / "x.safetensors")), class_count=9)

    assert again.normalisation == TENSORFLOW
    torch.testing.assert_close(again.trunk.state_dict(), localizer.trunk.state_dict())


def test_a_trunk_without_dilation_comes_back_without(tmp_path: Path) -> None:
    Localizer.build("cam", TrunkChoice("resnet18", width=1 / 16, dilated=False), class_count=1).save(
        tmp_path / "x.safetensors", ClassList(["a"]), {}
    )

    assert not Localizer.restore(tmp_path / "x.safetensors", "cpu")[0].trunk.dilated


@pytest.mark.parametrize("count", [0, -1])
def test_no_class_is_refused(count: int) -> None:
    with pytest.raises(LabelError, match="at least one class"):
        Localizer.build("cam", SMALL, class_count=count)


def test_what_does_not_exist_is_named(tmp_path: Path, localizer: Localizer) -> None:
    with pytest.raises(StepError, match="cam"):
        Localizer.build("grad_cam_99", SMALL, class_count=2)
    with pytest.raises(StepError, match="mobilenet_v2"):
        Localizer.build("cam", TrunkChoice("alexnet"), class_count=2)
    with pytest.raises(WeightsError):
        Localizer.restore(tmp_path / "absent.safetensors", "cpu")
    localizer.save(tmp_path / "x.safetensors", ClassList("abcd"), {})
    with pytest.raises(StepError, match="no device 'cuda:77'"):
        Localizer.restore(tmp_path / "x.safetensors", "cuda:77")


@pytest.fixture
def threads() -> Iterator[int]:
    before = torch.get_num_threads()
    yield before
    torch.set_num_threads(before)


@pytest.mark.usefixtures("threads")
def test_background_loading_leaves_a_core_free(localizer: Localizer, tmp_path: Path) -> None:
    localizer.save(tmp_path / "x.safetensors", ClassList("abcd"), {})
    torch.set_num_threads(64)

    found, classes, _ = type(localizer).restore(tmp_path / "x.safetensors", "cpu", background=True)

    assert torch.get_num_threads() < 64
    assert len(classes) == 4
    assert found.infer(picture(40, 40), [1], EXACT).classes == (1,)


@pytest.mark.gpu
def test_a_gpu_gives_the_maps_of_the_cpu(localizer: Localizer) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    image = picture(260, 390)
    expected = infer_maps(localizer, image, [0, 2], EXACT).scores

    found = infer_maps(localizer.cuda(), image, [0, 2], EXACT).scores
    half = infer_maps(localizer, image, [0, 2], Inference(precision="auto")).scores

    assert np.abs(found - expected).max() < 1e-2  # TF32 convolutions
    assert np.abs(half - expected).max() < 2e-2


def test_unknown_labels_are_left_out_of_the_loss() -> None:
    logits = torch.randn(3, 4, requires_grad=True)
    labels = torch.tensor([[1.0, 0, 0, 1], [0, 1, 0, float("nan")], [float("nan"), float("nan"), 1, 0]])

    loss = label_loss(logits, labels, torch.tensor([1.0, 1.0, 0.5]))

    rows = [
        F.multilabel_soft_margin_loss(row[None, known], label[None, known])
        for row, label, known in zip(logits, labels, ~labels.isnan(), strict=True)
    ]
    torch.testing.assert_close(loss, (rows[0] + rows[1] + 0.5 * rows[2]) / 3)
    (gradient,) = torch.autograd.grad(loss, logits)
    assert torch.equal(gradient == 0, labels.isnan())


# -- several images at once -----------------------------------------------------------------------------------


@pytest.fixture
def several() -> tuple[Localizer, list[np.ndarray], list[tuple[int, ...]]]:
    torch.manual_seed(0)
    localizer = Localizer.build("cam", TrunkChoice("resnet18", width=1 / 8), class_count=3).eval()
    torch.nn.init.normal_(localizer.classifier.weight)
    random = np.random.default_rng(0)
    images = [random.integers(0, 255, (48, 64, 3), dtype=np.uint8) for _ in range(5)]
    return localizer, images, [(0,), (0, 2), (), (1,), (0, 1, 2)]


@pytest.mark.parametrize("flip", [True, False])
def test_images_that_go_together_get_the_maps_that_each_gets_alone(
    several: tuple[Localizer, list[np.ndarray], list[tuple[int, ...]]], flip: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    localizer, images, present = several
    settings = Inference(scales=(0.5, 1.0), flip=flip, precision="float32")
    monkeypatch.setattr(base, "TOGETHER_ON", ("cpu",))
    alone = [infer_maps(localizer, image, known, settings) for image, known in zip(images, present, strict=True)]
    passes: list[int] = []
    real = type(localizer).localize

    def counted(self: Localizer, views: Tensor, labels: Tensor) -> Tensor:
        passes.append(len(views))
        return real(self, views, labels)

    monkeypatch.setattr(type(localizer), "localize", counted)
    for count in (5, 3, 1):
        found = localizer.infer_together(images[:count], present[:count], settings)
        for one, other in zip(found, alone, strict=False):
            assert one.classes == other.classes
            np.testing.assert_allclose(one.scores, other.scores, atol=1e-6)
    assert set(passes) == {base.MOST_TOGETHER * (1 + flip)}, "always as many, or rounding would depend on the others"


def test_how_many_go_together_depends_on_the_settings_alone(
    several: tuple[Localizer, list[np.ndarray], list[tuple[int, ...]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    localizer = several[0]
    assert localizer.takes_together(48, 64, Inference()) == 1, "on the CPU it is no quicker"
    monkeypatch.setattr(base, "TOGETHER_ON", ("cpu",))
    one_pass = 48 * 64 * 4 * 2
    settings = Inference(pixel_budget=max(4096, 3 * one_pass), scales=(1.0, 2.0))
    assert localizer.takes_together(48, 64, settings) == 3
    assert localizer.takes_together(480, 640, settings) == 1
    assert localizer.takes_together(8, 8, settings) == base.MOST_TOGETHER
    comparing = Localizer.build("edam", TrunkChoice("resnet18", width=1 / 8), class_count=3)
    assert comparing.takes_together(8, 8, settings) == 1


def test_where_memory_runs_out_the_halves_are_tried_once(
    several: tuple[Localizer, list[np.ndarray], list[tuple[int, ...]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    localizer, images, present = several
    real, asked = base.infer_several, []

    def scarce(network: Localizer, some: list[np.ndarray], *given: object) -> object:
        asked.append(len(some))
        if len(some) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(network, some, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(base, "infer_several", scarce)
    found = localizer.infer_together(images, present, Inference(preset="single", precision="float32"))
    assert asked == [5, 2, 3]
    assert [one.classes for one in found] == present


@pytest.mark.parametrize("side", [1, 4])
@pytest.mark.parametrize("budget", [10**6, 20_000, 8192])
@pytest.mark.parametrize("method", ["cam", "seam"])
def test_maps_of_a_large_picture_are_those_of_the_whole(
    monkeypatch: pytest.MonkeyPatch, side: int, budget: int, method: str
) -> None:
    torch.manual_seed(0)
    made = Localizer.build(method, SMALL, class_count=3)
    nn.init.normal_(made.classifier.weight, std=1000)  # type: ignore[union-attr,arg-type]
    image = picture(130, 171)
    preset = "full" if method == "cam" else "fast"
    settings = Inference(preset, (0.5, 1.0, 2.0), pixel_budget=budget, tile_overlap=64, precision="float32")
    whole = made.infer(image, [0, 2], settings)
    monkeypatch.setattr(by_window, "_AT_ONCE", 5000)
    monkeypatch.setattr(by_window, "KEPT_PIXELS", -(-130 // side) * -(-171 // side))
    found = made.infer_large(InMemory(image), [2, 0], settings)
    assert found.classes == (0, 2)
    np.testing.assert_allclose(found.scores, by_window.means(whole.scores, side), atol=0.005)
    if side == 1:
        assert found.scores.max() > 0.9


def test_a_large_picture_has_one_maximum_and_no_map_without_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two bright places, one half as bright, in tiles of their own: each tile's own maximum would make them equal."""
    image = np.zeros((320, 640, 3), np.uint8)
    image[100:164, 100:164], image[100:164, 500:564] = 250, 125
    monkeypatch.setattr(by_window, "_AT_ONCE", 5000)
    bare = brightness()
    bare.normalisation = Normalisation((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    found = bare.infer_large(InMemory(image), [0], Inference("single", pixel_budget=40_000, precision="float32"))
    assert found.scores[0, 130, 130] == pytest.approx(1, abs=1e-3)
    assert found.scores[0, 130, 532] == pytest.approx(0.5, abs=0.01)
    assert bare.infer_large(InMemory(image), [], EXACT).scores.shape == (0, 320, 640)
    with pytest.raises(LabelError, match="0 to 2"):
        bare.infer_large(InMemory(image), [3], EXACT)


def test_methods_that_compare_pictures_say_so_of_large_ones() -> None:
    comparing = Localizer.build("co_attention", SMALL, class_count=3)
    with pytest.raises(StepError, match="Choose another method"):
        comparing.infer_large(InMemory(picture(64, 64)), [0], EXACT)
