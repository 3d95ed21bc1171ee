"""Controls leave keyboard and wheel alone; pages scroll instead of squeezing."""

from __future__ import annotations

from qtpy.QtCore import QCoreApplication, QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import QApplication, QLabel, QSlider, QWidget

from napari_wsss.widgets.controls.basic import (
    PageArea,
    WheelGuard,
    button,
    choose,
    clear_layout,
    column,
    combo,
    folded,
    single_shot,
    soon,
    text_label,
)


def test_buttons_and_boxes_take_no_focus(qtbot):
    clicked = []
    made = button("Go", lambda: clicked.append(1))
    box = combo([("a", "A"), ("b", "B")])
    section = folded("More", text_label("x"))
    for widget in (made, box, section):
        qtbot.addWidget(widget)
    made.click()
    assert clicked == [1]
    for control in (made, box, section.toggleButton()):
        assert control.focusPolicy() == Qt.FocusPolicy.NoFocus


def test_a_cleared_layout_has_nothing_left_and_can_be_filled_again(qtbot):
    holder, layout = QWidget(), column(text_label("one"), text_label("two"))
    qtbot.addWidget(holder)
    holder.setLayout(layout)
    clear_layout(layout)
    assert layout.count() == 0
    assert all(label.isHidden() for label in holder.findChildren(QLabel))
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert holder.findChildren(QLabel) == []
    layout.addWidget(text_label("three"))
    assert [label.text() for label in holder.findChildren(QLabel)] == ["three"]


def test_choosing_for_a_person_is_silent(qtbot):
    chosen = []
    box = combo([("a", "A"), ("b", "B")], chosen.append)
    qtbot.addWidget(box)
    choose(box, "b")
    assert box.currentData() == "b"
    choose(box, "missing")
    assert box.currentData() == "b"
    assert chosen == []
    box.activated.emit(0)
    assert chosen == ["a"]


def test_the_wheel_scrolls_and_does_not_turn_sliders(qtbot):
    slider = QSlider()
    qtbot.addWidget(slider)
    slider.setValue(50)

    def turn():
        position = QPointF(5, 5)
        phase, none = Qt.ScrollPhase.NoScrollPhase, Qt.KeyboardModifier.NoModifier
        event = QWheelEvent(
            position, position, QPoint(0, 0), QPoint(0, 120), Qt.MouseButton.NoButton, none, phase, False
        )
        QApplication.sendEvent(slider, event)
        return slider.value()

    assert turn() != 50
    slider.setValue(50)
    WheelGuard.protect(slider)
    assert turn() == 50


def test_a_tall_page_scrolls_in_a_small_dock(qtbot):
    page = QWidget()
    page.setLayout(column(*(text_label("many words that wrap " * 10) for _ in range(20))))
    area = PageArea(page)
    qtbot.addWidget(area)
    area.resize(320, 200)
    area.show()
    qtbot.waitUntil(lambda: page.minimumHeight() > 600, timeout=20000)
    assert area.minimumSizeHint().height() < 200
    narrow = page.minimumHeight()
    area.resize(640, 200)
    qtbot.waitUntil(lambda: page.minimumHeight() < narrow, timeout=20000)


def test_timers_fire_once_and_die_with_their_owner(qtbot):
    fired, owner = [], QWidget()
    timer = single_shot(owner, 10, lambda: fired.append("late"))
    timer.start()
    soon(owner, lambda: fired.append("soon"))
    qtbot.waitUntil(lambda: fired == ["soon", "late"], timeout=20000)
    gone = QWidget()
    soon(gone, lambda: fired.append("never"))
    gone.deleteLater()
    del gone
    QApplication.sendPostedEvents(None, 52)  # deferred deletions
    qtbot.wait(30)
    assert fired == ["soon", "late"]
