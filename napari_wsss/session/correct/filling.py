"""Giving pixels a class at one go: one step of the mask, in which a person's own pixels stay."""

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.sources import Source
from napari_wsss.session.correct.propagation import mask_so_far
from napari_wsss.session.review.decisions import Decisions
from napari_wsss.session.table.table import Table


def fill(table: Table, decisions: Decisions, where: NDArray[np.bool_], value: int, source: Source) -> None:
    """Give the pixels `where` (H, W) bool a mask value; while nothing is drawn, over a copy of the proposal."""
    table.record_last()
    before = mask_so_far(table)
    ground = None if np.array_equal(before, table.mask) else decisions.proposal_as_mask()
    table.replace_mask(np.where(where & ~table.person_pixels, np.uint8(value), before), source, ground=ground)
