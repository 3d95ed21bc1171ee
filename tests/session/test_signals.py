"""Verbs that report: a failure a person can act on becomes one line, a bug stays a bug."""

from __future__ import annotations

import pytest

from napari_wsss.core.errors import StepError
from napari_wsss.session.signals import Signals, reported


class Verbs:
    def __init__(self) -> None:
        self.signals = Signals()

    @reported
    def act(self, error: Exception | None = None) -> bool:
        if error is not None:
            raise error
        return True


def test_success_is_passed_on() -> None:
    assert Verbs().act()


@pytest.mark.parametrize("error", [StepError("Train one."), OSError("disk full")])
def test_failures_become_one_line(error: Exception) -> None:
    verbs, said = Verbs(), []
    verbs.signals.failed.connect(said.append)
    assert not verbs.act(error)
    assert len(said) == 1
    assert str(error) in said[0]


def test_bugs_are_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        Verbs().act(ZeroDivisionError())
