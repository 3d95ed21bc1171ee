"""Times in words."""

from __future__ import annotations

import pytest

from napari_wsss.widgets.controls.durations import duration


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "0 s"), (89, "89 s"), (179, "3 min"), (4800, "80 min"), (7260, "2 h 01 min")]
)
def test_durations_are_rounded_for_reading(seconds, text):
    assert duration(seconds) == text
