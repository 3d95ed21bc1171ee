"""Who follows whom inside a session: calls made one after the other, in the order they were connected.

Unlike a signal it lets errors through as they are, so that the verb that caused them reports them, and its order is
part of what it promises. All hooks of a session are connected in one list (`session.session.connect`).
"""

from collections.abc import Callable
from typing import Generic, ParamSpec

P = ParamSpec("P")


class Hook(Generic[P]):
    """Something that happens inside a session, and who follows it."""

    def __init__(self) -> None:
        self._followers: list[Callable[P, object]] = []

    def connect(self, *followers: Callable[P, object]) -> None:
        """Have these called, after those connected before."""
        self._followers += followers

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Tell everyone who follows; an error of one keeps the rest from being called, and is the caller's."""
        for follower in self._followers:
            follower(*args, **kwargs)
