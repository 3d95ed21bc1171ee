"""What the header says about saving."""

from __future__ import annotations

import pytest

from napari_wsss.session.table.save_state import SaveState


@pytest.mark.parametrize(
    ("age", "text"), [(0, "saved now"), (3, "saved 3 s ago"), (130, "saved 2 min ago"), (7300, "saved 2 h ago")]
)
def test_saved_tells_its_age(age: float, text: str) -> None:
    assert SaveState("saved", since=100.0).text(now=100.0 + age) == text


@pytest.mark.parametrize("kind", ["unsaved", "saving", "failed"])
def test_only_what_is_on_disk_is_safe(kind: str) -> None:
    state = SaveState(kind, message="disk full")  # type: ignore[arg-type]
    assert not state.safe
    assert "saved" not in state.text().replace("NOT SAVED", "")


def test_a_failure_names_its_reason() -> None:
    assert SaveState("failed", message="disk full").text() == "NOT SAVED: disk full"
    assert SaveState("read_only").safe
