"""Each side is the image and mask it says; both follow the shown image until they are left."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from napari_wsss.session.models.side_by_side import Side
from tests.session.conftest import Sitting


@pytest.fixture
def sitting(model_folder: Path, tmp_path: Path) -> Sitting:
    made = Sitting(tmp_path / "config")
    made.session.open_project(model_folder)
    made.session.inference.start()
    made.settle()
    return made


def test_both_sides_are_what_they_say(sitting: Sitting) -> None:
    session = sitting.session
    sitting.paint(3)
    assert session.side_by_side.begin()
    sitting.settle()
    left, right = session.side_by_side.drawn
    np.testing.assert_array_equal(left.mask, session.table.mask)
    np.testing.assert_array_equal(right.mask, session.table.proposal)
    assert left.caption.startswith("your mask")
    assert "differ" in session.side_by_side.text
    session.side_by_side.choose(0, Side("photograph"))
    sitting.settle()
    np.testing.assert_array_equal(session.side_by_side.drawn[0].picture, session.table.image)
    assert session.side_by_side.text == ""


def test_the_right_may_be_another_image_and_the_left_follows(sitting: Sitting) -> None:
    session = sitting.session
    beside = session.side_by_side
    assert beside.begin()
    other = beside.near()[0]
    assert other != session.table.image_id
    beside.choose(1, Side("proposal", other))
    session.navigation.next()
    session.navigation.next()
    sitting.settle()
    assert beside.drawn[0].caption.endswith(session.table.image_id)
    assert beside.drawn[1].caption.endswith(other)
    beside.end()
    assert beside.drawn == ()
    session.navigation.next()
    sitting.settle()
    assert beside.drawn == (), "nothing is drawn that nobody sees"


def test_two_people_beside_each_other(sitting: Sitting, tmp_path: Path) -> None:
    session = sitting.session
    folder = session.project.folder
    image_id = session.table.image_id
    sitting.paint(2, slice(0, 20), slice(0, 20))
    assert sitting.accept(and_next=False)
    accepted = session.table.mask.copy()
    session.close_project()
    shutil.copytree(folder, tmp_path / "anna")
    session.open_project(folder)
    session.navigation.go_to(image_id)
    sitting.paint(3, slice(0, 20), slice(0, 20))
    session.side_by_side.choose(1, Side("theirs", of=tmp_path / "anna"))
    assert session.side_by_side.begin()
    sitting.settle()
    left, right = session.side_by_side.drawn
    np.testing.assert_array_equal(right.mask, accepted)
    assert not np.array_equal(left.mask, right.mask)
    assert right.caption.startswith("mask in anna")


def test_what_is_not_there_is_said(sitting: Sitting) -> None:
    sitting.session.side_by_side.choose(1, Side("before"))
    assert sitting.session.side_by_side.begin()
    sitting.settle()
    assert sitting.session.side_by_side.drawn == ()
    assert "has no" in sitting.session.side_by_side.text
    sitting.session.side_by_side.choose(1, Side("maps"))
    sitting.settle()
    assert len(sitting.session.side_by_side.drawn) == 2
