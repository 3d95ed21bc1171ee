"""The key table: which key does what, where it is bound, and how it reaches napari's own dispatch.

Keys that napari's layers own (digits, C, G, M, Y) are bound on our layer *instances*, which win over the layer classes;
all others on the viewer. Other people's layers keep every key of theirs. `KEYS` are the defaults; what a person chose
instead is laid over them in `own_keys`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from napari.components import ViewerModel
from napari.layers import Layer

Scope = Literal["viewer", "layers"]


@dataclass(frozen=True)
class Key:
    """One entry of the key table.

    Parameters
    ----------
    key : str
        As napari writes it: ``A``, ``Shift-Y``, ``Backspace``.
    action : str
        Name of an action (see `napari_wsss.widgets.keys.actions`).
    title : str
        What a person reads.
    scope : str
        ``layers`` where a napari layer class owns the key.
    hold : bool
        True when the action lasts as long as the key is down.
    """

    key: str
    action: str
    title: str
    scope: Scope = "viewer"
    hold: bool = False

    @property
    def shown(self) -> str:
        """The key as a person reads it: ``Shift+Y``, ``C (hold)``."""
        return self.key.replace("-", "+") + (" (hold)" if self.hold else "")


DIGIT = "value_"


def digit_action(digit: int) -> str:
    """Return the action of a digit key: 0 paints background, 1 to 9 the classes (see `session.review.digits`)."""
    return f"{DIGIT}{digit}"


def digit_in(action: str) -> int | None:
    """Return the digit of an action that a digit key has by default, None for all others."""
    return int(action.removeprefix(DIGIT)) if action.startswith(DIGIT) else None


KEYS: tuple[Key, ...] = (
    Key("A", "previous", "previous image"),
    Key("D", "next", "next image"),
    Key("W", "accept", "accept and go to the next undecided image"),
    Key("U", "next_undecided", "next undecided image, without deciding"),
    Key("Shift-U", "previous_undecided", "previous undecided image"),
    Key("S", "skip", "skip this image and go on (it comes back last)"),
    Key("Q", "flag", "flag for somebody else, or take the flag away"),
    Key("Backspace", "undo_decision", "take the last decision back and return to its image"),
    Key("0", digit_action(0), "paint background", "layers"),
    *(Key(str(n), digit_action(n), f"paint class {n} of this image: its labels first", "layers") for n in range(1, 10)),
    # napari's M ("new label") asks for a class that does not exist, so ours takes its place.
    Key("M", "choose_class", "choose the class to paint by typing its name", "layers"),
    Key("I", "ignore", "paint ignore (255): pixels that count nowhere"),
    Key("G", "polygon", "polygon tool", "layers"),
    Key("T", "cycle", "next class of this image: its activation map and the brush"),
    Key("Y", "copy_class", "copy the proposal of the current class into the mask", "layers"),
    Key("Shift-Y", "copy_all", "copy the whole proposal into the mask", "layers"),
    Key("Shift-N", "take_neighbour", "start from the mask of the page before, else after (pages of a stack)"),
    Key(",", "threshold_down", "background threshold 0.02 lower (more foreground)"),
    Key(".", "threshold_up", "background threshold 0.02 higher (less foreground)"),
    Key("O", "scribble", "scribble instead of painting the mask, or back", "layers"),
    # Takes the place of napari's "swap the painted class with background".
    Key("X", "point", "point at things: left click = this class, right click = not, drag = a box", "layers"),
    Key(
        "Shift-X",
        "regions",
        "give whole regions this class: click or drag over them; Shift: all alike; right: background",
        "layers",
    ),
    Key("Shift-F", "wand", "fill what is coloured alike: press, then drag right for more, left for less", "layers"),
    Key("R", "propagate", "make a mask from the scribbles"),
    # Takes the place of napari's "pick", which stays a button of the layer.
    Key("L", "learn", "show the new proposal where one waits, else learn from everything corrected so far", "layers"),
    Key("C", "hold_proposal", "show the proposal alone while held", "layers", hold=True),
    Key("Shift-C", "mask_outline", "the mask as outline only, or filled again"),
    Key("H", "hold_image", "hide everything but the image while held", hold=True),
    # Takes the place of napari's "preserve labels", which stays a check box of the layer.
    Key("B", "compare", "what the last model changed: after, before, difference, off", "layers"),
    Key("Shift-B", "side_by_side", "two masks, or two images, side by side"),
    Key("J", "most_uncertain", "zoom to the most uncertain place; again: to the next one"),
    Key("Ctrl-R", "whole_image", "show the whole image"),
    Key("Shift-G", "grid", "verify many proposals at a glance: mark the bad ones, Enter accepts the rest"),
    Key("N", "edit_labels", "edit the image-level labels"),
    Key("K", "help", "this list of keys"),
)

NAPARI_KEYS = (
    ("P / E / F / Z", "paint, erase, fill, pan: napari's own tools on the mask"),
    ("[ / ]", "brush smaller / larger"),
    ("Ctrl+Z / Ctrl+Shift+Z", "undo / redo in the mask, copied proposals included"),
    ("Enter", "fill the polygon; before it, press on a vertex to move it, on an edge for a new vertex there"),
    ("Esc", "end the thing that is pointed at; again: stop pointing"),
    ("Space (hold)", "pan while painting"),
    ("V", "show or hide the selected layers"),
)

WITH_THE_MOUSE = (
    ("Right button", "rub out while it is held, in paint mode"),
    ("Shift + right click", "encircle and fill: go round a thing and back to where you began, in paint mode (napari)"),
    ("Shift + wheel", "brush larger / smaller, in bigger steps, while painting or erasing"),
)


class Runs(Protocol):
    """What the keys call."""

    @property
    def table(self) -> Sequence[Key]:
        """The keys as they are now."""

    def run(self, action: str) -> None:
        """Do an action, or say why it is not possible now."""

    def finish(self, action: str) -> None:
        """End an action that lasts while its key is held."""


class Keyboard:
    """Binds the key table to a viewer and to our layers.

    Parameters
    ----------
    viewer : napari ViewerModel
    actions : Runs
    """

    def __init__(self, viewer: ViewerModel, actions: Runs) -> None:
        self._viewer = viewer
        self._actions = actions
        self._table: tuple[Key, ...] = ()
        self._layers: list[Layer] = []
        self.rebind()

    def rebind(self) -> None:
        """Give the old keys back and bind those of the table as it is now."""
        layers = self._layers
        self.close()
        self._table = tuple(self._actions.table)
        for entry in self._table:
            # Keys of scope `layers` also work here while no layer is active.
            self._viewer.bind_key(entry.key, self._function(entry), overwrite=True)
        self.bind_layers(layers)

    def bind_layers(self, layers: Iterable[Layer]) -> None:
        """Bind the layer keys on those of `layers` that are new; call it whenever our layers may have changed."""
        layers = list(layers)
        for layer in layers:
            if not any(layer is known for known in self._layers):
                for entry in self._table:
                    if entry.scope == "layers":
                        layer.bind_key(entry.key, self._function(entry), overwrite=True)
        self._layers = layers

    def _function(self, entry: Key) -> Callable[[Any], Any]:
        def press(_target: Any) -> None:
            self._actions.run(entry.action)

        def hold(_target: Any) -> Iterator[None]:
            self._actions.run(entry.action)
            yield
            self._actions.finish(entry.action)

        return hold if entry.hold else press

    def close(self) -> None:
        """Give every key back."""
        for entry in self._table:
            self._viewer.bind_key(entry.key, None)
            for layer in self._layers:
                if entry.scope == "layers":
                    layer.bind_key(entry.key, None)
        self._table, self._layers = (), []
