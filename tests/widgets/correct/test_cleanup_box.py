"""Sliders of the clean-up: a look first, then one step."""

from __future__ import annotations

import numpy as np
import pytest

from napari_wsss.pixels.cleanup import CleanUp
from napari_wsss.widgets.controls.listening import let_go
from napari_wsss.widgets.correct.cleanup_box import ESCAPE, NOTHING, CleanupBox


@pytest.fixture
def box(session, sync, qtbot):
    made = CleanupBox(session, sync)
    qtbot.addWidget(made)
    yield made
    let_go(made)


@pytest.fixture
def moved(box, session, settle):
    """Return a function that moves sliders and waits for what they would change."""

    def move(**positions):
        for name, position in positions.items():
            box.sliders[name].setValue(position)
        box._ask()
        settle(session)
        return box.outcome.text()

    return move


def test_look_then_apply_then_undo(box, moved, session, sync, viewer):
    assert box.outcome.text() == NOTHING
    assert not box.apply.isEnabled()
    assert moved(smallest=10) == "Would change 64 px in 1 region."
    assert box.numbers["smallest"].text() == "100 px"
    assert box.steps == CleanUp(smallest=100)
    assert "clean-up preview" in viewer.layers
    assert viewer.layers.selection.active is sync.mask
    assert not session.table.mask.any()
    box.apply.click()
    assert "clean-up preview" not in viewer.layers
    np.testing.assert_array_equal(session.table.mask, np.where(session.table.proposal == 1, 1, 0))
    assert box.steps == CleanUp()
    assert box.outcome.text() == NOTHING
    sync.mask.undo()
    assert not sync.mask.data.any()


def test_cancel_escape_and_another_image_end_it(box, moved, session, sync):
    moved(smallest=10)
    box.cancel.click()
    assert session.cleaning.preview is None
    moved(smallest=10)
    pressed = {str(key): call for key, call in sync.mask.keymap.items()}
    pressed[ESCAPE](sync.mask)
    assert session.cleaning.preview is None
    assert ESCAPE not in {str(key) for key in sync.mask.keymap}
    moved(smallest=10)
    session.navigation.next()
    assert box.sliders["smallest"].value() == 0
    assert session.cleaning.preview is None


def test_one_class_alone_and_painted_pixels(box, moved, session, sync, settle):
    sync.choose_value(1)
    assert box.only.text() == "Only the current class (red)"
    box.only.click()
    assert moved(smallest=10) == "Would change nothing."  # the small one is green
    sync.choose_value(2)
    box._ask()
    settle(session)
    assert "64 px" in box.outcome.text()
    box.cancel.click()
    sync.mask.paint((20, 10), 2)
    sync._on_paint()
    sync.commit()
    assert moved(smallest=20) == "Would change nothing."
    box.protect.click()
    assert moved() != "Would change nothing."
