"""Image-level labels, and what an edit of them does to the shown image: one step that comes back as a whole.

Removing a label takes its class out of the proposal and, where the mask holds any of it, out of the mask: pixels that
the machine made become its next best class, a person's become background. The mask changes in one step of the layer's
history, and label and pixels stay together: when undo brings the pixels back, so does the label; redo takes both away
again; `undo_labels`, or adding the label again at once, brings both back. This memory lasts as long as the image is
shown, like napari's own history. Adding a label asks for its map and tells by `class_found` when it is there. Labels of
other images change without their masks.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.sources import Source
from napari_wsss.session.review.decisions import Reviewing
from napari_wsss.session.review.label_removal import without_values
from napari_wsss.session.signals import reported

Labels = frozenset[str]


@dataclass
class LabelEdit:
    """One edit of the shown image's labels.

    Parameters
    ----------
    added, removed : frozenset of str
    pixels : (N,) int
        Flat positions in the mask that changed with it; none for most edits.
    before, after : (N,) uint8
        Their values.
    taken_back : bool
        True while undo has taken it back.
    """

    added: Labels
    removed: Labels
    pixels: NDArray[np.intp]
    before: NDArray[np.uint8]
    after: NDArray[np.uint8]
    taken_back: bool = False

    def done_to(self, labels: Labels) -> Labels:
        """Return labels with the edit made."""
        return (labels | self.added) - self.removed

    def undone_to(self, labels: Labels) -> Labels:
        """Return labels with the edit taken back."""
        return (labels | self.removed) - self.added


class Labelling(Reviewing):
    """The labels of the images."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._label_edits: list[LabelEdit] = []  # of the shown image
        self._awaited = ""  # class whose map was asked for by adding its label
        self.maps_ready.connect(self._look_for_awaited)

    def _arrived(self, image_id: str) -> None:
        self._label_edits, self._awaited = [], ""
        super()._arrived(image_id)

    # -- editing ----------------------------------------------------------------------------------------------

    @reported
    def add_label(self, name: str, image_id: str | None = None) -> bool:
        """Add a class to an image's labels (the shown one by default); `class_found` tells when its map is there."""
        project, shown = self._open()
        labels = project.catalog.get(image_id or shown).labels
        if image_id not in (None, shown):
            return self.set_labels(str(image_id), labels | {name})
        newest = self._label_edits[-1] if self._label_edits else None
        if newest is not None and newest.removed == {name} and len(newest.pixels) and not newest.taken_back:
            return self.undo_labels()
        done = self._edit_shown(labels | {name})
        if done and self.maps is not None and self._class_of(name) in self.maps.classes:
            self.class_found.emit(shown, name)
        elif done:
            self._awaited = name
        return done

    @reported
    def remove_label(self, name: str, image_id: str | None = None) -> bool:
        """Remove a class from an image's labels (the shown one by default; then also from its mask, undoably)."""
        project, shown = self._open()
        labels = project.catalog.get(image_id or shown).labels
        if image_id not in (None, shown):
            return self.set_labels(str(image_id), labels - {name})
        self._awaited = "" if self._awaited == name else self._awaited
        return self._edit_shown(labels - {name})

    @reported
    def set_labels(self, image_id: str, labels: Iterable[str]) -> bool:
        """Set the image-level labels of an image; its maps and proposal follow at once, its mask does not change."""
        project, _ = self._open()
        wanted = frozenset(labels)
        if wanted == project.catalog.get(image_id).labels:
            return True
        project.set_labels(image_id, wanted)
        self.labels_changed.emit(image_id)
        self._labels_moved(image_id)
        return True

    @property
    def labels_can_be_undone(self) -> bool:
        """True while there is an edit of the shown image's labels that `undo_labels` takes back."""
        return any(not edit.taken_back for edit in self._label_edits)

    @reported
    def undo_labels(self) -> bool:
        """Take back the last edit of the shown image's labels, pixels included that nobody has painted over since."""
        project, image_id = self._open()
        edit = next((edit for edit in reversed(self._label_edits) if not edit.taken_back), None)
        canvas = self._canvas
        assert canvas is not None
        self.record_change(canvas.mask)  # paint of the last moment counts
        if edit is None or edit.taken_back:
            return False
        values = canvas.mask.copy()
        untouched = values.ravel()[edit.pixels] == edit.after
        values.ravel()[edit.pixels[untouched]] = edit.before[untouched]
        self.replace_mask(values)
        if not edit.taken_back:  # nothing in the mask, or painted over: the pixels did not tell
            edit.taken_back = True
            self.set_labels(image_id, edit.undone_to(project.catalog.get(image_id).labels))
        self._label_edits.remove(edit)
        self.labels_changed.emit(image_id)  # there is less to undo
        return True

    # -- the shown image's mask -------------------------------------------------------------------------------

    def _edit_shown(self, wanted: Labels) -> bool:
        project, image_id = self._open()
        canvas = self._canvas
        assert canvas is not None
        self.record_change(canvas.mask)  # paint of the last moment is part of what undo brings back
        labels = project.catalog.get(image_id).labels
        by_machine = self._made_by_machine()
        nothing = np.zeros(0, np.uint8)
        edit = LabelEdit(wanted - labels, labels - wanted, np.zeros(0, np.intp), nothing, nothing)
        self._label_edits.append(edit)
        if wanted == labels or not self.set_labels(image_id, wanted):
            self._label_edits.remove(edit)
            return wanted == labels
        self._take_out(edit, by_machine)
        return True

    def _made_by_machine(self) -> NDArray[np.bool_]:
        """Return (H, W) bool: mask pixels that a machine made."""
        assert self.sources is not None
        return self.sources.machine

    def _take_out(self, edit: LabelEdit, by_machine: NDArray[np.bool_]) -> None:
        """Take the removed classes out of the mask; maps and proposal are without them by now."""
        canvas, project = self._canvas, self.project
        assert canvas is not None
        assert project is not None
        machine = canvas.machine
        best = machine.live.at(machine.threshold) if machine.live is not None else machine.proposal
        removed = [project.classes.mask_value(name) for name in edit.removed]
        mask = canvas.mask
        values, count = without_values(mask, removed, by_machine, np.zeros_like(mask) if best is None else best)
        if not count:
            return
        edit.pixels = np.flatnonzero(values != mask)
        edit.before, edit.after = mask.ravel()[edit.pixels], values.ravel()[edit.pixels]
        names = " and ".join(sorted(edit.removed))
        self.replace_mask(values, Source("label", method=names))
        self.notice.emit(f"{count:,} pixels of {names} taken out of the mask. Ctrl+Z brings them and the label back.")

    def _recorded(self, values: NDArray[np.uint8]) -> None:
        """Bring labels after pixels that undo brought back, or redo took away again."""
        super()._recorded(values)
        for edit in reversed(self._label_edits):
            if len(edit.pixels) and np.array_equal(
                values.ravel()[edit.pixels], edit.after if edit.taken_back else edit.before
            ):
                edit.taken_back = not edit.taken_back
                project, image_id = self._open()
                labels = project.catalog.get(image_id).labels
                self.set_labels(image_id, edit.undone_to(labels) if edit.taken_back else edit.done_to(labels))
                return

    # -- maps -------------------------------------------------------------------------------------------------

    def _labels_moved(self, image_id: str) -> None:
        """Bring maps and proposal after the labels (done in `computing`)."""

    def _class_of(self, name: str) -> int:
        assert self.project is not None
        return self.project.classes.index(name)

    def _look_for_awaited(self, image_id: str) -> None:
        name = self._awaited
        if name and image_id == self.current_id and self.maps is not None and self._class_of(name) in self.maps.classes:
            self._awaited = ""
            self.class_found.emit(image_id, name)
