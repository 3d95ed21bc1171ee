"""The review states of an image, and which may become which."""

from collections.abc import Mapping
from typing import Literal, get_args

State = Literal["todo", "draft", "accepted", "skipped", "flagged", "excluded"]
STATES: tuple[State, ...] = get_args(State)
UNDECIDED: tuple[State, ...] = ("todo", "draft", "skipped")

MOVES: Mapping[str, frozenset[str]] = {
    "todo": frozenset({"draft", "accepted", "skipped", "flagged", "excluded"}),
    "draft": frozenset({"todo", "accepted", "skipped", "flagged", "excluded"}),
    "accepted": frozenset({"draft", "flagged", "excluded"}),
    "skipped": frozenset({"todo", "draft", "accepted", "flagged", "excluded"}),
    "flagged": frozenset({"todo", "draft", "accepted", "skipped", "excluded"}),
    "excluded": frozenset({"todo", "draft", "accepted", "flagged"}),
}
"""State -> the states it may become. Only undo goes back from ``accepted`` to ``todo`` or ``skipped``."""
