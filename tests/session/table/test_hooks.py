"""Followers are called in their order, and their errors reach whoever told them."""

from __future__ import annotations

import pytest

from napari_wsss.session.table.hooks import Hook


def test_followers_are_called_in_the_order_they_were_connected() -> None:
    called: list[tuple[str, str]] = []
    hook: Hook[str] = Hook()
    hook("nobody")
    hook.connect(lambda one: called.append(("first", one)), lambda one: called.append(("second", one)))
    hook.connect(lambda one: called.append(("third", one)))
    hook("a.png")
    assert called == [("first", "a.png"), ("second", "a.png"), ("third", "a.png")]


def test_an_error_comes_through_as_it_is_and_ends_the_telling() -> None:
    def fail(_one: str) -> None:
        raise OSError("disk full")

    called: list[str] = []
    hook: Hook[str] = Hook()
    hook.connect(called.append, fail, called.append)
    with pytest.raises(OSError, match="disk full"):
        hook("a.png")
    assert called == ["a.png"]
