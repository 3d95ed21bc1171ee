"""Where recipes take the mask of an image from: readers that are equal where they read the same, so that memory knows.

Accepted masks are read, never written.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_wsss.core.classes import BACKGROUND, IGNORE
from napari_wsss.core.errors import ProjectError
from napari_wsss.core.masks import Mask, read_mask
from napari_wsss.pipeline.run import proposal
from napari_wsss.pixels.images import image_size
from napari_wsss.project.project import Project


@dataclass(frozen=True)
class AcceptedMask:
    """Reads one accepted mask; equal readers read the same file."""

    project: Project
    image_id: str

    def __call__(self) -> Mask:
        """Return the mask (H, W) uint8; raise `ProjectError` when its file is gone."""
        values = self.project.masks.read_accepted(self.image_id)
        if values is None:
            raise ProjectError(
                f"{self.image_id} is accepted, but its mask file is gone; expected one at "
                f"{self.project.masks.accepted_path(self.image_id)}. Restore it, or decide about the image again."
            )
        return values


@dataclass(frozen=True)
class MaskFile:
    """Reads one mask file; equal readers read the same file."""

    path: Path

    def __call__(self) -> Mask:
        """Return the mask (H, W) uint8."""
        return read_mask(self.path)


@dataclass(frozen=True)
class NothingThere:
    """Makes the mask of an image labelled *none of the classes*: all background."""

    project: Project
    image_id: str

    def __call__(self) -> Mask:
        """Return the mask (H, W) uint8."""
        return np.full(image_size(self.project.image_path(self.image_id)), BACKGROUND, np.uint8)


@dataclass(frozen=True)
class ProposedMask:
    """Reads one stored machine proposal, everything undecided (255) when there is none."""

    project: Project
    image_id: str

    def __call__(self) -> Mask:
        """Return the mask (H, W) uint8."""
        values = proposal(self.project, self.image_id)
        if values is not None:
            return values
        return np.full(image_size(self.project.image_path(self.image_id)), IGNORE, np.uint8)
