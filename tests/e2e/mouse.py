"""Mouse and keys on the panel: a widget is scrolled to, must be seen and enabled, and is hit where a person would."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import QEvent, QPoint, QPointF, Qt, QTimer
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QCheckBox,
    QComboBox,
    QFileDialog,
    QLineEdit,
    QScrollArea,
    QSlider,
    QStyle,
    QStyleOptionSlider,
    QTabWidget,
    QWidget,
)
from superqt import QCollapsible

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
PLUS = Qt.KeyboardModifier.ControlModifier
TICK = 9
"""Pixels from the left edge to the middle of a check box's square."""
TRIES = 100


def see(widget: QWidget) -> None:
    """Unfold what a widget is in, scroll it into view, and make sure that a person could use it."""
    parents = []
    parent = widget.parentWidget()
    while parent is not None:
        parents.append(parent)
        parent = parent.parentWidget()
    for parent in reversed(parents):
        if isinstance(parent, QCollapsible) and not parent.isExpanded() and widget is not parent.toggleButton():
            click(parent.toggleButton())
    QApplication.processEvents()
    for _ in range(TRIES):  # a page is laid out a moment after its parts have changed
        for parent in reversed(parents):
            if isinstance(parent, QScrollArea):
                parent.ensureWidgetVisible(widget)
        QApplication.processEvents()
        if not widget.visibleRegion().isEmpty():
            break
        QTest.qWait(20)
    assert not widget.visibleRegion().isEmpty(), f"{widget} is not shown"
    assert widget.isEnabled(), f"{widget} is not enabled: {widget.toolTip()}"


def hit(widget: QWidget, where: QPoint, held: Qt.KeyboardModifier = NONE) -> None:
    """Click the left button at a position of a widget that nothing may cover."""
    found = QApplication.widgetAt(widget.mapToGlobal(where))
    assert found is widget or widget.isAncestorOf(found), f"{found} covers {widget}"
    QTest.mouseClick(widget, LEFT, held, where)


def click(widget: QWidget, held: Qt.KeyboardModifier = NONE) -> None:
    """Click a button or a check box."""
    see(widget)
    hit(widget, QPoint(TICK, widget.height() // 2) if isinstance(widget, QCheckBox) else widget.rect().center(), held)


def click_tab(tabs: QTabWidget, name: str) -> None:
    """Bring a page to the front by its tab."""
    place = [tabs.tabText(number) for number in range(tabs.count())].index(name)
    see(tabs.tabBar())
    hit(tabs.tabBar(), tabs.tabBar().tabRect(place).center())
    assert tabs.currentIndex() == place


def click_row(view: QAbstractItemView, row: int, held: Qt.KeyboardModifier = NONE) -> None:
    """Click a row of a list."""
    see(view)
    index = view.model().index(row, 0)
    view.scrollTo(index)
    hit(view.viewport(), view.visualRect(index).center(), held)


def double_click_row(view: QAbstractItemView, row: int) -> None:
    """Click a row of a list twice."""
    click_row(view, row)
    QTest.mouseDClick(view.viewport(), LEFT, pos=view.visualRect(view.model().index(row, 0)).center())


def tick_row(view: QAbstractItemView, row: int) -> None:
    """Click the check box of a row of a list."""
    see(view)
    index = view.model().index(row, 0)
    view.scrollTo(index)
    box = view.visualRect(index)
    hit(view.viewport(), QPoint(box.left() + TICK, box.center().y()))


def pick(box: QComboBox, value: str) -> None:
    """Open a combo box by the mouse and take an entry by the keyboard."""
    see(box)
    row = box.findData(value)
    assert row >= 0, f"{value} is not offered: {[box.itemText(place) for place in range(box.count())]}"
    hit(box, box.rect().center())
    QTest.qWait(50)
    view = box.view()
    QTest.keyClick(view, Qt.Key.Key_Home)
    for _ in range(row):
        QTest.keyClick(view, Qt.Key.Key_Down)
    QTest.keyClick(view, Qt.Key.Key_Return)
    QTest.qWait(20)
    assert box.currentData() == value


def drag(slider: QSlider, to: int) -> None:
    """Take the handle of a slider, move it to the position of a value, let it go there."""
    see(slider)
    start, end = _handle(slider, slider.value()), _handle(slider, to)
    hit_at = QApplication.widgetAt(slider.mapToGlobal(start))
    assert hit_at is slider, f"{hit_at} covers the slider"
    QTest.mousePress(slider, LEFT, NONE, start)
    assert slider.isSliderDown()
    for step in range(1, 9):
        _move(slider, start + (end - start) * step / 8)
        QTest.qWait(15)
    QTest.mouseRelease(slider, LEFT, NONE, end)


def _handle(slider: QSlider, value: int) -> QPoint:
    """Return where the middle of the handle is when the slider stands at a value."""
    option = QStyleOptionSlider()
    slider.initStyleOption(option)
    option.sliderPosition = option.sliderValue = value
    control, part = QStyle.ComplexControl.CC_Slider, QStyle.SubControl.SC_SliderHandle
    return slider.style().subControlRect(control, option, part, slider).center()


def _move(widget: QWidget, where: QPoint) -> None:
    local, screen = QPointF(where), QPointF(widget.mapToGlobal(where))
    event = QMouseEvent(QEvent.Type.MouseMove, local, screen, Qt.MouseButton.NoButton, LEFT, NONE)
    QApplication.sendEvent(widget, event)


def write(line: QLineEdit, text: str, end: Qt.Key | None = Qt.Key.Key_Return) -> None:
    """Click into a line, replace its text by typing, and end with a key."""
    see(line)
    hit(line, QPoint(line.width() // 2, line.height() // 2))
    line.setFocus()  # without a window manager a click does not always give it
    QTest.keyClick(line, Qt.Key.Key_A, PLUS)
    QTest.keyClick(line, Qt.Key.Key_Delete)
    QTest.keyClicks(line, text)
    if end is not None:
        QTest.keyClick(line, end)
    QApplication.processEvents()


def save_as(path: Path) -> None:
    """Answer the file dialog that is opened next."""

    def answer() -> None:
        dialog = QApplication.activeModalWidget()
        if not isinstance(dialog, QFileDialog):
            QTimer.singleShot(50, answer)
            return
        line = dialog.findChild(QLineEdit)
        line.setText(str(path))
        QTest.keyClick(line, Qt.Key.Key_Return)

    QTimer.singleShot(50, answer)
