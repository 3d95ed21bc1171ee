"""What a session tells its windows, and how its verbs report failures: as one line, never as a crash."""

import functools
import sqlite3
from collections.abc import Callable
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from psygnal import Signal

from napari_wsss.core.errors import WsssError
from napari_wsss.session.jobs import describe

FAILURES = (WsssError, OSError, sqlite3.Error)
P = ParamSpec("P")


class Signals:
    """What a window may hear of a session; all are emitted in the thread that owns the session.

    What only one tool tells (`correct.scribbles`, `gallery.gallery` ...) is a signal of that tool.
    """

    project_opened = Signal()
    project_closed = Signal()
    image_changed = Signal(str)  # another image (or the same one, read again) is on the table
    maps_ready = Signal(str)  # maps of this image were computed or dropped
    proposal_changed = Signal(str)  # only the pseudo mask changed (slider, refiners)
    boundary_changed = Signal(str)  # class boundaries of this image were computed, or are no longer shown
    drawing_changed = Signal()  # the proposal begins or ends to be drawn anew after a change of parameters
    mask_replaced = Signal(str)  # the mask array was replaced by a bulk step: write it into the layer undoably
    sources_changed = Signal(str)  # who made the pixels of the mask changed, or whether it is shown
    labels_changed = Signal(str)
    class_found = Signal(str, str)  # the map of a class whose label a person added to this image is there
    state_changed = Signal(str)
    save_state_changed = Signal(object)  # SaveState
    queue_changed = Signal()
    plan_changed = Signal()
    classes_changed = Signal()
    model_applied = Signal()  # another model gives the proposals from now on
    changes_measured = Signal()  # it is known of more images how much their proposals changed
    comparison_changed = Signal(str)  # what the model changed in this image is shown otherwise
    notice = Signal(str)  # one quiet line
    failed = Signal(str)  # one line that needs attention


class Telling(Protocol):
    """A part of a session that has its signals."""

    signals: Signals


T = TypeVar("T", bound=Telling)


def reported(verb: Callable[Concatenate[T, P], bool]) -> Callable[Concatenate[T, P], bool]:
    """Make a verb emit `failed` and return False where it would raise an error a person can act on."""

    @functools.wraps(verb)
    def run(self: T, /, *args: P.args, **kwargs: P.kwargs) -> bool:
        try:
            return verb(self, *args, **kwargs)
        except FAILURES as error:
            self.signals.failed.emit(describe(error))
            return False

    return run
