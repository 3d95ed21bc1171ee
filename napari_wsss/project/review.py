"""A person's decisions and edits of masks: drafts, accepting and undo, exact after a crash at any moment.

The database is the truth and the files follow it (see `mask_files`). Every mask carries who made its pixels (see
`sources`), through drafts, strokes, accepting and undo.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_wsss.core.classes import BACKGROUND, IGNORE, ClassList
from napari_wsss.core.errors import LabelError, ProjectError
from napari_wsss.core.masks import Mask, class_values
from napari_wsss.core.sources import PERSON, Source, Sources
from napari_wsss.project.catalog import Catalog
from napari_wsss.project.database import Database
from napari_wsss.project.journal import BATCH, DECISIONS, Entry, Journal
from napari_wsss.project.mask_files import accepted_name, draft_name
from napari_wsss.project.masks import CHECKPOINT_TEXT, Masks, MasksOfImage
from napari_wsss.project.records import ImageRecord
from napari_wsss.project.sourced_masks import SourcedMask, encode_sourced

EDITED: tuple[str, ...] = ("todo", "skipped", "accepted")
"""States that an edit turns into ``draft``; flagged and excluded images keep their state while they are edited."""


class Review:
    """Changes of one project's masks and review states.

    Parameters
    ----------
    masks : Masks
    database, catalog, journal
        Of the same project.
    classes : callable
        Returns the current `ClassList`.
    look : callable
        Returns an image's size (height, width) in pixels, None when it cannot be read now, and what records the content
        of its file, so that replacing it later is noticed; None where that is recorded.
    """

    def __init__(
        self,
        masks: Masks,
        database: Database,
        catalog: Catalog,
        journal: Journal,
        classes: Callable[[], ClassList],
        look: Callable[[str], tuple[tuple[int, int] | None, Callable[[], None] | None]],
    ) -> None:
        self._masks, self._files = masks, masks.files
        self._database = database
        self._catalog = catalog
        self._journal = journal
        self._classes, self._look = classes, look
        self._group = 0  # of decisions that are taken back together, 0 outside of `as_one_step`

    def _sourced(self, image_id: str, values: Mask, sources: Sources | None) -> SourcedMask:
        """Return a mask with its sources; without them, what differs from the mask there is was drawn by a person."""
        if sources is not None:
            return SourcedMask(values, sources)
        try:
            known = self._masks.working(image_id)
        except ProjectError:  # damaged, or its image is gone: it must not stand in the way of a whole mask
            known = None
        return known.drawn_over(values) if known else SourcedMask(values, Sources.uniform(values.shape, PERSON))

    # -- editing ------------------------------------------------------------------------------------------

    def record_stroke(
        self,
        image_id: str,
        indices: NDArray[np.int64],
        values: Mask,
        sources: ArrayLike = PERSON,
        table: tuple[Source, ...] = (),
    ) -> Entry:
        """Append changed pixels to the journal and turn the image into a draft, in one transaction.

        Parameters and result are those of `Journal.append_stroke`.
        """
        with self._database.transaction():
            self._edited(image_id)
            return self._journal.append_stroke(image_id, indices, values, sources, table)

    def record_change(self, image_id: str, where: NDArray[np.bool_], mask: SourcedMask) -> Entry:
        """Do what `record_stroke` does with the pixels of a mask that are `where` (H, W) bool."""
        with self._database.transaction():
            self._edited(image_id)
            return self._journal.append_change(image_id, where, mask.values, mask.sources)

    def save_draft(
        self, image_id: str, values: Mask, checkpoint: int | None = None, sources: Sources | None = None
    ) -> None:
        """Write a checkpoint of the unfinished mask and forget the strokes it holds.

        Parameters
        ----------
        values : (H, W) uint8
        checkpoint : int, optional
            Number of the last stroke that is in `values`; needed when strokes may be added meanwhile.
        sources : Sources, optional
            Who made the pixels; without them, what differs from the mask there is was drawn by a person.

        Raises
        ------
        ProjectError, LabelError
            When the file cannot be written (nothing is lost then), or `values` is no mask of this image.
        """
        classes = self._checked(image_id, values, self._masks.size_of(image_id))
        last = self._journal.last_stroke(image_id) if checkpoint is None else checkpoint
        with self._database.transaction():
            self._edited(image_id)
        drawn = self._sourced(image_id, values, sources)
        content = encode_sourced(drawn, classes, {CHECKPOINT_TEXT: str(last)})
        name = draft_name(image_id)
        with self._files.settling:
            path = self._files.place(name)
            try:
                self._files.write(path, content)
            except OSError as reason:
                raise ProjectError(
                    f"The draft of {image_id} could not be written to {path} ({reason.strerror}). Free some space or "
                    "correct the permissions; its strokes are kept and saving can be tried again."
                ) from reason
            with self._database.transaction():
                self._files.decided_elsewhere(name)
                self._journal.clear_strokes(image_id, last)

    def _edited(self, image_id: str) -> None:
        state = self._catalog.state(image_id)
        if state in EDITED:
            self._catalog.set_state(image_id, "draft", state)
            self._journal.append("draft", image_id, {"state": state}, {"state": "draft"})

    def discard_draft(self, image_id: str) -> bool:
        """Drop the unfinished mask; undoable. Return whether there was one."""
        if not self._masks.has_draft(image_id):
            return False
        with self._database.transaction():
            record, stored, classes = self._catalog.get(image_id), self._masks.of(image_id), self._classes()
            under = "todo" if stored.accepted_file is None else "accepted"
            after = under if record.state == "draft" else record.state
            entry = self._record_mask(record, stored, after, {"action": "discard"})
            self._keep_draft(entry, stored, classes)
            self._journal.clear_strokes(image_id)
            self._files.decide({draft_name(image_id): None})
            self._catalog.restore_state(image_id, after)
        self._files.settle()
        return True

    # -- deciding -----------------------------------------------------------------------------------------

    @contextmanager
    def as_one_step(self, group: int = 0) -> Iterator[int]:
        """Record every decision made inside as one that `undo` takes back at once.

        It yields the number of the step; given as `group` the next time, what is decided then belongs to it too.
        """
        before = self._group
        newest = self._journal.recent(1)
        self._group = before or group or (newest[0].number + 1 if newest else 1)
        try:
            yield self._group
        finally:
            self._group = before

    def accept(
        self, image_id: str, values: Mask, facts: Mapping[str, Any] | None = None, sources: Sources | None = None
    ) -> None:
        """Make `values` the accepted mask and drop the draft; undoable.

        Parameters
        ----------
        values : (H, W) uint8
        facts : mapping, optional
            What the statistics want to know, as JSON values: ``edited`` (share of pixels in [0, 1] that differ from
            the proposal; also kept in the catalog), ``seconds`` the image was looked at ...
        sources : Sources, optional
            As `save_draft` takes them.

        Raises
        ------
        ProjectError
            When the mask's size is not the image's.
        LabelError
            When it holds a value that is no class of the project.
        """
        size, record_content = self._look(image_id)
        classes = self._checked(image_id, values, size)
        mask = self._sourced(image_id, values, sources)
        with self._database.transaction():
            if record_content is not None:
                record_content()
            record, stored = self._catalog.get(image_id), self._masks.of(image_id, classes)
            is_same = stored.resting_state == record.state == "accepted" and _is_accepted(stored, mask)
            if is_same and (BATCH in (facts or {}) or not self._journal.accepted_in_batch(image_id)):
                self._catalog.set_facts(image_id, disagrees=False, replaced=False)  # looked at again, and found right
                return
            entry = self._record_mask(record, stored, "accepted", {"action": "accept", **(facts or {})})
            if stored.accepted_file is not None:
                self._journal.keep_file(entry.number, "mask", stored.accepted_file)
            self._keep_draft(entry, stored, classes, mask)
            self._journal.clear_strokes(image_id)
            self._files.decide({stored.draft_name: None, stored.accepted_name: encode_sourced(mask, classes)})
            painted = [value - 1 for value in class_values(mask.values)]
            self._catalog.set_accepted(record, (facts or {}).get("edited"), painted)
        self._files.settle()

    def _record_mask(self, record: ImageRecord, stored: MasksOfImage, state: str, after: Mapping[str, Any]) -> Entry:
        before = {
            "state": record.state,
            "disagrees": record.disagrees,
            "replaced": record.replaced,
            "mask": stored.accepted_file is not None,
            "draft": stored.has_draft,
            "edited": record.edited,
            "painted": record.painted,
        }
        return self._journal.append("mask", record.id, before, {**after, "state": state, **self._step()})

    def _step(self) -> dict[str, int]:
        return {"group": self._group} if self._group else {}

    def _keep_draft(
        self, entry: Entry, stored: MasksOfImage, classes: ClassList, accepted: SourcedMask | None = None
    ) -> None:
        """Keep the draft with the entry, unless the mask accepted now is the same."""
        try:
            draft = stored.draft(None if accepted is None else accepted.values.shape)
        except ProjectError:  # damaged, or its image is gone: it must not stand in the way of a whole mask
            self._files.keep_in_trash(draft_name(entry.image_id or ""))
            return
        if draft is not None and (accepted is None or not draft.same_as(accepted)):
            self._journal.keep_file(entry.number, "draft", encode_sourced(draft, classes))

    def decide(self, image_id: str, state: str) -> None:
        """Skip, flag, exclude or take up again an image; undoable. ``todo`` becomes what the image rests in.

        Raises
        ------
        ProjectError
            When `catalog.MOVES` does not permit it, or it would be accepted without a mask.
        """
        with self._database.transaction():
            now = self._catalog.state(image_id)
            wanted = self._masks.of(image_id).resting_state if state == "todo" else state
            if wanted == now:
                return
            if wanted == "accepted" and not self._masks.has_accepted(image_id):
                raise ProjectError(f"{image_id} has no accepted mask; accept one to make it accepted.")
            self._catalog.set_state(image_id, wanted, now)
            self._journal.append("state", image_id, {"state": now}, {"state": wanted, **self._step()})

    def undo(self) -> str | None:
        """Take back the last decision: state and mask file become what they were. Return the image's id.

        Decisions made `as_one_step` are taken back together; the id is then that of the first of them. Edits made
        after the decision are never lost: they stay as a draft.
        """
        undone = None
        with self._database.transaction():
            entry = self._journal.last(DECISIONS)
            group = _group_of(entry)
            while entry is not None and entry.image_id is not None:
                self._undo_entry(entry, entry.image_id)
                undone = entry.image_id
                entry = self._journal.last(DECISIONS)
                if group is None or _group_of(entry) != group:
                    break
        self._files.settle()
        return undone

    def _undo_entry(self, entry: Entry, image_id: str) -> None:
        try:
            self._take_back(entry, image_id)
        except (KeyError, TypeError, AttributeError) as reason:
            raise ProjectError(
                f"The decision about {image_id} cannot be taken back: entry {entry.number} of the journal is damaged "
                f"({reason!r}). Decide about the image anew, or restore the project from a backup."
            ) from reason

    def _take_back(self, entry: Entry, image_id: str) -> None:
        now = self._catalog.state(image_id)
        if entry.kind == "mask":
            state = self._undo_mask(entry, image_id)
        else:
            # An edit after the decision has already moved the image on; that is not taken back.
            is_as_left = now == entry.after["state"]
            state = _undrafted(entry, self._masks.has_draft(image_id)) if is_as_left else now
        self._catalog.restore_state(image_id, state)
        self._journal.append("undo", image_id, {"state": now, "entry": entry.number}, {"state": state})
        self._journal.mark_undone(entry.number)

    def _undo_mask(self, entry: Entry, image_id: str) -> str:
        before, stored = entry.before, self._masks.of(image_id)
        newer, contents = stored.draft(), dict[str, bytes | None]()
        draft = self._journal.kept_file(entry.number, "draft")
        if entry.after["action"] == "accept":
            draft = draft or (stored.accepted_file if before["draft"] else None)  # kept only where it differed
            contents[accepted_name(image_id)] = self._journal.kept_file(entry.number, "mask")
            self._catalog.set_facts(image_id, disagrees=before["disagrees"], replaced=before["replaced"])
            self._catalog.set_mask_facts(image_id, before.get("edited"), self._counted(before.get("painted")))
        if newer is not None:
            draft = encode_sourced(newer, self._classes())
        self._journal.clear_strokes(image_id)
        self._files.decide({**contents, draft_name(image_id): draft})
        edited = newer is not None and before["state"] in EDITED
        return "draft" if edited else _undrafted(entry, draft is not None)

    def counted(self, values: Mask) -> Mask:
        """Return mask values (H, W) uint8 as they count now (see `ClassList.counted`)."""
        return self._classes().counted(values)

    def _counted(self, painted: Iterable[int] | None) -> list[int] | None:
        """Return the 0-based indices of the classes in a mask, those that are gone as what they count as."""
        if painted is None:
            return None
        values = self._classes().counted(np.asarray([k + 1 for k in painted], np.uint8))
        return [int(value) - 1 for value in np.unique(values) if value not in (BACKGROUND, IGNORE)]

    def settle(self) -> int:
        """Try again to write mask files that could not be written; return how many still wait (0: all on disk)."""
        return self._files.settle()

    def _checked(self, image_id: str, values: Mask, size: tuple[int, int] | None) -> ClassList:
        """Return the project's classes; raise where `values` cannot be a mask of this image, of a size if known."""
        if values.ndim != 2 or values.dtype != np.uint8:
            raise ProjectError(f"A mask is (H, W) uint8; found {values.shape} {values.dtype} for {image_id}.")
        if size is not None and size != values.shape:
            raise ProjectError(
                f"The mask of {image_id} is {values.shape[1]} x {values.shape[0]} pixels, its image is "
                f"{size[1]} x {size[0]}. Masks must have their image's size."
            )
        classes, known = self._classes(), np.zeros(256, bool)
        known[list(classes.values())] = True
        if not known[values].all():
            wrong = ", ".join(str(v) for v in np.unique(values) if not known[v])
            raise LabelError(
                f"The mask of {image_id} holds value {wrong}, which is no class of this project (0 to {len(classes)}, "
                "or 255 for ignore). Paint those pixels with another class first."
            )
        return classes


def _undrafted(entry: Entry, has_draft: bool) -> str:
    """Return the state before `entry`, or draft where that state says there is no unfinished work but there is."""
    state = str(entry.before["state"])
    return "draft" if state in ("todo", "accepted") and has_draft else state


def _is_accepted(stored: MasksOfImage, mask: SourcedMask) -> bool:
    try:
        known = stored.accepted()
    except ProjectError:  # damaged: a good reason to accept anew
        return False
    return known is not None and known.same_as(mask)


def _group_of(entry: Entry | None) -> Any:
    """Return the step an entry belongs to, None when it is one by itself."""
    return entry.after.get("group") if entry is not None and isinstance(entry.after, dict) else None
