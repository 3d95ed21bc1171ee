"""The garbage collector passes over what a program is made of."""

import gc

import pytest

from napari_wsss.processes import garbage


def test_what_is_there_at_a_moment_is_passed_over_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(garbage, "_passed", set())
    there = [{} for _ in range(1000)]
    assert garbage.leave_out("loaded")
    assert not any(one is there for one in gc.get_objects())
    frozen = gc.get_freeze_count()

    later = [{}]
    assert not garbage.leave_out("loaded")
    assert any(one is later for one in gc.get_objects())
    assert gc.get_freeze_count() <= frozen  # less where something of it was freed meanwhile
    assert garbage.leave_out("worked")
    assert not any(one is later for one in gc.get_objects())
