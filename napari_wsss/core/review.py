"""A person's masks and decisions: drafts, accepted masks and undo, exact after a crash at any moment.

The database is the truth and the files follow it: a decision is committed together with the file contents it
implies (table ``unsettled``), then the files are written. What a crash leaves unsettled is read from the table and
written when the project is opened the next time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.catalog import Catalog
from napari_wsss.core.classes import ClassList
from napari_wsss.core.database import Database
from napari_wsss.core.errors import LabelError, ProjectError
from napari_wsss.core.files import publish, sync_folder
from napari_wsss.core.journal import DECISIONS, Entry, Journal
from napari_wsss.core.masks import decode_mask, encode_mask

Mask = NDArray[np.uint8]
CHECKPOINT_TEXT = "wsss-checkpoint"
EDITED: tuple[str, ...] = ("todo", "skipped", "accepted")
"""States that an edit turns into ``draft``; flagged and excluded images keep their state while they are edited."""


class Review:
    """Drafts, accepted masks and decisions of one project.

    Parameters
    ----------
    folder : Path
        The project folder.
    database, catalog, journal
        Of the same project.
    classes : callable
        Returns the current `ClassList`.
    size_of : callable
        Image id -> (height, width) in pixels, None when the image cannot be read now.
    """

    def __init__(
        self,
        folder: Path,
        database: Database,
        catalog: Catalog,
        journal: Journal,
        classes: Callable[[], ClassList],
        size_of: Callable[[str], tuple[int, int] | None],
    ) -> None:
        self._folder = folder
        self._database = database
        self._catalog = catalog
        self._journal = journal
        self._classes = classes
        self._size_of = size_of
        # Two threads that write files must not overtake each other: each writes what is decided when its turn comes.
        self._settling = threading.RLock()
        self._group = 0  # of decisions that are taken back together, 0 outside of `as_one_step`

    # -- files --------------------------------------------------------------------------------------------

    def accepted_path(self, image_id: str) -> Path:
        """Return where the accepted mask of an image lies (it may not exist)."""
        return self._folder / "masks" / f"{image_id}.png"

    def draft_path(self, image_id: str) -> Path:
        """Return where the last checkpoint of an unfinished mask lies (it may not exist)."""
        return self._folder / "drafts" / f"{image_id}.png"

    def content(self, path: Path) -> bytes | None:
        """Return a mask file's bytes as decided, also when the file itself is not written yet."""
        rows = self._database.rows("SELECT content FROM unsettled WHERE path = ?", (self._key(path),))
        if rows:
            found: bytes | None = rows[0][0]
            return found
        try:
            return path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def settle(self) -> int:
        """Write the files that decisions left to be written; return how many still wait (full disk ...)."""
        waiting = 0
        with self._settling:
            for key, content in self._database.rows("SELECT path, content FROM unsettled"):
                try:
                    self._write(self._folder / key, content)
                except OSError:
                    waiting += 1  # the content is safe in the database and read from there; tried again later
                    continue
                self._database.execute("DELETE FROM unsettled WHERE path = ? AND content IS ?", (key, content))
        return waiting

    @staticmethod
    def _write(path: Path, content: bytes | None) -> None:
        if content is not None:
            with publish(path) as file:
                file.write(content)
        elif path.exists():
            path.unlink()
            sync_folder(path.parent)

    def _decide_file(self, path: Path, content: bytes | None) -> None:
        self._database.execute("INSERT OR REPLACE INTO unsettled VALUES (?, ?)", (self._key(path), content))

    def _key(self, path: Path) -> str:
        return path.relative_to(self._folder).as_posix()

    # -- reading ------------------------------------------------------------------------------------------

    def has_accepted(self, image_id: str) -> bool:
        """True when there is an accepted mask (also while a draft lies over it)."""
        return self._exists(self.accepted_path(image_id))

    def has_draft(self, image_id: str) -> bool:
        """True when there is unfinished work on the mask."""
        return self._exists(self.draft_path(image_id)) or self._journal.last_stroke(image_id) > 0

    def _exists(self, path: Path) -> bool:
        rows = self._database.rows("SELECT content IS NOT NULL FROM unsettled WHERE path = ?", (self._key(path),))
        return bool(rows[0][0]) if rows else path.is_file()

    def read_accepted(self, image_id: str) -> Mask | None:
        """Return the accepted mask (H, W) uint8, None when there is none; `ProjectError` when it is damaged."""
        path = self.accepted_path(image_id)
        content = self.content(path)
        return None if content is None else decode_mask(content, str(path))[0]

    def read_draft(self, image_id: str) -> Mask | None:
        """Return the unfinished mask (H, W) uint8: its last checkpoint with the later strokes laid over.

        Without a checkpoint the strokes lie over the accepted mask, or over background.
        """
        path = self.draft_path(image_id)
        content = self.content(path)
        if content is not None:
            values, text = decode_mask(content, str(path))
            strokes = self._journal.strokes(image_id, since=int(text.get(CHECKPOINT_TEXT, 0)))
            return self._journal.replay(values, strokes)
        strokes = self._journal.strokes(image_id)
        return self._journal.replay(self._under_draft(image_id), strokes) if strokes else None

    def _under_draft(self, image_id: str) -> Mask:
        accepted = self.read_accepted(image_id)
        if accepted is not None:
            return accepted
        size = self._size_of(image_id)
        if size is None:
            raise ProjectError(
                f"The image {image_id} cannot be read, so the strokes of its unfinished mask have no size. "
                "Put the image back; the strokes are kept."
            )
        return np.zeros(size, np.uint8)

    # -- editing ------------------------------------------------------------------------------------------

    def record_stroke(self, image_id: str, indices: NDArray[np.int64], values: Mask) -> Entry:
        """Append changed pixels to the journal and turn the image into a draft, in one transaction."""
        with self._database.transaction():
            self._edited(image_id)
            return self._journal.append_stroke(image_id, indices, values)

    def save_draft(self, image_id: str, values: Mask, checkpoint: int | None = None) -> None:
        """Write a checkpoint of the unfinished mask and forget the strokes it holds.

        Parameters
        ----------
        values : (H, W) uint8
        checkpoint : int, optional
            Number of the last stroke that is in `values`; needed when strokes may be added meanwhile.

        Raises
        ------
        ProjectError, LabelError
            When the file cannot be written (nothing is lost then), or `values` is no mask of this image.
        """
        self._check(image_id, values)
        last = self._journal.last_stroke(image_id) if checkpoint is None else checkpoint
        with self._database.transaction():
            self._edited(image_id)
        content = encode_mask(values, self._classes(), {CHECKPOINT_TEXT: str(last)})
        path = self.draft_path(image_id)
        with self._settling:
            try:
                self._write(path, content)
            except OSError as reason:
                raise ProjectError(
                    f"The draft of {image_id} could not be written to {path} ({reason.strerror}). Free some space or "
                    "correct the permissions; its strokes are kept and saving can be tried again."
                ) from reason
            with self._database.transaction() as connection:
                connection.execute("DELETE FROM unsettled WHERE path = ?", (self._key(path),))
                self._journal.clear_strokes(image_id, last)

    def _edited(self, image_id: str) -> None:
        state = self._catalog.state(image_id)
        if state in EDITED:
            self._catalog.set_state(image_id, "draft")
            self._journal.append("draft", image_id, {"state": state}, {"state": "draft"})

    def discard_draft(self, image_id: str) -> bool:
        """Drop the unfinished mask; undoable. Return whether there was one."""
        if not self.has_draft(image_id):
            return False
        with self._database.transaction():
            state = self._catalog.state(image_id)
            after = state if state != "draft" else "accepted" if self.has_accepted(image_id) else "todo"
            entry = self._record_mask(image_id, after, {"action": "discard"})
            self._keep_draft(entry, image_id, None)
            self._drop_draft(image_id)
            self._catalog.restore_state(image_id, after)
        self.settle()
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

    def accept(self, image_id: str, values: Mask, facts: Mapping[str, Any] | None = None) -> None:
        """Make `values` the accepted mask and drop the draft; undoable.

        Parameters
        ----------
        values : (H, W) uint8
        facts : mapping, optional
            What the statistics want to know, as JSON values: ``edited`` (share of pixels in [0, 1] that differ from
            the proposal; also kept in the catalog), ``seconds`` the image was looked at ...

        Raises
        ------
        ProjectError
            When the mask's size is not the image's.
        LabelError
            When it holds a value that is no class of the project.
        """
        self._check(image_id, values)
        path = self.accepted_path(image_id)
        with self._database.transaction():
            before, content = self.content(path), encode_mask(values, self._classes())
            if before == content and self.resting_state(image_id) == self._catalog.state(image_id) == "accepted":
                return
            entry = self._record_mask(image_id, "accepted", {"action": "accept", **(facts or {})})
            if before is not None:
                self._journal.keep_file(entry.number, "mask", before)
            self._keep_draft(entry, image_id, values)
            self._drop_draft(image_id)
            self._decide_file(path, content)
            self._catalog.set_state(image_id, "accepted")
            self._catalog.set_facts(image_id, disagrees=False, replaced=False)
            self._catalog.set_edited(image_id, (facts or {}).get("edited"))
        self.settle()

    def _record_mask(self, image_id: str, state: str, after: Mapping[str, Any]) -> Entry:
        record = self._catalog.get(image_id)
        before = {"state": record.state, "disagrees": record.disagrees, "replaced": record.replaced}
        had = {"mask": self.has_accepted(image_id), "draft": self.has_draft(image_id), "edited": record.edited}
        return self._journal.append("mask", image_id, {**before, **had}, {**after, "state": state, **self._step()})

    def _step(self) -> dict[str, int]:
        return {"group": self._group} if self._group else {}

    def _keep_draft(self, entry: Entry, image_id: str, accepted: Mask | None) -> None:
        """Keep the draft's pixels with the entry, unless the mask accepted now is the same."""
        try:
            draft = self.read_draft(image_id)
        except ProjectError:  # damaged, or its image is gone: it must not stand in the way of a whole mask
            return
        if draft is not None and (accepted is None or not np.array_equal(draft, accepted)):
            self._journal.keep_file(entry.number, "draft", encode_mask(draft, self._classes()))

    def _drop_draft(self, image_id: str) -> None:
        self._journal.clear_strokes(image_id)
        self._decide_file(self.draft_path(image_id), None)

    def decide(self, image_id: str, state: str) -> None:
        """Skip, flag, exclude or take up again an image; undoable. ``todo`` becomes what the image rests in.

        Raises
        ------
        ProjectError
            When `catalog.MOVES` does not permit it, or it would be accepted without a mask.
        """
        with self._database.transaction():
            now = self._catalog.state(image_id)
            wanted = self.resting_state(image_id) if state == "todo" else state
            if wanted == now:
                return
            if wanted == "accepted" and not self.has_accepted(image_id):
                raise ProjectError(f"{image_id} has no accepted mask; accept one to make it accepted.")
            self._catalog.set_state(image_id, wanted)
            self._journal.append("state", image_id, {"state": now}, {"state": wanted, **self._step()})

    def resting_state(self, image_id: str) -> str:
        """Return what an image is when nobody flagged, skipped or excluded it: draft, accepted or todo."""
        if self.has_draft(image_id):
            return "draft"
        return "accepted" if self.has_accepted(image_id) else "todo"

    def undo(self) -> str | None:
        """Take back the last decision: state and mask file become what they were. Return the image's id.

        Decisions made `as_one_step` are taken back together; the id is then that of the first of them. Edits made
        after the decision are never lost: they stay as a draft.
        """
        undone = None
        with self._database.transaction():
            entry = self._journal.last(DECISIONS)
            group = entry.after.get("group") if entry is not None else None
            while entry is not None and entry.image_id is not None:
                self._undo_entry(entry, entry.image_id)
                undone = entry.image_id
                entry = self._journal.last(DECISIONS)
                if group is None or entry is None or entry.after.get("group") != group:
                    break
        self.settle()
        return undone

    def _undo_entry(self, entry: Entry, image_id: str) -> None:
        now = self._catalog.state(image_id)
        if entry.kind == "mask":
            state = self._undo_mask(entry, image_id)
        else:
            # An edit after the decision has already moved the image on; that is not taken back.
            state = self._undrafted(entry, image_id) if now == entry.after["state"] else now
        self._catalog.restore_state(image_id, state)
        self._journal.append("undo", image_id, {"state": now, "entry": entry.number}, {"state": state})
        self._journal.mark_undone(entry.number)

    def _undo_mask(self, entry: Entry, image_id: str) -> str:
        newer = self.read_draft(image_id)  # before the mask below it changes
        before, path = entry.before, self.accepted_path(image_id)
        draft = self._journal.kept_file(entry.number, "draft")
        if entry.after["action"] == "accept":
            draft = draft or (self.content(path) if before["draft"] else None)  # kept only where it differed
            self._decide_file(path, self._journal.kept_file(entry.number, "mask"))
            self._catalog.set_facts(image_id, disagrees=before["disagrees"], replaced=before["replaced"])
            self._catalog.set_edited(image_id, before.get("edited"))
        if newer is not None:
            draft = encode_mask(newer, self._classes())
        self._journal.clear_strokes(image_id)
        self._decide_file(self.draft_path(image_id), draft)
        edited = newer is not None and before["state"] in EDITED
        return "draft" if edited else self._undrafted(entry, image_id)

    def _undrafted(self, entry: Entry, image_id: str) -> str:
        """Return the state before `entry`, or draft where that state says there is no unfinished work but there is."""
        state = str(entry.before["state"])
        return "draft" if state in ("todo", "accepted") and self.has_draft(image_id) else state

    def _check(self, image_id: str, values: Mask) -> None:
        if values.ndim != 2 or values.dtype != np.uint8:
            raise ProjectError(f"A mask is (H, W) uint8; found {values.shape} {values.dtype} for {image_id}.")
        size = self._size_of(image_id)
        if size is not None and size != values.shape:
            raise ProjectError(
                f"The mask of {image_id} is {values.shape[1]} x {values.shape[0]} pixels, its image is "
                f"{size[1]} x {size[0]}. Masks must have their image's size."
            )
        known = np.zeros(256, bool)
        known[list(self._classes().values())] = True
        if not known[values].all():
            wrong = ", ".join(str(v) for v in np.unique(values) if not known[v])
            raise LabelError(
                f"The mask of {image_id} holds {wrong}; the project's values are 0 to {len(self._classes())} and 255."
            )
