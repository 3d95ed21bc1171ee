"""The ``clicks`` layer: what was said about the thing that is pointed at, and the box that is being drawn."""

from typing import Any

import numpy as np
from napari.layers import Points

from napari_wsss.pixels.clicks.prompts import Prompt, PromptBox
from napari_wsss.session.session import Session
from napari_wsss.widgets.layers import looks
from napari_wsss.widgets.layers.overlay import Overlay


class PointingOverlay(Overlay):
    """Clicks and a box over the image.

    Attributes
    ----------
    is_wanted : bool
        True while a person points at things.
    drawn : PromptBox, optional
        The box that is being drawn.
    """

    role = looks.CLICKS
    place = "on top"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.is_wanted = False
        self.drawn: PromptBox | None = None

    def signals(self) -> tuple[Any, ...]:
        """Return the signal that tells of other clicks."""
        return (self.session.pointing.changed,)

    def picture(self) -> tuple[Prompt, PromptBox | None] | None:
        """Return what was said, and the box that is being drawn."""
        if not self.is_wanted or not self.session.shown_id:
            return None
        return self.session.pointing.prompt, self.drawn

    def make(self, picture: tuple[Prompt, PromptBox | None]) -> Points:
        """Return a layer to show them in."""
        layer = looks.clicks_layer()
        self._fill(layer, picture)
        return layer

    def update(self, picture: tuple[Prompt, PromptBox | None]) -> None:
        """Show other clicks, or another box."""
        assert isinstance(self.layer, Points)
        self._fill(self.layer, picture)

    def feed(self, add: Any, remove: Any) -> None:
        """Bring the layer after the session; an equal picture is no other one."""
        picture = self.picture()
        if picture is not None and picture == self._fed:
            return
        super().feed(add, remove)

    def _fill(self, layer: Points, picture: tuple[Prompt, PromptBox | None]) -> None:
        prompt, drawn = picture
        box = drawn or prompt.box
        border = np.zeros((0, 2)) if box is None else dotted(box)
        clicks = np.array([(click.row, click.column) for click in prompt.clicks], float).reshape(-1, 2)
        with layer.events.blocker_all():  # napari would draw anew after each of these
            layer.data = np.concatenate([border, clicks])
            self._dress(layer, prompt, len(border))
        layer.refresh()

    @staticmethod
    def _dress(layer: Points, prompt: Prompt, dots: int) -> None:
        """Give clicks and the dots of a box, which come first, their looks."""
        if len(layer.data):
            on = [click.is_thing for click in prompt.clicks]
            layer.symbol = ["disc"] * dots + ["disc" if is_thing else "x" for is_thing in on]
            layer.size = [looks.DOT_SIZE] * dots + [looks.CLICK_SIZE] * len(on)
            colours = ["white"] * dots + [looks.ON if is_thing else looks.OFF for is_thing in on]
            layer.face_color = colours
            layer.border_color = ["black"] * len(layer.data)
        layer.selected_data = set()


def dotted(box: PromptBox, count: int = 24) -> np.ndarray:
    """Return points (N, 2) along the border of a box, `count` on each side."""
    top, left, bottom, right = box.top - 0.5, box.left - 0.5, box.bottom - 0.5, box.right - 0.5
    corners = np.array([(top, left), (top, right), (bottom, right), (bottom, left)])
    share = np.arange(count)[:, None] / count
    sides = [start + share * (end - start) for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True)]
    return np.concatenate(sides)
