"""Which masks a project has: accepted ones, unfinished ones with their later strokes, and who made their pixels."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import ProjectError
from napari_wsss.core.masks import Mask
from napari_wsss.core.sources import PERSON, Sources
from napari_wsss.project.journal import Journal
from napari_wsss.project.mask_files import MaskFiles, accepted_name, draft_name
from napari_wsss.project.sourced_masks import SourcedMask, decode_sourced
from napari_wsss.project.states import State

CHECKPOINT_TEXT = "wsss-checkpoint"
ClassesOf = Callable[[], ClassList]
SizeOf = Callable[[str], tuple[int, int] | None]


class MasksOfImage:
    """The masks of one image as they are when this is made: read once, decoded where they are asked for.

    Parameters
    ----------
    image_id : str
    files, journal, size_of, classes_now
        See `Masks`.
    classes : ClassList, optional
        The project's, where they are known already.

    Attributes
    ----------
    accepted_name, draft_name : str
        Of its files, below the project folder.
    accepted_file : bytes, optional
        Of the accepted mask, None when there is none.
    has_draft : bool
        Whether there is unfinished work.
    """

    def __init__(
        self,
        image_id: str,
        files: MaskFiles,
        journal: Journal,
        size_of: SizeOf,
        classes_now: ClassesOf,
        classes: ClassList | None = None,
    ) -> None:
        self._image_id, self._files, self._size_of = image_id, files, size_of
        self._classes_now, self._classes = classes_now, classes
        self.accepted_name, self.draft_name = accepted_name(image_id), draft_name(image_id)
        self.accepted_file, self._checkpoint = files.contents(self.accepted_name, self.draft_name)
        self._strokes = journal.strokes(image_id)
        self.has_draft = self._checkpoint is not None or bool(self._strokes)

    @property
    def resting_state(self) -> State:
        """What the image is when nobody flagged, skipped or excluded it: draft, accepted or todo."""
        if self.has_draft:
            return "draft"
        return "todo" if self.accepted_file is None else "accepted"

    def accepted(self) -> SourcedMask | None:
        """Return the accepted mask (see `Masks.accepted`)."""
        content = self.accepted_file
        if content is None:
            return None
        return _decoded(
            content,
            self._files.path(self.accepted_name),
            self._classes_now() if self._classes is None else self._classes,
        )

    def draft(self, size: tuple[int, ...] | None = None) -> SourcedMask | None:
        """Return the unfinished mask (see `Masks.draft`); `size` (height, width) is the image's, where it is known."""
        if self._checkpoint is not None:
            values, sources, text = decode_sourced(self._checkpoint, str(self._files.path(self.draft_name)))
            below = SourcedMask(values, sources or Sources((values != 0).astype(np.uint8) * np.uint8(PERSON)))
            held = int(text.get(CHECKPOINT_TEXT, 0))
            found = below.replayed(stroke for stroke in self._strokes if stroke.number > held)
        elif self._strokes:
            found = self._under_strokes(size).replayed(self._strokes)
        else:
            return None
        classes = self._classes_now() if self._classes is None else self._classes
        return SourcedMask(classes.counted(found.values), found.sources) if classes.gone else found

    def working(self) -> SourcedMask | None:
        """Return what a person works on: the draft if there is one, else the accepted mask, else None."""
        draft = self.draft()
        return self.accepted() if draft is None else draft

    def _under_strokes(self, size: tuple[int, ...] | None) -> SourcedMask:
        accepted = self.accepted()
        if accepted is not None:
            return accepted
        size = size or self._size_of(self._image_id)
        if size is None:
            raise ProjectError(
                f"The image {self._image_id} cannot be read, so the strokes of its unfinished mask have no size. "
                "Put the image back; the strokes are kept."
            )
        return SourcedMask.empty(size)


class Masks:
    """The masks of one project, as they are; `review` changes them.

    Parameters
    ----------
    files : MaskFiles
    journal : Journal
        Of the same project.
    size_of : callable
        Image id -> (height, width) in pixels, None when the image cannot be read now.
    classes : callable
        Returns the project's `ClassList`: pixels of classes that are gone are read as what they count as.

    Attributes
    ----------
    files, size_of
        As given.
    """

    def __init__(self, files: MaskFiles, journal: Journal, size_of: SizeOf, classes: ClassesOf) -> None:
        self.files, self.size_of = files, size_of
        self._journal, self._classes = journal, classes

    def accepted_path(self, image_id: str) -> Path:
        """Return where the accepted mask of an image lies (it may not exist)."""
        return self.files.path(accepted_name(image_id))

    def draft_path(self, image_id: str) -> Path:
        """Return where the draft checkpoint of an image lies (it may not exist)."""
        return self.files.path(draft_name(image_id))

    def has_accepted(self, image_id: str) -> bool:
        """Tell whether there is an accepted mask (also while a draft lies over it)."""
        return self.files.exists(accepted_name(image_id))

    def has_draft(self, image_id: str) -> bool:
        """Tell whether there is unfinished work on the mask."""
        return self.files.exists(draft_name(image_id)) or self._journal.last_stroke(image_id) > 0

    def any(self, image_id: str) -> bool:
        """Tell whether a person painted or accepted a mask of an image, whatever its state is now."""
        return self.has_draft(image_id) or self.has_accepted(image_id)

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
        (content,) = self.files.contents(accepted_name(image_id))
        return None if content is None else _decoded(content, self.accepted_path(image_id), self._classes())

    def draft(self, image_id: str) -> SourcedMask | None:
        """Return the unfinished mask: its last checkpoint with the later strokes laid over.

        Without a checkpoint the strokes lie over the accepted mask, or over background. What a checkpoint without
        sources holds is a person's where it is not background.
        """
        return self.of(image_id).draft()

    def working(self, image_id: str) -> SourcedMask | None:
        """Return what a person works on: the draft if there is one, else the accepted mask, else None."""
        return self.of(image_id).working()

    def of(self, image_id: str, classes: ClassList | None = None) -> MasksOfImage:
        """Return all masks of an image, for who asks several things about them, or knows the classes already."""
        return MasksOfImage(image_id, self.files, self._journal, self.size_of, self._classes, classes)


def _decoded(content: bytes, path: Path, classes: ClassList) -> SourcedMask:
    values, sources, _ = decode_sourced(content, str(path))
    return SourcedMask(classes.counted(values), sources or Sources.uniform(values.shape, PERSON))
