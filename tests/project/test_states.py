"""The moves between review states."""

from __future__ import annotations

from napari_wsss.project.states import MOVES, STATES, UNDECIDED


def test_every_state_can_be_left_and_reached() -> None:
    assert set(MOVES) == set(STATES) >= set(UNDECIDED)
    for state in STATES:
        assert MOVES[state] <= set(STATES) - {state}
        assert any(state in moves for moves in MOVES.values())
