"""The dense CRF against a direct double sum, its presets, its guards, and life without the library."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_wsss.core.errors import StepError
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.progress import Steps, finish
from napari_wsss.core.registry import load_method
from napari_wsss.refine.dense_crf import (
    PRESETS,
    DenseCrf,
    Kernels,
    mean_field,
    mean_field_again,
    unary_from_labels,
    unary_from_scores,
)

pytest.importorskip("pydensecrf.densecrf", reason="the extra `crf` is not installed")


def picture(height: int, width: int) -> NDArray[np.uint8]:
    """Return a dark and a bright half with a little noise."""
    noise = np.random.default_rng(0).integers(0, 12, (height, width, 3))
    return (noise + np.where(np.arange(width) < width // 2, 40, 200)[None, :, None]).astype(np.uint8)


def sloppy(height: int, width: int) -> ActivationMaps:
    """Return a map of class 3 that is strongest in the middle of the bright half, and falls off to all sides of it."""
    score = np.clip(0.9 - np.abs(np.arange(width) - 0.75 * width) / (width / 2), 0.02, 0.98).astype(np.float32)
    score = np.broadcast_to(score, (height, width)).copy()
    return ActivationMaps(score[None], (3,), (1 - score).astype(np.float32))


def direct(image: NDArray[np.uint8], unary: NDArray[np.float32], kernels: Kernels) -> NDArray[np.float64]:
    """Mean field by the explicit sum over all pairs of pixels, in float64."""
    count, height, width = unary.shape
    y, x = np.mgrid[:height, :width].reshape(2, -1).astype(np.float64)
    place = np.subtract.outer(y, y) ** 2 + np.subtract.outer(x, x) ** 2
    colours = image.reshape(-1, 3).astype(np.float64)
    colour = ((colours[:, None] - colours[None]) ** 2).sum(2)
    smooth = np.exp(-place / (2 * kernels.smooth_sigma**2))
    bilateral = np.exp(-place / (2 * kernels.spatial_sigma**2) - colour / (2 * kernels.colour_sigma**2))
    messages = [(smooth, kernels.smooth_weight), (bilateral, kernels.weight)]
    normalised = [(k / np.sqrt(np.outer(k.sum(1), k.sum(1))), weight) for k, weight in messages]
    energy = unary.reshape(count, -1).astype(np.float64)
    q = softmax(-energy)
    for _ in range(kernels.iterations):
        q = softmax(-energy + sum(weight * q @ k for k, weight in normalised))
    return q.reshape(count, height, width)


def softmax(x: NDArray[np.float64]) -> NDArray[np.float64]:
    e = np.exp(x - x.max(0))
    return e / e.sum(0)


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_one_update_agrees_with_the_direct_sum(name: str) -> None:
    image = picture(10, 12)
    scores = np.random.default_rng(1).dirichlet([1, 1, 1], (10, 12)).transpose(2, 0, 1).astype(np.float32)
    kernels = Kernels(1, *list(PRESETS[name].__dict__.values())[1:])

    found = finish(mean_field(image, unary_from_scores(scores), kernels))
    expected = direct(image, unary_from_scores(scores), kernels)

    # The library filters on a lattice: it is close, never equal.
    assert (found.argmax(0) == expected.argmax(0)).mean() >= 0.95
    assert np.abs(found - expected).mean() < 0.03


def test_without_pairwise_terms_it_is_the_softmax() -> None:
    scores = np.random.default_rng(1).random((3, 8, 9), dtype=np.float32)

    found = finish(mean_field(picture(8, 9), unary_from_scores(scores), Kernels(5, 3, 0, 80, 13, 0)))

    np.testing.assert_allclose(found, scores / scores.sum(0), atol=1e-6)


def test_zero_iterations_are_the_softmax_too() -> None:
    scores = np.random.default_rng(1).random((2, 8, 9), dtype=np.float32)

    found = finish(mean_field(picture(8, 9), unary_from_scores(scores), Kernels(0)))

    np.testing.assert_allclose(found, scores / scores.sum(0), atol=1e-6)


def test_it_pulls_a_sloppy_map_to_the_edge_in_the_image() -> None:
    image, maps = picture(60, 80), sloppy(60, 80)  # an edge at column 40
    truth = np.zeros((60, 80), bool)
    truth[:, 40:] = True

    found = DenseCrf(DenseCrf.Parameters(scale_with_image=False)).refine(image, maps)

    before, after = ((m.to_mask() == 4) == truth for m in (maps, found))
    assert before.mean() < 0.9 < 0.97 < after.mean()


def test_large_images_widen_the_kernels_if_wanted() -> None:
    scaled, fixed = DenseCrf(), DenseCrf(DenseCrf.Parameters(scale_with_image=False))

    assert scaled.kernels(750, 1000) == Kernels(10, 6, 3, 160, 13, 10)
    assert scaled.kernels(500, 375) == fixed.kernels(4000, 6000) == PRESETS["psa"]


def test_custom_takes_the_fields() -> None:
    chosen = DenseCrf.Parameters(
        preset="custom", scale_with_image=False, iterations=2, spatial_sigma=20, colour_sigma=7, weight=1
    )

    assert DenseCrf(chosen).kernels(10, 10) == Kernels(2, 3, 3, 20, 7, 1)


def test_irn_reads_the_maps_as_labels() -> None:
    image = picture(30, 40)
    score = np.random.default_rng(2).random((30, 40), dtype=np.float32)
    maps = ActivationMaps(score[None], (0,), np.full((30, 40), 0.5, np.float32))
    labels = (score > 0.5).astype(int)

    found = DenseCrf(DenseCrf.Parameters(preset="irn", scale_with_image=False)).refine(image, maps)
    expected = finish(mean_field(image, unary_from_labels(labels, 2, 0.7), PRESETS["irn"]))

    np.testing.assert_array_equal(found.scores[0], expected[1])


def test_labels_get_their_certainty_and_the_rest_is_shared() -> None:
    unary = unary_from_labels(np.array([[0, 2]]), 3, 0.7)

    np.testing.assert_allclose(np.exp(-unary[:, 0, 0]), [0.7, 0.15, 0.15], rtol=1e-6)
    np.testing.assert_allclose(np.exp(-unary[:, 0, 1]), [0.15, 0.15, 0.7], rtol=1e-6)


def test_an_image_without_classes_comes_back() -> None:
    maps = ActivationMaps.empty(20, 30).with_scores(np.zeros((0, 20, 30), np.float32), np.ones((20, 30), np.float32))

    assert DenseCrf().refine(picture(20, 30), maps) is maps


def test_it_reports_after_each_update_and_stops_when_closed() -> None:
    score = np.random.default_rng(2).random((30, 40), dtype=np.float32)
    maps = ActivationMaps(score[None], (0,), 1 - score)
    steps = DenseCrf().steps(picture(30, 40), maps)

    assert [next(steps).done for _ in range(5)] == [0, 0, 1, 2, 3]  # both filters first
    steps.close()
    with pytest.raises(StopIteration):
        next(steps)


def in_a_thread(call: Callable[[], object]) -> Any:
    """Return what a call returns in a background thread, as a job makes it."""
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(call()))
    thread.start()
    thread.join(60)
    return found[0]


def test_in_a_background_thread_another_process_computes_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    score = np.random.default_rng(2).random((2, 30, 40), dtype=np.float32)
    maps = ActivationMaps(score, (0, 3), 1 - score.max(0))
    expected = [DenseCrf(DenseCrf.Parameters(preset=name)).refine(picture(30, 40), maps) for name in ("psa", "edam")]
    monkeypatch.setitem(sys.modules, "pydensecrf.densecrf", SimpleNamespace())  # nothing can be computed here

    found = in_a_thread(
        lambda: [
            DenseCrf(DenseCrf.Parameters(preset=name)).refine(picture(30, 40), maps)
            for name in ("psa", "edam", "psa", "psa")  # the filters of psa and edam are the same
        ]
    )

    for index, result in zip((0, 1, 0, 0), found, strict=True):
        np.testing.assert_array_equal(result.scores, expected[index].scores)


def test_kept_filters_give_the_same() -> None:
    scores = np.random.default_rng(1).dirichlet([1, 1, 1], (10, 12)).transpose(2, 0, 1).astype(np.float32)
    for unary in (unary_from_scores(scores), unary_from_scores(scores[::-1])):
        for iterations in (3, 1):
            kernels = replace(PRESETS["irn"], iterations=iterations)
            again = finish(mean_field_again(picture(10, 12), unary, kernels))
            np.testing.assert_array_equal(again, finish(mean_field(picture(10, 12), unary, kernels)))


def test_at_half_size_kernels_in_pixels_are_halved() -> None:
    fixed = DenseCrf(DenseCrf.Parameters(preset="irn", scale_with_image=False)).at_scale(0.5)

    assert fixed.kernels(10, 10) == PRESETS["irn"].scaled(0.5)
    assert fixed.settings.label_certainty == 0.7
    assert (same := DenseCrf()).at_scale(0.5) is same  # these follow the size of the image


@pytest.mark.parametrize(("shrink", "side", "worked_at"), [(2, 101, 51), (0, 159, 159), (0, 321, 161), (0, 500, 167)])
def test_it_works_on_the_shrunk_picture(
    monkeypatch: pytest.MonkeyPatch, shrink: int, side: int, worked_at: int
) -> None:
    sizes = []

    def noted(image: NDArray[np.uint8], unary: NDArray[np.float32], kernels: Kernels) -> Steps[NDArray[np.float32]]:
        sizes.append((image.shape[1], unary.shape[2], round(500 * kernels.smooth_sigma / 3)))
        return mean_field(image, unary, kernels)

    monkeypatch.setattr("napari_wsss.refine.dense_crf.mean_field", noted)
    found = DenseCrf(DenseCrf.Parameters(shrink=shrink)).refine(picture(30, side), sloppy(30, side))

    assert sizes == [(worked_at,) * 3]
    assert found.size == (30, side)


def test_shrunk_it_finds_the_same_borders_and_its_scores_are_shares() -> None:
    image, maps = picture(60, 80), sloppy(60, 80)
    whole = DenseCrf().refine(image, maps)
    quick = DenseCrf(DenseCrf.Parameters(shrink=2)).refine(image, maps)

    assert quick.background is not None
    assert np.mean(quick.to_mask() == whole.to_mask()) > 0.97
    np.testing.assert_allclose(quick.scores.sum(0) + quick.background, 1, atol=1e-5)


def test_shrunk_it_takes_maps_on_its_grid_as_they_are_and_gives_such_maps() -> None:
    image, planes = picture(60, 80), np.random.default_rng(0).random((3, 30, 40), np.float32)
    maps, crf = ActivationMaps.of_cells(planes, (0, 1), (60, 80)), DenseCrf(DenseCrf.Parameters(shrink=2))
    assert maps.background is not None

    found = crf.refine(image, maps)

    assert found.cells is not None
    assert found.cells.shape == (3, 30, 40)
    other = replace(maps, scores=np.full_like(maps.scores, 0.3))  # no longer of these cells, and not taken for them
    assert not np.allclose(crf.refine(image, other).scores, found.scores, atol=0.05)
    alike = crf.refine(
        image, ActivationMaps(planes[1:].repeat(2, 1).repeat(2, 2), (0, 1), planes[0].repeat(2, 0).repeat(2, 1))
    )
    np.testing.assert_allclose(alike.scores, found.scores, atol=1e-4)


def test_a_preview_at_half_size_is_shrunk_less() -> None:
    assert DenseCrf(DenseCrf.Parameters(shrink=2)).at_scale(0.5).settings.shrink == 1
    assert DenseCrf(DenseCrf.Parameters(shrink=0)).at_scale(0.5).settings.shrink == 0


def test_without_the_library_it_says_what_to_install_and_others_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pydensecrf.densecrf", None)

    with pytest.raises(StepError, match=r"g\+\+ python3-dev") as caught:
        DenseCrf()

    assert caught.value.missing == ("crf",)
    assert "napari-wsss[crf]" in str(caught.value)
    assert "Pixel correlation" in str(caught.value)
    assert caught.value.instead == "pixel_correlation"
    assert load_method("refine", "power_background")().title == "Power background"
    assert load_method("refine", "dense_crf").Parameters().preset == "psa"  # its form can still be shown


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_a_changed_number_of_a_preset_counts_and_the_others_stay(preset):
    before = DenseCrf(DenseCrf.Parameters(preset=preset, scale_with_image=False))
    values = before.changed_with({"weight": 7.5})
    after = DenseCrf(replace(before.settings, **values))
    assert after.kernels(9, 9) == replace(before.kernels(9, 9), weight=7.5)
    assert after.changed_with({"weight": 8.0}) == {"weight": 8.0}
    assert before.changed_with({"scale_with_image": True}) == {"scale_with_image": True}
