from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("napari")

from napari.components import ViewerModel
from napari.layers import Labels
from napari.layers.labels._labels_utils import get_contours

from napari_wsss.core.classes import ClassList
from napari_wsss.widgets.controls.listening import let_go
from napari_wsss.widgets.layers import looks, outline
from napari_wsss.widgets.layers.outline import (
    COARSE,
    HALO,
    HOOK,
    OutlineWidth,
    enlarged,
    outlines,
    quicken_contours,
    ring_strokes,
    with_halo,
)


def noise(height: int = 40, width: int = 33, values: int = 4) -> np.ndarray:
    coarse = np.random.default_rng(3).integers(0, values, (height // 4 + 1, width // 4 + 1), dtype=np.uint8)
    return np.kron(coarse, np.ones((4, 4), np.uint8))[:height, :width]


def closed(values: np.ndarray, thickness: int, background: int = 0) -> np.ndarray:
    """Return napari's contours with the regions' pixels at the image's border."""
    found = get_contours(values, thickness, background)
    frame = np.ones(values.shape, bool)
    frame[thickness:-thickness, thickness:-thickness] = False
    return np.where(frame, values, found)


@pytest.mark.parametrize("thickness", [1, 2, 3])
@pytest.mark.parametrize("shape", [(40, 33), (1, 9), (9, 1), (2, 2)])
def test_the_same_pixels_as_napari_but_for_the_border(shape: tuple[int, int], thickness: int) -> None:
    values = noise(*shape)
    before = values.copy()
    assert np.array_equal(outlines(values, thickness), closed(values, thickness))
    assert np.array_equal(values, before)


@pytest.mark.parametrize("value", [1, 255])
def test_a_mask_that_covers_the_image_is_outlined_at_its_border(value: int) -> None:
    found = outlines(np.full((20, 30), value, np.uint8), 2)
    assert not found[2:-2, 2:-2].any()
    assert np.count_nonzero(found == value) == 20 * 30 - 16 * 26


@pytest.mark.parametrize("pixels", [1, 100, 700])
def test_strips_leave_no_seam(monkeypatch: pytest.MonkeyPatch, pixels: int) -> None:
    monkeypatch.setattr(outline, "STRIP_PIXELS", pixels)
    assert np.array_equal(outlines(noise(), 2), closed(noise(), 2))


def test_a_mask_as_outline_only_keeps_its_values() -> None:
    layer = looks.mask_layer(
        np.kron(np.array([[0, 1], [2, 255]], np.uint8), np.ones((9, 9), np.uint8)), ClassList("ab")
    )
    before = layer.data.copy()
    assert outline.toggle_outline(layer)
    shown = layer._calculate_contour(layer.data, (slice(None), slice(None)))
    assert shown[4, 13] == 0, "the photograph is seen inside"
    assert shown[4, 9] == 1, "its border is drawn"
    assert not outline.toggle_outline(layer)
    assert np.array_equal(layer.data, before)


def test_ignore_and_another_background() -> None:
    values = np.where(noise() == 2, np.uint8(255), noise())
    assert np.array_equal(outlines(values, 2, background=7), closed(values, 2, 7))


def test_a_quickened_layer_shows_what_napari_would_show() -> None:
    usual, quick = (Labels(noise(), colormap=looks.mask_colours(ClassList(("a", "b", "c")))) for _ in range(2))
    for layer in (usual, quick):
        layer.contour = 2
    quicken_contours(quick)
    for changed in (noise(), 3 - noise()):
        for layer in (usual, quick):
            layer.data[:] = changed
            layer.refresh()
        assert np.array_equal(quick._slice.image.view[2:-2, 2:-2], usual._slice.image.view[2:-2, 2:-2])
    part = (slice(3, 20), slice(5, 30))
    assert np.array_equal(getattr(quick, HOOK)(changed, part), getattr(usual, HOOK)(changed, part))


def test_a_filled_layer_stays_filled() -> None:
    layer = Labels(noise())
    quicken_contours(layer)
    layer.refresh()
    assert getattr(layer, HOOK)(layer.data, (slice(None), slice(None))) is None


def test_the_proposal_is_quickened() -> None:
    layer = looks.proposal_layer(noise(), ClassList(("a", "b", "c")))
    assert HOOK in vars(layer)
    assert layer.contour == 2


def test_another_napari_keeps_its_own_contours() -> None:
    class Other:
        contour = 2

    layer = Other()
    quicken_contours(layer)  # type: ignore[arg-type]
    assert vars(layer) == {}


@pytest.mark.parametrize("strip", [1, 50, outline.STRIP_PIXELS])
def test_a_halo_lies_around_a_contour_and_never_on_it(strip: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outline, "STRIP_PIXELS", strip)
    contours = outlines(noise(), 2)
    found = with_halo(contours, 9)
    assert np.array_equal(np.where(found == 9, 0, found), contours)
    near = np.zeros(contours.shape, bool)
    near[1:] |= contours[:-1] != 0
    near[:-1] |= contours[1:] != 0
    near[:, 1:] |= contours[:, :-1] != 0
    near[:, :-1] |= contours[:, 1:] != 0
    assert np.array_equal(found == 9, near & (contours == 0))


@pytest.mark.parametrize("count", [3, 253, 254])
def test_a_proposal_has_a_dark_line_where_a_value_is_free(count: int) -> None:
    classes = ClassList(tuple(f"c{k}" for k in range(count)))
    values = np.zeros((20, 20), np.uint8)
    values[5:15, 5:15] = 1
    layer = looks.proposal_layer(values, classes)
    shown = getattr(layer, HOOK)(values, (slice(None), slice(None)))
    halo = layer.metadata[HALO]
    assert set(np.unique(shown)) == ({0, 1, halo} if count < 254 else {0, 1})
    assert halo == (count + 1 if count < 254 else 0)
    assert halo == 0 or tuple(layer.colormap.color_dict[halo]) == (0, 0, 0, 1)


@pytest.mark.parametrize("wide", [1, 3])
def test_strokes_stay_filled_and_get_a_dark_line_also_while_they_are_drawn(wide: int) -> None:
    layer = looks.scribble_layer(np.zeros((40, 40), np.uint8), ClassList(("a", "b")))
    layer.contour, layer.brush_size = wide, 4
    layer.paint((20, 20), 2)
    drawn = layer._slice.image.view.copy()
    layer.refresh()
    assert np.array_equal(layer._slice.image.view, drawn), "a stroke looks at once as it does later"
    shown = with_halo(layer.data, layer.metadata[HALO], wide)
    assert np.array_equal(getattr(layer, HOOK)(layer.data, (slice(0, 40), slice(0, 40))), shown)
    assert np.array_equal(getattr(layer, HOOK)(layer.data, (slice(10, 22), slice(0, 9))), shown[10:22, 0:9])
    assert set(np.unique(shown)) == {0, 2, layer.metadata[HALO]}
    assert set(np.unique(layer.data)) == {0, 2}, "the line is only shown"


def test_strokes_stay_filled_where_no_value_is_free_or_napari_is_another() -> None:
    layer = looks.scribble_layer(noise(), ClassList(tuple(f"c{k}" for k in range(253))))
    assert getattr(layer, HOOK)(layer.data, (slice(0, 40), slice(0, 33))) is None
    other = type("Other", (), {"contour": 0})()
    ring_strokes(other)
    assert other.contour == 0


@pytest.mark.parametrize(("zoom", "coarse"), [(4.0, 1), (1.0, 1), (0.5, 2), (0.15, 8)])
def test_a_proposal_s_outline_is_as_wide_on_the_screen_at_every_zoom(qapp, zoom: float, coarse: int) -> None:
    values = np.zeros((200, 300), np.uint8)
    values[40:160, 80:240] = 1
    layer = looks.proposal_layer(values, ClassList(("a", "b")))
    viewer = ViewerModel()
    width = OutlineWidth(viewer, lambda: layer)
    viewer.scene.camera.zoom = zoom
    width.fit()
    shown = getattr(layer, HOOK)(layer.data, (slice(0, 200), slice(0, 300)))
    row, halo = shown[100], layer.metadata[HALO]
    assert layer.metadata.get(COARSE, 1) == coarse
    assert list(np.flatnonzero(row == 1)[: 2 * coarse]) == list(range(80, 80 + 2 * coarse))
    assert np.count_nonzero(row[:160] == halo) == 2 * coarse, "a dark line on either side"
    drawn = np.array_equal(layer._slice.image.view, layer.colormap._data_to_texture(shown))
    assert drawn or coarse == 1, "drawn anew where it has to be another"
    let_go(width)


def test_every_pixel_becomes_a_square_cut_at_the_border() -> None:
    assert enlarged(np.array([[1, 2], [3, 4]]), 2, (3, 4)).tolist() == [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4]]
