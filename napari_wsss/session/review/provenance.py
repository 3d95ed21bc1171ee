"""Whether a person wants to see who made which pixel of the mask."""

from napari_wsss.session.signals import Signals
from napari_wsss.session.table.opened import Opened


class Provenance:
    """The view of a mask's sources, on the shown image and the next ones.

    Parameters
    ----------
    opened : Opened
    signals : Signals

    Attributes
    ----------
    shown : bool
        True while it is wanted.
    """

    def __init__(self, opened: Opened, signals: Signals) -> None:
        self._opened, self._signals = opened, signals
        self.shown = False

    def show(self, shown: bool) -> None:
        """Show who made which pixel, or hide it."""
        if shown != self.shown:
            self.shown = shown
            table = self._opened.or_none
            self._signals.sources_changed.emit(table.image_id if table is not None else "")
