"""What the type stubs of PyQt5 do not say about Qt, in one place; nothing here does anything of its own.

The stubs call optional whatever is a pointer in C++, also where it is never null, want slots that return None, and make
an `int` of two flags.
"""

from collections.abc import Callable
from functools import reduce
from operator import and_, or_
from typing import TypeVar, cast

from qtpy.QtCore import Qt, SignalInstance

Found = TypeVar("Found")
Flag = TypeVar("Flag")


def certain(found: Found | None) -> Found:
    """Return what Qt always has where this is asked: an event, the layout that was set, a view's viewport."""
    assert found is not None
    return found


def connect(signal: SignalInstance, slot: Callable[..., object]) -> None:
    """Connect a signal to a slot, whatever that returns; PyQt gets the slot itself, so it can forget a dead one."""
    signal.connect(cast("Callable[..., None]", slot))


def united(*flags: Flag) -> Flag:
    """Return flags joined by ``|``."""
    joined: Flag = reduce(or_, flags)
    return joined


def without(flags: Flag, left_out: Qt.ItemFlag) -> Flag:
    """Return an item's flags without one of them."""
    rest: Flag = and_(flags, ~left_out)
    return rest
