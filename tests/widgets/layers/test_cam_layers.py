"""Map layers are reused from image to image; one per labelled class."""

from __future__ import annotations

import numpy as np
import pytest

from napari_wsss.core.classes import ClassList
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.widgets.layers import looks
from napari_wsss.widgets.layers.cam_layers import CamLayers

CLASSES = ClassList(("a", "b", "c"))
IMAGE = np.zeros((4, 5, 3), np.uint8)


def maps(*classes):
    return ActivationMaps(np.stack([np.full((4, 5), (k + 1) / 10, np.float32) for k in classes]), classes)


@pytest.fixture
def shelf():
    return []


@pytest.fixture
def cams(shelf):
    return CamLayers(lambda layer, row: shelf.insert(row, layer), shelf.remove)


def test_each_labelled_class_has_its_map(cams, shelf):
    cams.feed(("a", "c"), CLASSES, maps(0, 2), IMAGE)
    assert [layer.name for layer in shelf] == ["cam · a", "cam · c"]
    assert [float(layer.data[0, 0]) for layer in shelf] == pytest.approx([0.1, 0.3])


def test_layers_are_fed_again_not_made_again(cams, shelf):
    cams.feed(("a", "b"), CLASSES, maps(0, 1), IMAGE)
    first = list(shelf)
    first[0].opacity = 0.2
    cams.feed(("b", "c"), CLASSES, maps(1, 2), IMAGE)
    assert shelf == first
    assert [layer.name for layer in shelf] == ["cam · b", "cam · c"]
    assert first[0].opacity == 0.2


def test_what_is_unchanged_is_not_touched(cams, shelf):
    found = maps(0, 1)
    cams.feed(("a", "b"), CLASSES, found, IMAGE)
    drawn = []
    for layer in shelf:
        layer.events.data.connect(lambda event: drawn.append(event.source.name))
    cams.feed(("a", "b"), CLASSES, found, IMAGE)
    assert drawn == []


def test_a_class_without_a_map_has_an_empty_one(cams, shelf):
    cams.feed(("a", "b"), CLASSES, maps(0), IMAGE)
    assert shelf[1].data.shape == (4, 5)
    assert not shelf[1].data.any()
    cams.feed(("a", "b"), CLASSES, maps(0, 1), IMAGE)
    assert shelf[1].data.any()


def test_the_current_class_survives_or_falls_back(cams):
    cams.feed(("a", "b"), CLASSES, None, IMAGE)
    cams.show("b")
    cams.feed(("b", "c"), CLASSES, None, IMAGE)
    assert cams.current == "b"
    cams.feed(("a",), CLASSES, None, IMAGE)
    assert cams.current == "a"
    cams.feed((), CLASSES, None, IMAGE)
    assert cams.current == ""
    cams.cycle()
    assert cams.shown is None


def test_spares_are_hidden_and_used_again_in_order(cams, shelf):
    cams.feed(("a", "b", "c"), CLASSES, maps(0, 1, 2), IMAGE)
    made = list(shelf)
    cams.feed(("c",), CLASSES, maps(2), IMAGE)
    assert [layer.name for layer in shelf] == ["cam · c", looks.SPARE, looks.SPARE]
    assert not any(layer.visible for layer in cams.spares)
    cams.feed(("a", "b"), CLASSES, maps(0, 1), IMAGE)
    assert [layer.name for layer in shelf] == ["cam · a", "cam · b", looks.SPARE]
    assert shelf == made
    assert float(shelf[1].data[0, 0]) == pytest.approx(0.2)


def test_spares_are_emptied_and_used_again(cams, shelf):
    cams.feed(("a", "b"), CLASSES, maps(0, 1), IMAGE)
    cams.feed(("a",), CLASSES, maps(0), IMAGE)
    made = list(shelf)
    cams.tidy()
    assert [layer.data.shape for layer in shelf] == [(4, 5), (1, 1)]
    cams.feed(("a", "b"), CLASSES, maps(0, 1), IMAGE)
    assert shelf == made
    assert [layer.data.shape for layer in shelf] == [(4, 5), (4, 5)]


def test_all_layers_go_when_the_project_closes(cams, shelf):
    cams.feed(("a", "b"), CLASSES, maps(0, 1), IMAGE)
    cams.feed(("a",), CLASSES, maps(0), IMAGE)
    cams.clear()
    assert shelf == cams.spares == cams.layers == []


def test_a_forgotten_layer_is_made_anew(cams, shelf):
    cams.feed(("a", "b"), CLASSES, maps(0, 1), IMAGE)
    lost = shelf.pop(0)
    cams.forget(lost)
    cams.feed(("a", "b"), CLASSES, maps(0, 1), IMAGE)
    assert [layer.name for layer in shelf] == ["cam · a", "cam · b"]
    assert lost not in shelf


def test_maps_step_back_and_come_forward_in_proportion(cams, shelf):
    cams.feed(("a",), CLASSES, maps(0), IMAGE)
    shelf[0].opacity = 0.5
    for faded, opacity in ((True, 0.2), (True, 0.2), (False, 0.5), (False, 0.5)):
        cams.fade(faded)
        assert shelf[0].opacity == pytest.approx(opacity)
    cams.fade(True)
    cams.feed(("a", "b"), CLASSES, maps(0, 1), IMAGE)
    assert [layer.opacity for layer in shelf] == pytest.approx([0.2, 0.2])
