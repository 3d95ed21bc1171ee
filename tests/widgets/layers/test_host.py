"""Our layers keep order, place and names among other people's, and are fed only what is new."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image

from napari_wsss.widgets.layers import looks
from napari_wsss.widgets.layers.host import LayerHost
from napari_wsss.widgets.layers.outline import COARSE


@pytest.fixture
def host(viewer, session):
    made = LayerHost(viewer, session)
    yield made
    made.clear()


@pytest.fixture
def fed(host, session):
    """Return a host that was fed in another order than that of the layers."""
    classes = session.table.classes
    host.feed("mask", session.table.mask, lambda values: looks.mask_layer(values, classes))
    host.feed(
        "proposal", session.table.proposal, lambda values: looks.proposal_layer(values.copy(), classes), looks.write
    )
    host.feed("image", session.table.image, looks.image_layer)
    host.cams.feed(("red", "green"), classes, session.table.maps, session.table.image)
    return host


def names(viewer):
    return [layer.name for layer in viewer.layers]


OURS = ["image", "cam · red", "cam · green", "proposal", "mask"]


def test_whatever_comes_first_each_layer_finds_its_place(fed, viewer):
    assert names(viewer) == OURS
    assert list(fed.layers) == list(viewer.layers)
    assert fed.mask is fed.layer("mask") is viewer.layers["mask"]


def test_overlays_come_to_their_places_and_leave_the_active_layer_alone(fed, viewer, session, settle):
    viewer.layers.selection.active = fed.mask
    session.doubts.show(True)
    settle(session)
    session.provenance.show(True)
    fed.feed_overlays()
    assert names(viewer) == [*OURS[:3], "uncertainty", *OURS[3:], "provenance"]
    assert viewer.layers.selection.active is fed.mask
    viewer.layers.remove(fed.mask)
    fed.feed("mask", session.table.mask, lambda values: looks.mask_layer(values, session.table.classes))
    assert names(viewer)[-2:] == ["mask", "provenance"]


def test_a_layer_is_touched_only_for_another_array(fed, session):
    shown = []
    fed.feed("proposal", session.table.proposal, pytest.fail, lambda layer, data: shown.append(data))
    assert shown == []
    other = session.table.proposal.copy()
    fed.feed("proposal", other, pytest.fail, lambda layer, data: shown.append(data))
    assert shown == [other]


def test_what_somebody_takes_away_is_told_and_what_we_take_away_is_not(fed, viewer):
    lost = []
    fed.lost.connect(lost.append)
    viewer.layers.remove(viewer.layers["cam · red"])
    viewer.layers.remove(fed.mask)
    assert lost == ["cam · red", "mask"]
    assert fed.mask is None
    fed.clear()
    assert (len(viewer.layers), len(lost)) == (0, 2)


def test_names_are_given_back_and_napari_may_number_them(fed, viewer):
    said = []
    fed.notice.connect(said.append)
    fed.mask.name = "mine"
    assert fed.mask.name == "mask"
    assert len(said) == 1
    fed.mask.name = "mask [1]"
    assert (fed.mask.name, len(said)) == ("mask [1]", 1)
    fed.guarded(lambda: setattr(fed.mask, "name", "ours"))
    assert fed.mask.name == "ours"


def test_a_change_of_ours_ends_also_by_an_error(fed):
    def broken():
        assert fed.is_busy
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        fed.guarded(broken)
    assert not fed.is_busy


def test_the_readers_image_is_taken_over(host, viewer, session):
    other = viewer.add_image(np.zeros((4, 4)), name="image")
    read = viewer.add_layer(Image(session.table.image, rgb=True, name="photo", metadata={looks.TAG: "image"}))
    host.adopt()
    assert host.layer("image") is read
    assert other not in host.layers
    assert host.feed("image", session.table.image, pytest.fail) is read


def test_a_new_proposal_is_outlined_for_the_zoom_that_is(viewer, host, session, qtbot):
    host.feed("image", session.table.image, looks.image_layer)  # napari looks at the whole of the first layer
    viewer.scene.camera.zoom = 0.25
    classes = session.table.classes
    layer = host.feed(
        "proposal", session.table.proposal, lambda values: looks.proposal_layer(values.copy(), classes), looks.write
    )
    qtbot.waitUntil(lambda: layer.metadata.get(COARSE) == 4, timeout=20000)
