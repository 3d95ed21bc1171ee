"""Which masks a project has: accepted ones, unfinished ones with their later strokes, and who made their pixels."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from napari_wsss.core.errors import ProjectError
from napari_wsss.core.masks import Mask
from napari_wsss.core.sources import PERSON, Sources
from napari_wsss.project.journal import Journal
from napari_wsss.project.mask_files import MaskFiles
from napari_wsss.project.sourced_masks import SourcedMask, decode_sourced

CHECKPOINT_TEXT = "wsss-checkpoint"


class Masks:
    """The masks of one project, as they are; `review` changes them.

    Parameters
    ----------
    files : MaskFiles
    journal : Journal
        Of the same project.
    size_of : callable
        Image id -> (height, width) in pixels, None when the image cannot be read now.

    Attributes
    ----------
    files, size_of
        As given.
    """

    def __init__(self, files: MaskFiles, journal: Journal, size_of: Callable[[str], tuple[int, int] | None]) -> None:
        self.files, self.size_of = files, size_of
        self._journal = journal

    def accepted_path(self, image_id: str) -> Path:
        """Return where the accepted mask of an image lies (it may not exist)."""
        return self.files.accepted_path(image_id)

    def draft_path(self, image_id: str) -> Path:
        """Return where the draft checkpoint of an image lies (it may not exist)."""
        return self.files.draft_path(image_id)

    def has_accepted(self, image_id: str) -> bool:
        """Tell whether there is an accepted mask (also while a draft lies over it)."""
        return self.files.exists(self.files.accepted_path(image_id))

    def has_draft(self, image_id: str) -> bool:
        """Tell whether there is unfinished work on the mask."""
        return self.files.exists(self.files.draft_path(image_id)) or self._journal.last_stroke(image_id) > 0

    # -- values -------------------------------------------------------------------------------------------

    def read_accepted(self, image_id: str) -> Mask | None:
        """Return the accepted mask (H, W) uint8, None when there is none."""
        found = self.accepted(image_id)
        return found.values if found else None

    def read_draft(self, image_id: str) -> Mask | None:
        """Return the unfinished mask (H, W) uint8, later strokes included; None when there is none."""
        found = self.draft(image_id)
        return found.values if found else None

    def read_working(self, image_id: str) -> Mask | None:
        """Return what a person works on: the draft if there is one, else the accepted mask, else None."""
        found = self.working(image_id)
        return found.values if found else None

    # -- values and who made them -------------------------------------------------------------------------

    def accepted(self, image_id: str) -> SourcedMask | None:
        """Return the accepted mask, None when there is none; `ProjectError` when it is damaged.

        A mask without sources (accepted before they were kept, or edited by another program) is a person's.
        """
        path = self.files.accepted_path(image_id)
        content = self.files.content(path)
        if content is None:
            return None
        values, sources, _ = decode_sourced(content, str(path))
        return SourcedMask(values, sources or Sources.uniform(values.shape, PERSON))

    def draft(self, image_id: str) -> SourcedMask | None:
        """Return the unfinished mask: its last checkpoint with the later strokes laid over.

        Without a checkpoint the strokes lie over the accepted mask, or over background. What a checkpoint without
        sources holds is a person's where it is not background.
        """
        path = self.files.draft_path(image_id)
        content = self.files.content(path)
        if content is not None:
            values, sources, text = decode_sourced(content, str(path))
            below = SourcedMask(values, sources or Sources((values != 0).astype(np.uint8) * np.uint8(PERSON)))
            return below.replayed(self._journal.strokes(image_id, since=int(text.get(CHECKPOINT_TEXT, 0))))
        strokes = self._journal.strokes(image_id)
        return self._under_draft(image_id).replayed(strokes) if strokes else None

    def working(self, image_id: str) -> SourcedMask | None:
        """Return what a person works on: the draft if there is one, else the accepted mask, else None."""
        draft = self.draft(image_id)
        return self.accepted(image_id) if draft is None else draft

    def _under_draft(self, image_id: str) -> SourcedMask:
        accepted = self.accepted(image_id)
        if accepted is not None:
            return accepted
        size = self.size_of(image_id)
        if size is None:
            raise ProjectError(
                f"The image {image_id} cannot be read, so the strokes of its unfinished mask have no size. "
                "Put the image back; the strokes are kept."
            )
        return SourcedMask.empty(size)
