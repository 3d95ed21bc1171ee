"""Where a drag ends: napari may tell no move there, because it thins moves out and forgets the last at the release.

On a busy machine that is the end of a person's stroke or box. The release itself says where it was.
"""

from collections.abc import Callable, Iterator
from typing import Any

from napari.components import ViewerModel
from napari.layers import Labels
from napari.utils.interactions import mouse_move_callbacks

MOVE = "mouse_move"


def followed(event: Any, moved: Callable[[], object]) -> Iterator[None]:
    """Follow the mouse from press to release, as a callback of napari's does that was given `event`.

    Parameters
    ----------
    event : napari's mouse event
        Of the press; napari changes it to what happens later.
    moved : callable
        Called wherever the mouse went, also where the button goes up if no move was told of that place.
    """
    last = tuple(event.position)
    yield
    while event.type == MOVE:
        last = tuple(event.position)
        moved()
        yield
    if tuple(event.position) != last:
        moved()


class StrokeEnd:
    """Lets napari's own tools of a layer (brush, eraser, encircle) reach the place where the button goes up.

    Parameters
    ----------
    viewer : ViewerModel
        Its callbacks hear of a release before those of its layers, whose stroke therefore goes on.
    painted : callable
        Returns the layer a person paints into, mask or scribbles; None while no image is shown.
    """

    def __init__(self, viewer: ViewerModel, painted: Callable[[], Labels | None]) -> None:
        self._viewer, self._painted = viewer, painted
        viewer.mouse_drag_callbacks.append(self._on_press)

    def close(self) -> None:
        """Let go of the viewer."""
        if self._on_press in self._viewer.mouse_drag_callbacks:
            self._viewer.mouse_drag_callbacks.remove(self._on_press)

    def _on_press(self, viewer: ViewerModel, event: Any) -> Iterator[None] | None:
        layer = self._painted()
        return None if layer is None or viewer.layers.selection.active is not layer else self._to_the_end(layer, event)

    @staticmethod
    def _to_the_end(layer: Labels, event: Any) -> Iterator[None]:
        def move() -> None:
            if event.type != MOVE:  # the others reach the layer by themselves
                mouse_move_callbacks(layer, _AsMove(event.__wrapped__))

        return followed(event, move)


class _AsMove:
    """A release told as the move that led to it.

    Parameters
    ----------
    event : napari's mouse event
        Of the release itself: the one that callbacks hold is the layer's, too, and becomes this move.
    """

    type, is_dragging = MOVE, True

    def __init__(self, event: Any) -> None:
        self._event = event

    def __getattr__(self, name: str) -> Any:
        return getattr(self._event, name)
