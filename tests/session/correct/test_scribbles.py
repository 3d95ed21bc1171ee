"""Scribbles outlive the next image and a crash, and are put away when the image is accepted."""

from __future__ import annotations

import numpy as np

from napari_wsss.core.masks import read_mask
from napari_wsss.core.scribbles import BACKGROUND_SCRIBBLE
from napari_wsss.project import scribble_files as module


def scribble(session, value, rows=slice(2, 4), columns=slice(2, 9)):
    session.scribbles.values[rows, columns] = value
    assert session.scribbles.record(session.scribbles.values)


def test_they_stay_with_their_image(sitting):
    session = sitting.session
    told = []
    session.scribbles.replaced.connect(told.append)
    scribble(session, 3)
    scribble(session, BACKGROUND_SCRIBBLE, slice(20, 22))
    drawn = session.scribbles.values.copy()
    assert session.scribbles.classes == ("background", "blue")
    assert session.scribbles.unlabelled == ("blue",)
    np.testing.assert_array_equal(read_mask(session.scribbles.path("p0.png")), drawn)
    session.navigation.next()
    assert not session.scribbles.any
    session.scribbles.values[0, 0] = 1  # a stroke that nobody has told of yet
    session.navigation.previous()
    np.testing.assert_array_equal(session.scribbles.values, drawn)
    assert told == ["p1.png", "p0.png"]
    assert read_mask(session.scribbles.path("p1.png"))[0, 0] == 1
    assert session.project.catalog.state("p0.png") == "todo"  # scribbles are no mask


def test_they_survive_a_new_sitting_but_not_another_size(sitting, sitting_on):
    scribble(sitting.session, 1)
    folder = sitting.session.project.folder
    assert sitting.session.close_project()
    assert sitting.session.scribbles.values is None
    again = sitting_on(folder)
    assert again.session.scribbles.values[2, 2] == 1
    path = again.session.scribbles.path("p1.png")
    path.write_bytes(module.encode_mask(np.ones((3, 3), np.uint8)))
    again.session.navigation.next()
    assert not again.session.scribbles.any
    path = again.session.scribbles.path("p2.png")
    path.write_bytes(b"no picture")
    again.session.navigation.next()
    assert not again.session.scribbles.any
    assert "cannot be read" in again.failures[-1]


def test_accepting_puts_them_away_and_undo_brings_them_back(sitting):
    session = sitting.session
    scribble(session, 1)
    sitting.paint(1)
    assert sitting.accept(and_next=False)
    assert not session.scribbles.any
    session.navigation.next()
    session.navigation.previous()
    assert not session.scribbles.any
    scribble(session, 2)  # a new round on the accepted mask
    session.navigation.next()
    session.navigation.previous()
    assert session.scribbles.classes == ("green",)
    scribble(session, 1)
    sitting.paint(2)
    assert sitting.accept(and_next=True)
    session.decisions.undo()
    assert session.table.image_id == "p0.png"
    assert session.scribbles.classes == ("red",)


def test_rubbed_out_ones_leave_no_file(sitting):
    session = sitting.session
    scribble(session, 1)
    scribble(session, 0)
    assert not session.scribbles.path("p0.png").exists()


def test_a_full_disk_is_told_and_the_image_stays(sitting, monkeypatch):
    session = sitting.session

    def full(_path):
        raise OSError("no space left")

    session.scribbles.values[0, 0] = 1
    with monkeypatch.context() as patch:
        patch.setattr(module, "publish", full)
        assert not session.navigation.next()
    assert session.table.image_id == "p0.png"
    assert "no space left" in sitting.failures[-1]
    assert session.navigation.next()


def test_a_read_only_project_keeps_none(project_folder, sitting_on):
    sitting = sitting_on(project_folder, read_only=True)
    sitting.session.scribbles.values[0, 0] = 1
    assert sitting.session.scribbles.record(sitting.session.scribbles.values)
    assert not sitting.session.scribbles.path("p0.png").exists()
