"""The superpixels of the shown image, found once for all that asks for them."""

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.progress import Progress, Steps
from napari_wsss.pixels.superpixels import Superpixels, find_superpixels
from napari_wsss.session.jobs import Job, Jobs
from napari_wsss.session.table.opened import Opened

LANE = "propagate"
"""Of all jobs that need superpixels: one thread runs them, so they are found once."""


class Patches:
    """Keeps the superpixels of one image.

    Parameters
    ----------
    opened : Opened
    jobs : Jobs
    """

    def __init__(self, opened: Opened, jobs: Jobs) -> None:
        self._opened, self._jobs = opened, jobs
        self._kept: tuple[str, Superpixels] | None = None

    def prepare(self) -> None:
        """Look at the shown image now, so that the first result comes as fast as the others."""
        table = self._opened.or_none
        if table is not None and table.image_id and (self._kept is None or self._kept[0] != table.image_id):
            image_id, pixels = table.image_id, table.image
            self._jobs.submit(Job("look at the image", lambda: self.found(image_id, pixels), lane=LANE, quiet=True))

    def found(self, image_id: str, pixels: NDArray[np.uint8]) -> Steps[Superpixels]:
        """Return the superpixels of an image (H, W, 3) uint8 RGB; only called in the thread of `LANE`."""
        yield Progress(LANE, 0, 2)
        kept = self._kept
        if kept is None or kept[0] != image_id:
            kept = self._kept = (image_id, find_superpixels(pixels))
        return kept[1]
