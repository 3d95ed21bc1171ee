"""The accepted mask of the plane before or after, as a starting point for the shown one; only when it is asked for."""

import numpy as np

from napari_wsss.core.sources import Source
from napari_wsss.pixels.decoding.stacks import neighbours
from napari_wsss.session.signals import Signals, reported
from napari_wsss.session.table.opened import Opened
from napari_wsss.session.table.table import Table

NONE = "no page beside this one has an accepted mask"


class Neighbours:
    """Masks of neighbouring planes of the shown image's stack.

    Parameters
    ----------
    opened : Opened
    signals : Signals
    """

    def __init__(self, opened: Opened, signals: Signals) -> None:
        self._opened, self.signals = opened, signals

    @property
    def is_page(self) -> bool:
        """Whether the shown image is a plane of a stack."""
        table = self._opened.or_none
        return table is not None and any(True for _ in neighbours(table.image_id))

    def found(self) -> str:
        """Return the neighbour whose accepted mask can be taken: the page before, else the one after; "" for none."""
        table = self._opened.or_none
        return "" if table is None else _accepted_neighbour(table)

    @reported
    def take(self) -> bool:
        """Make the neighbour's mask this one's, but for what a person drew here; one undoable step, a draft."""
        table = self._opened.table
        table.record_last()
        image_id = _accepted_neighbour(table)
        values = table.project.masks.read_accepted(image_id) if image_id else None
        if values is None:
            self.signals.notice.emit(f"Not now: {NONE}.")
            return False
        if values.shape != table.mask.shape:
            self.signals.notice.emit(
                f"The mask of {image_id} is {values.shape[1]}x{values.shape[0]} pixels, this page is "
                f"{table.mask.shape[1]}x{table.mask.shape[0]}: nothing was taken."
            )
            return False
        free = ~table.person_pixels
        source = Source("borrowed", from_image=image_id)
        table.replace_mask(np.where(free, values, table.mask), source, free)
        self.signals.notice.emit(f"Starts from the mask of {image_id}; Ctrl+Z takes that back.")
        return True


def _accepted_neighbour(table: Table) -> str:
    for image_id in neighbours(table.image_id):
        if image_id in table.project.catalog and table.project.catalog.get(image_id).state == "accepted":
            return image_id
    return ""
