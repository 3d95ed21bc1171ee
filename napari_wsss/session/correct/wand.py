"""Filling what is coloured alike: shown while a person moves the tolerance, written as one step when they let go."""

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_wsss.core.sources import Source
from napari_wsss.pixels.clicks.wand import Distances, alike, colour_distances
from napari_wsss.session.correct.filling import fill
from napari_wsss.session.review.decisions import Decisions
from napari_wsss.session.signals import Signals
from napari_wsss.session.table.opened import Opened

START = 12.0
"""Tolerance of the first fill, in steps of a colour channel; each next one begins with the last."""
LARGEST = 255.0


class Wand:
    """The magic wand over the shown image.

    Parameters
    ----------
    opened : Opened
    decisions : Decisions
        Says where a proposal comes from.
    signals : Signals

    Attributes
    ----------
    tolerance : float
        How far colours may be from that of the place, in steps of a channel.
    region : (H, W) bool, optional
        What would be filled; None while nothing is held.
    changed : Signal()
        The region is another one.
    """

    changed = Signal()

    def __init__(self, opened: Opened, decisions: Decisions, signals: Signals) -> None:
        self._opened, self._decisions, self._signals = opened, decisions, signals
        self.tolerance = START
        self.region: NDArray[np.bool_] | None = None
        self._place = (0, 0)
        self._distances: Distances | None = None
        signals.image_changed.connect(self.drop)
        signals.project_closed.connect(self.drop)

    def hold(self, row: int, column: int) -> bool:
        """Show what is coloured like a place; False where nothing can be filled."""
        table = self._opened.or_none
        if table is None or not table.image_id or table.project.read_only:
            return False
        self._place, self._distances = (row, column), colour_distances(table.image, row, column)
        self.reach(self.tolerance)
        return True

    def reach(self, tolerance: float) -> None:
        """Show what another tolerance would fill."""
        if self._distances is not None:
            self.tolerance = min(LARGEST, max(0.0, tolerance))
            self.region = alike(self._distances, *self._place, self.tolerance)
            self.changed.emit()

    def fill(self, value: int) -> bool:
        """Give what is shown a mask value, a person's pixels apart; one step. False where nothing is held."""
        table, region = self._opened.or_none, self.region
        self.drop()
        if table is None or region is None:
            return False
        source = Source("clicked", method="magic wand", parameters={"tolerance": round(self.tolerance, 1)})
        fill(table, self._decisions, region, value, source)
        return True

    def drop(self, _image_id: str = "") -> None:
        """Let go without filling."""
        self._distances = None
        if self.region is not None:
            self.region = None
            self.changed.emit()
