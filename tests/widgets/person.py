"""A person at a real viewer: presses keys and moves the mouse over the canvas, through Qt's own events."""

from __future__ import annotations

import time
from collections.abc import Sequence

import napari
import numpy as np
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

NAMED = {
    ",": Qt.Key.Key_Comma,
    ".": Qt.Key.Key_Period,
    "[": Qt.Key.Key_BracketLeft,
    "]": Qt.Key.Key_BracketRight,
    "Enter": Qt.Key.Key_Return,
}
MODIFIERS = {"Shift": Qt.KeyboardModifier.ShiftModifier, "Ctrl": Qt.KeyboardModifier.ControlModifier}
LEFT = Qt.MouseButton.LeftButton
MOVE_MS = 20  # moves that follow faster are taken together


class Person:
    """Keys and strokes on the canvas of `viewer`, which must be shown."""

    def __init__(self, viewer: napari.Viewer) -> None:
        self._viewer = viewer
        self._canvas = viewer.window._qt_viewer.canvas.native

    def press(self, *names: str) -> None:
        """Press and release keys, each named as napari names them (``A``, ``Shift-Y``, ``Ctrl-Z``)."""
        for name in names:
            QTest.keyClick(self._canvas, *self._key(name))

    def hold(self, name: str) -> None:
        QTest.keyPress(self._canvas, *self._key(name))

    def let_go(self, name: str) -> None:
        QTest.keyRelease(self._canvas, *self._key(name))

    def stroke(self, start: Sequence[float], end: Sequence[float]) -> None:
        """Drag the left button from one (row, column) of the image to another."""
        first, last = np.asarray(start, float), np.asarray(end, float)
        QTest.mouseMove(self._canvas, self._at(first))
        QTest.mousePress(self._canvas, LEFT, pos=self._at(first))
        for share in np.linspace(0, 1, 8):
            self._drag(self._at(first + share * (last - first)))
        self._rest()
        QTest.mouseRelease(self._canvas, LEFT, pos=self._at(last))

    @staticmethod
    def _rest() -> None:
        """Wait until the window has caught up: napari drops a move it has not looked at when the button goes up."""
        for _ in range(50):
            begun = time.monotonic()
            QTest.qWait(MOVE_MS)
            if time.monotonic() - begun < 1.5 * MOVE_MS / 1000:
                return

    def _drag(self, where: QPoint) -> None:
        """Move with the left button down (`QTest.mouseMove` says so only on Qt 5)."""
        local, screen = QPointF(where), QPointF(self._canvas.mapToGlobal(where))
        no_button, no_key = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier
        move = QMouseEvent(QEvent.Type.MouseMove, local, screen, no_button, LEFT, no_key)
        QApplication.sendEvent(self._canvas, move)
        QTest.qWait(MOVE_MS)

    def click(self, position: Sequence[float], button: Qt.MouseButton = LEFT) -> None:
        """Click a button at (row, column) of the image."""
        QTest.mouseMove(self._canvas, self._at(np.asarray(position, float)))
        QTest.mouseClick(self._canvas, button, pos=self._at(np.asarray(position, float)))

    def _at(self, position: np.ndarray) -> QPoint:
        camera = self._viewer.scene.camera
        middle = np.array([self._canvas.height(), self._canvas.width()]) / 2
        row, column = middle + (position - camera.center[-2:]) * camera.zoom
        return QPoint(round(column), round(row))

    @staticmethod
    def _key(name: str) -> tuple[Qt.Key, Qt.KeyboardModifier]:
        *held, letter = name.split("-") if len(name) > 1 else [name]
        pressed = Qt.KeyboardModifier.NoModifier
        for modifier in held:
            pressed |= MODIFIERS[modifier]
        return NAMED.get(letter) or getattr(Qt.Key, f"Key_{letter}"), pressed
