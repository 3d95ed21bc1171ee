"""States differ in shape, colour and word."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from qtpy.QtGui import QImage

from napari_wsss.project.records import ImageRecord
from napari_wsss.project.states import STATES
from napari_wsss.widgets.controls.badge import LOOKS, StateBadge, state_icon, state_text

RECORD = ImageRecord("a.png", "a.png", frozenset(), "draft")


def pixels(state):
    image = state_icon(state).pixmap(16, 16).toImage().convertToFormat(QImage.Format.Format_ARGB32)
    bits = image.constBits()
    bits.setsize(image.sizeInBytes())
    return np.frombuffer(bytes(bits), np.uint8).reshape(16, 16, 4)


def test_every_state_has_a_look_of_its_own():
    assert set(LOOKS) == set(STATES)
    assert len({look.shape for look in LOOKS.values()}) == len(STATES)
    assert len({look.colour for look in LOOKS.values()}) == len(STATES)


def test_shapes_differ_also_without_colour(qapp):
    drawn = [pixels(state)[..., 3] > 128 for state in STATES]
    for first in range(len(drawn)):
        assert drawn[first].any()
        for second in range(first):
            assert (drawn[first] != drawn[second]).sum() > 8


@pytest.mark.parametrize(
    ("record", "before", "text"),
    [
        (RECORD, False, "draft"),
        (RECORD, True, "draft (was accepted)"),
        (replace(RECORD, state="todo", stale=True, label_changed=True), False, "to do · stale · labels changed"),
        (replace(RECORD, state="accepted", disagrees=True), False, "accepted · model disagrees"),
    ],
)
def test_facts_stand_beside_the_state(record, before, text):
    assert state_text(record, before) == text


def test_the_badge_grows_with_its_text(qtbot):
    badge = StateBadge()
    qtbot.addWidget(badge)
    badge.show_state("draft", "draft")
    short = badge.sizeHint().width()
    badge.show_state("draft", "draft (was accepted) · stale")
    assert badge.sizeHint().width() > short
    badge.resize(badge.sizeHint())
    assert not badge.grab().toImage().isNull()
