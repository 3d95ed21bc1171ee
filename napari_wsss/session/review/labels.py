"""Image-level labels, and what an edit of them does to the shown image: one step that comes back as a whole.

Removing a label takes its class out of the proposal and, where the mask holds any of it, out of the mask: pixels that
the machine made become its next best class, a person's become background. The mask changes in one step of the layer's
history, and label and pixels stay together: when undo brings the pixels back, so does the label; redo takes both away
again; `undo`, or adding the label again at once, brings both back. This memory lasts as long as the image is
shown, like napari's own history. Adding a label asks for its map and tells by `class_found` when it is there. Labels of
other images change without their masks.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.plural import counted
from napari_wsss.core.sources import Source
from napari_wsss.session.review.label_removal import without_values
from napari_wsss.session.signals import Signals, reported
from napari_wsss.session.table.hooks import Hook
from napari_wsss.session.table.opened import Opened
from napari_wsss.session.table.table import Table

Names = frozenset[str]


@dataclass
class LabelEdit:
    """One edit of the shown image's labels.

    Parameters
    ----------
    added, removed : frozenset of str
    was_negative, negative : bool
        Whether the image was, and is now, labelled *none of the classes*.
    was_unknown, unknown : frozenset of str
        Classes of which it was, and is now, not known whether they are there.
    pixels : (N,) int
        Flat positions in the mask that changed with it; none for most edits.
    before, after : (N,) uint8
        Their values.
    taken_back : bool
        True while undo has taken it back.
    """

    added: Names
    removed: Names
    was_negative: bool
    negative: bool
    was_unknown: Names
    unknown: Names
    pixels: NDArray[np.intp]
    before: NDArray[np.uint8]
    after: NDArray[np.uint8]
    taken_back: bool = False

    def done_to(self, labels: Names) -> Names:
        """Return labels with the edit made."""
        return (labels | self.added) - self.removed

    def undone_to(self, labels: Names) -> Names:
        """Return labels with the edit taken back."""
        return (labels | self.removed) - self.added


class Labels:
    """The labels of the images.

    Parameters
    ----------
    opened : Opened
    signals : Signals

    Attributes
    ----------
    moved : Hook
        An image (its id) has other labels: maps and proposal must follow.
    """

    def __init__(self, opened: Opened, signals: Signals) -> None:
        self._opened, self.signals = opened, signals
        self.moved: Hook[str] = Hook()
        self._edits: list[LabelEdit] = []  # of the shown image
        self._awaited = ""  # class whose map was asked for by adding its label
        signals.maps_ready.connect(self._look_for_awaited)

    def begin(self, _image_id: str = "") -> None:
        """Forget the edits of the image that was shown before."""
        self._edits, self._awaited = [], ""

    # -- editing ----------------------------------------------------------------------------------------------

    @reported
    def add(self, name: str, image_id: str | None = None) -> bool:
        """Add a class to an image's labels (the shown one by default); `class_found` tells when its map is there."""
        table = self._opened.table
        if image_id not in (None, table.image_id):
            return self.set(image_id, table.project.catalog.get(image_id).labels | {name})
        newest = self._edits[-1] if self._edits else None
        if newest is not None and newest.removed == {name} and len(newest.pixels) and not newest.taken_back:
            return self.undo()
        done = self._edit_shown(table, table.record.labels | {name})
        if done and _has_map(table, name):
            self.signals.class_found.emit(table.image_id, name)
        elif done:
            self._awaited = name
        return done

    @reported
    def remove(self, name: str, image_id: str | None = None) -> bool:
        """Remove a class from an image's labels (the shown one by default; then also from its mask, undoably).

        One of which it was not known whether it is there is then known not to be there.
        """
        table = self._opened.table
        if image_id not in (None, table.image_id):
            return self.set(image_id, table.project.catalog.get(image_id).labels - {name})
        self._awaited = "" if self._awaited == name else self._awaited
        labels, unknown = table.record.labels - {name}, table.record.unknown - {name}
        is_last = name in table.record.unknown and not labels and not unknown
        return self._edit_shown(table, labels, negative=is_last, unknown=unknown)

    @reported
    def say_nothing_there(self) -> bool:
        """Label the shown image *none of the classes*; takes its labels away, also from its mask, undoably."""
        self._awaited = ""
        return self._edit_shown(self._opened.table, frozenset(), negative=True)

    @reported
    def say_not_labelled(self) -> bool:
        """Take *none of the classes* back: it is not known yet what the shown image holds."""
        return self._edit_shown(self._opened.table, frozenset())

    @reported
    def set(
        self, image_id: str, labels: Iterable[str], *, negative: bool = False, unknown: Names | None = None
    ) -> bool:
        """Set the image-level labels of an image; its maps and proposal follow at once, its mask does not change.

        Parameters are those of `Project.set_labels`.
        """
        if self._opened.table.project.set_labels(image_id, frozenset(labels), negative=negative, unknown=unknown):
            self.follow(image_id)
        return True

    def follow(self, image_id: str) -> None:
        """Tell that an image has other labels, and bring its maps and proposal after them."""
        self._opened.table.tell_labels(image_id)
        self.moved(image_id)

    @property
    def can_be_undone(self) -> bool:
        """True while there is an edit of the shown image's labels that `undo` takes back."""
        return any(not edit.taken_back for edit in self._edits)

    @reported
    def undo(self) -> bool:
        """Take back the last edit of the shown image's labels, pixels included that nobody has painted over since."""
        table = self._opened.table
        image_id = table.shown_id()
        edit = next((edit for edit in reversed(self._edits) if not edit.taken_back), None)
        table.record_last()
        if edit is None or edit.taken_back:
            return False
        values = table.mask.copy()
        untouched = values.ravel()[edit.pixels] == edit.after
        values.ravel()[edit.pixels[untouched]] = edit.before[untouched]
        table.replace_mask(values)
        if not edit.taken_back:  # nothing in the mask, or painted over: the pixels did not tell
            edit.taken_back = True
            self._follow_edit(image_id, edit, table.record.labels)
        self._edits.remove(edit)
        self.signals.labels_changed.emit(image_id)  # there is less to undo
        return True

    # -- the shown image's mask -------------------------------------------------------------------------------

    def _edit_shown(self, table: Table, wanted: Names, *, negative: bool = False, unknown: Names | None = None) -> bool:
        image_id, record = table.shown_id(), table.record
        table.record_last()  # is part of what undo brings back
        if unknown is None:
            unknown = record.unknown - wanted if wanted else frozenset()
        added, removed, by_machine = wanted - record.labels, record.labels - wanted, table.sources.machine
        pixels, nothing = np.zeros(0, np.intp), np.zeros(0, np.uint8)
        edit = LabelEdit(added, removed, record.negative, negative, record.unknown, unknown, pixels, nothing, nothing)
        self._edits.append(edit)
        is_same = (wanted, negative, unknown) == (record.labels, record.negative, record.unknown)
        if is_same or not self.set(image_id, wanted, negative=negative, unknown=unknown):
            self._edits.remove(edit)
            return is_same
        self._take_out(table, edit, by_machine)
        return True

    def _take_out(self, table: Table, edit: LabelEdit, by_machine: NDArray[np.bool_]) -> None:
        """Take the removed classes out of the mask; maps and proposal are without them by now."""
        machine = table.machine
        best = machine.live.at(machine.threshold) if machine.live is not None else machine.proposal
        removed = [table.classes.mask_value(name) for name in edit.removed]
        mask = table.mask
        values, count = without_values(mask, removed, by_machine, np.zeros_like(mask) if best is None else best)
        if not count:
            return
        edit.pixels = np.flatnonzero(values != mask)
        edit.before, edit.after = mask.ravel()[edit.pixels], values.ravel()[edit.pixels]
        names = " and ".join(sorted(edit.removed))
        table.replace_mask(values, Source("label", method=names))
        told = f"{counted(count, 'pixel')} of {names} taken out of the mask. Ctrl+Z brings them and the label back."
        self.signals.notice.emit(told)

    def follow_mask(self) -> None:
        """Bring labels after pixels that undo brought back, or redo took away again."""
        table = self._opened.table
        flat = table.mask.ravel()
        for edit in reversed(self._edits):
            before = edit.after if edit.taken_back else edit.before
            if len(edit.pixels) and np.array_equal(flat[edit.pixels], before):
                edit.taken_back = not edit.taken_back
                self._follow_edit(table.image_id, edit, table.record.labels)
                return

    def _follow_edit(self, image_id: str, edit: LabelEdit, labels: Names) -> None:
        """Set the labels as they are with the edit made, or taken back."""
        after = edit.undone_to(labels) if edit.taken_back else edit.done_to(labels)
        said = edit.was_negative if edit.taken_back else edit.negative
        unknown = edit.was_unknown if edit.taken_back else edit.unknown
        self.set(image_id, after, negative=said and not after, unknown=unknown - after)

    # -- maps -------------------------------------------------------------------------------------------------

    def _look_for_awaited(self, image_id: str) -> None:
        table = self._opened.or_none
        if table is not None and self._awaited and image_id == table.image_id and _has_map(table, self._awaited):
            name, self._awaited = self._awaited, ""
            self.signals.class_found.emit(image_id, name)


def _has_map(table: Table, name: str) -> bool:
    return table.maps is not None and table.classes.index(name) in table.maps.classes
