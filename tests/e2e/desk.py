"""A labeler at work who writes a diary: each verb is done by mouse or key, then what is seen is compared and noted.

Only what the window shows is read: names and badges of the header, chips, layers. What an action does exactly (a copy,
a fill, undo, a stroke's pixels) is computed here from its definition.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QAbstractSpinBox, QApplication, QLineEdit, QPushButton
from scipy import ndimage

from napari_wsss.core.classes import IGNORE
from tests.e2e import mouse
from tests.e2e.diary import Diary
from tests.e2e.labeler import Labeler

STATES = ("draft", "accepted", "skipped", "flagged", "excluded")
WORDS = {"to do": "todo", **{state: state for state in STATES}}
Point = Sequence[float]


class Desk(Labeler):
    """A labeler with a diary.

    Attributes
    ----------
    image_id : str
        The image on the table.
    now, person : (H, W) uint8, (H, W) bool
        Its mask as it must look, and which pixels were drawn by hand.
    touched : bool
        A person made this mask; else accepting takes the proposal.
    """

    def __init__(self, viewer: Any, dock: Any, qtbot: Any, diary: Diary) -> None:
        super().__init__(viewer, dock, qtbot)
        self.diary = diary
        self.image_id = ""
        self.now = np.zeros((0, 0), np.uint8)
        self.person = np.zeros((0, 0), bool)
        self.touched = False
        self._back: list[tuple[np.ndarray, np.ndarray]] = []
        self._again: list[tuple[np.ndarray, np.ndarray]] = []

    # -- what is seen -------------------------------------------------------------------------------------

    @property
    def page(self) -> Any:
        """The diary's page of the image on the table."""
        return self.diary[self.image_id]

    @property
    def layer(self) -> Any:
        """The layer that is painted into."""
        return self.viewer.layers["mask"]

    @property
    def proposal(self) -> np.ndarray:
        """The proposal as it is outlined on the canvas."""
        return self.viewer.layers["proposal"].data.copy()

    @property
    def name(self) -> str:
        """The name in the header."""
        return self.dock.header.name.text()

    @property
    def badge(self) -> str:
        """The state in the header."""
        word = next(word for word in WORDS if self.dock.header.badge.text.startswith(word))
        return WORDS[word]

    @property
    def chips(self) -> set[str]:
        """The labels on the Review page."""
        found = self.dock.tabs.review.classes.chips.findChildren(QPushButton)
        return {chip.text().removesuffix("×").strip() for chip in found if not chip.isHidden()}

    @property
    def rows(self) -> list[str]:
        """The images that the queue lists."""
        model = self.dock.tabs.review.queue.model
        return [model.image_at(row) for row in range(model.rowCount())]

    @property
    def status(self) -> str:
        """The line below the header."""
        return str(self.dock.header.status.text())

    def value_of(self, name: str) -> int:
        """Return the mask value of a class."""
        return int(self.session.table.classes.mask_value(name))

    # -- comparing ----------------------------------------------------------------------------------------

    def arrive(self) -> None:
        """Look at the image that is shown now: name, badge, chips and mask are those of the diary."""
        QApplication.processEvents()
        self.image_id = self.name
        page = self.page
        size = self.viewer.layers["image"].data.shape[:2]
        self.touched = page.shown is not None
        self.now = page.shown.copy() if self.touched else np.zeros(size, np.uint8)
        self.person = page.shown_person.copy() if self.touched else np.zeros(size, bool)
        self._back, self._again = [], []
        self.check()

    def check(self) -> None:
        """Compare what is seen of this image with the diary."""
        QApplication.processEvents()
        assert self.failures == []
        assert self.name == self.image_id
        assert self.badge == self.page.state, f"{self.image_id} is {self.badge}, the diary says {self.page.state}"
        assert self.chips == self.page.labels
        np.testing.assert_array_equal(self.layer.data, self.now, self.image_id)

    def did(self, person: np.ndarray | None = None) -> np.ndarray:
        """Note that a step changed the mask to what is seen; return where. Without `person` the machine did it."""
        values = self.layer.data.copy()
        changed = values != self.now
        if changed.any():  # else the layer has nothing to take back
            self._back.append((self.now, self.person))
            self._again.clear()
        self.person = self.person & ~changed if person is None else person
        self._take(values)
        return changed

    def _take(self, values: np.ndarray) -> None:
        self.now, page = values, self.page
        self.touched = True
        page.draft, page.draft_person = self.now.copy(), self.person.copy()
        if page.state in ("todo", "skipped", "accepted"):
            page.state = "draft"

    # -- keys ---------------------------------------------------------------------------------------------

    def press(self, *keys: str) -> None:
        """Press keys on the canvas; no field of the panel may have kept the keyboard."""
        focus = QApplication.focusWidget()
        if isinstance(focus, QLineEdit | QAbstractSpinBox) and focus.isVisible():
            raise AssertionError(f"keys would go to {focus}: {focus.text()!r}")
        self.hands.press(*keys)

    def brush(self, size: int) -> None:
        """Take the brush and make it so large."""
        self.press("P")
        while self.painted.brush_size != size:
            before = self.painted.brush_size
            self.press("]" if before < size else "[")
            assert self.painted.brush_size != before

    @property
    def painted(self) -> Any:
        """The layer that the mouse works on."""
        return self.viewer.layers.selection.active

    # -- painting -----------------------------------------------------------------------------------------

    def stroke(self, value: int, start: Point, end: Point, size: int = 6) -> None:
        """Paint a stroke of a class; the pixels on its line have it, and no pixel far from it changed."""
        self.press(self.key_of(value))
        self.brush(size)
        self.stroke_again(value, start, end)

    def stroke_again(self, value: int, start: Point, end: Point) -> None:
        """Paint with the brush as it is in the hand."""
        size = self.layer.brush_size
        assert self.layer.selected_label == value
        self.hands.stroke(start, end)
        QApplication.processEvents()  # no hand is quicker
        before, after = self.now, self.layer.data.copy()
        distance = distance_to(start, end, after.shape)
        assert (after[distance < 0.5] == value).all()
        assert (after[after != before] == value).all()
        assert (after == before)[distance > size / 2 + 1.5].all()
        self.did(self.person | (after != before))

    def fill(self, value: int, at: tuple[int, int]) -> None:
        """Fill what hangs together around a pixel."""
        self.press(self.key_of(value), "F")
        patches, _ = ndimage.label(self.now == self.now[at])
        expected = np.where(patches == patches[at], np.uint8(value), self.now)
        self.hands.click(at)
        self.press("P")
        np.testing.assert_array_equal(self.layer.data, expected)
        self.did(self.person | (expected != self.now))

    def polygon(self, value: int, corners: Sequence[Point]) -> None:
        """Draw a polygon of a class by clicks; the last corner is clicked twice."""
        self.press(self.key_of(value), "G")
        assert self.layer.mode == "polygon"
        for corner in corners:
            self.hands.click(corner)
            self.qtbot.wait(20)
        self.hands.press("Enter")
        self.press("P")
        before, after = self.now, self.layer.data.copy()
        inside = np.array(corners)
        box = np.zeros(after.shape, bool)
        low, high = np.floor(inside.min(0)).astype(int), np.ceil(inside.max(0)).astype(int)
        box[low[0] : high[0] + 1, low[1] : high[1] + 1] = True
        middle = tuple(inside.mean(0).round().astype(int))
        assert after[middle] == value
        assert (after[after != before] == value).all()
        assert (after == before)[~box].all()
        self.did(self.person | (after != before))

    def undo(self) -> None:
        """Take the last step in the mask back; all of it, and nothing else."""
        self.press("Ctrl-Z")
        QApplication.processEvents()
        self._again.append((self.now, self.person))
        values, self.person = self._back.pop()
        np.testing.assert_array_equal(self.layer.data, values)
        self._take(values)

    def redo(self) -> None:
        """Make the step again that was taken back last."""
        self.press("Ctrl-Shift-Z")
        QApplication.processEvents()
        self._back.append((self.now, self.person))
        values, self.person = self._again.pop()
        np.testing.assert_array_equal(self.layer.data, values)
        self._take(values)

    # -- the proposal -------------------------------------------------------------------------------------

    def copy_all(self) -> None:
        """Copy the whole proposal into the mask."""
        expected = self.proposal
        self.press("Shift-Y")
        self._copied(expected)

    def copy_class(self, value: int) -> None:
        """Copy what is proposed of one class."""
        expected = np.where(self.proposal == value, self.proposal, self.now)
        self.press(self.key_of(value), "Y")
        self._copied(expected)

    def copy_into_empty(self) -> None:
        """Copy the proposal where the mask is background that nobody drew."""
        self.look_at("Refine")
        empty = (self.now == 0) & ~self.person
        expected = np.where(empty, self.proposal, self.now)
        mouse.click(button_of(self.dock.tabs.refine, "Only empty"))
        self._copied(expected)

    def _copied(self, expected: np.ndarray) -> None:
        np.testing.assert_array_equal(self.layer.data, expected)
        self.did()

    # -- labels -------------------------------------------------------------------------------------------

    def remove_label(self, name: str) -> None:
        """Click a chip: the class leaves labels, proposal and mask; a person's pixels of it become background."""
        self.look_at("Review")
        value, before = self.value_of(name), self.now
        mouse.click(button_of(self.dock.tabs.review.classes.chips, f"{name}  ×"))
        self.page.labels.discard(name)
        after = self.layer.data
        assert value not in after
        assert value not in self.proposal
        assert (after == before)[before != value].all()
        assert (after[(before == value) & self.person] == 0).all()
        if (after != before).any():
            self.did()
        self.check()

    def add_label(self, name: str) -> None:
        """Add a label by typing into the popup of N."""
        self.look_at("Review")
        self.press("N")
        popup = self.dock.tabs.review.classes.chips.popup
        self.until(popup.isVisible)
        mouse.write(popup.text, name)
        self.page.labels.add(name)
        QTest.keyClick(popup.text, Qt.Key.Key_Escape)
        assert not popup.isVisible()
        self.until(lambda: self.session.table.proposal is not None and not self.session.jobs.all)
        self.check()

    # -- decisions ----------------------------------------------------------------------------------------

    def accept(self, asked_twice: bool = False, by: Callable[[], object] | None = None) -> str:
        """Accept what is on the table: the mask where a person touched it, else the proposal. Return its image."""
        image_id = self.image_id
        if not self.touched:
            self.now, self.person = self.proposal, np.zeros(self.now.shape, bool)
        if asked_twice:
            self.press("W")
            assert self.status.startswith("Not accepted yet")
            self.check()
        accept = by or (lambda: self.press("W"))
        accept()
        if self.status.startswith("Not accepted yet") and not asked_twice:  # asked once, and only where they differ
            painted = {self.session.table.classes.name_of(int(one)) for one in np.unique(self.now) if 0 < one < IGNORE}
            assert painted != self.page.labels
            accept()
        self.diary.note_accepted(image_id, self.now, self.person)
        self._gone_on(image_id)
        return image_id

    def skip(self) -> str:
        """Put the image off."""
        return self._decide("S", "skipped")

    def _decide(self, key: str, state: str) -> str:
        image_id = self.image_id
        self.press(key)
        self.diary[image_id].state = state
        self._gone_on(image_id)
        return image_id

    def _gone_on(self, image_id: str) -> None:
        """The next undecided image of the queue is shown: unfinished and new ones first, then skipped ones."""
        rows = self.rows
        start = rows.index(image_id) + 1 if image_id in rows else 0
        ahead = [*rows[start:], *rows[: max(0, start - 1)]]
        for states in (("todo", "draft"), ("skipped",)):
            expected = next((one for one in ahead if self.diary[one].state in states and one != image_id), None)
            if expected is not None:
                break
        self.until(lambda: self.name == (expected or image_id))
        self.arrive()

    def flag(self) -> None:
        """Flag the image, or take the flag away."""
        self.press("Q")
        self.page.state = self.page.resting if self.page.state == "flagged" else "flagged"
        self.check()

    def write_note(self, text: str) -> None:
        """Type a note for the next person."""
        self.look_at("Review")
        mouse.write(self.dock.tabs.review.note, text, end=None)
        self.dock.tabs.review.note.clearFocus()
        self.page.note = text

    def undo_decision(self, key: bool = True) -> str:
        """Take the last decision back; the caller corrects the diary's page first."""
        if key:
            self.press("Backspace")
        else:
            self.look_at("Review")
            mouse.click(self.dock.tabs.review.undo)
        self.arrive()
        return self.image_id

    # -- going through the images -------------------------------------------------------------------------

    def go(self, key: str) -> str:
        """Press a key that leads to another image (A, D, U, Shift-U)."""
        self.press(key)
        self.arrive()
        return self.image_id

    def go_to(self, image_id: str) -> None:
        """Click an image in the queue."""
        self.look_at("Review")
        mouse.click_row(self.dock.tabs.review.queue.view, self.rows.index(image_id))
        self.arrive()
        assert self.image_id == image_id
        self.until(lambda: not self.session.jobs.all)

    def search(self, text: str) -> list[str]:
        """Type a search; return what the queue lists then."""
        self.look_at("Review")
        mouse.write(self.dock.tabs.review.queue.search, text)
        QApplication.processEvents()
        self.check()
        return self.rows

    def order(self, order: str) -> list[str]:
        """Choose an order of the queue; return what it lists then."""
        self.look_at("Review")
        mouse.pick(self.dock.tabs.review.queue.order, order)
        self.check()
        return self.rows


def button_of(part: Any, text: str) -> Any:
    """Return the visible button with a text."""
    found = [one for one in part.findChildren(QPushButton) if one.text() == text and not one.isHidden()]
    assert len(found) == 1, f"{len(found)} buttons {text!r}"
    return found[0]


def distance_to(start: Point, end: Point, shape: tuple[int, int]) -> np.ndarray:
    """Return the distance (H, W) in pixels of each pixel to the line between two points."""
    grid = np.stack(np.mgrid[: shape[0], : shape[1]], -1).astype(float)
    first, way = np.asarray(start, float), np.asarray(end, float) - np.asarray(start, float)
    share = np.clip(((grid - first) @ way) / max(float(way @ way), 1e-9), 0, 1)
    return np.linalg.norm(grid - (first + share[..., None] * way), axis=-1)
