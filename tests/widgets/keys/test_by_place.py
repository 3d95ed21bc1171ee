"""Under layouts without Latin letters the key at a letter's place does what the letter does."""

# ruff: noqa: RUF001 - letters of other scripts are what is tested
from __future__ import annotations

import sys

import pytest
from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QApplication

from napari_wsss.session.session import Session
from napari_wsss.widgets.dock import DOCK_NAME, WsssDock
from napari_wsss.widgets.keys import by_place
from napari_wsss.widgets.keys.by_place import EVDEV, MAC, PC, latin_key, rows_by_number
from napari_wsss.widgets.keys.own_keys import key_in
from tests.widgets.person import Person

NONE, SHIFT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier
PLACES = {letter: number for number, letter in rows_by_number(EVDEV).items()}
CYRILLIC = dict(zip("QWERTYUIOP[]ASDFGHJKL;'ZXCVBNM,.", "ЙЦУКЕНГШЩЗХЪФЫВАПРОЛДЖЭЯЧСМИТЬБЮ", strict=True))


def typed(text, place=0, virtual=0, held=NONE, kind=QEvent.Type.KeyPress):
    code = ord(text.upper()) if len(text.upper()) == 1 else 0
    return QKeyEvent(kind, code, held, place, virtual, 0, text)


@pytest.fixture
def linux(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")


@pytest.mark.usefixtures("linux")
def test_every_key_of_a_cyrillic_keyboard_is_the_latin_one_of_its_place():
    for latin, letter in CYRILLIC.items():
        assert latin_key(typed(letter.lower(), PLACES[latin])) == latin
        assert latin_key(typed("", PLACES[latin])) == ""
    assert key_in(typed("Ф", PLACES["A"], held=SHIFT)) == "Shift-A"
    assert latin_key(typed("ψ", PLACES["C"])) == "C"  # Greek
    assert latin_key(typed("ש", PLACES["A"])) == "A"  # Hebrew
    assert latin_key(typed("٣", PLACES["3"])) == "3"  # digits of Arabic


@pytest.mark.usefixtures("linux")
def test_latin_letters_and_unknown_places_are_left_alone():
    for text in ("a", "é", "ß", "ø", "ł", "1", "&", ","):
        assert latin_key(typed(text, PLACES["A"])) == ""
    assert latin_key(typed("ф", 200)) == ""
    assert latin_key(QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_Shift, SHIFT, 50, 0, 0, "")) == ""


@pytest.mark.parametrize(("system", "places"), [("win32", rows_by_number(PC)), ("darwin", MAC)])
def test_other_systems_number_places_otherwise(monkeypatch, system, places):
    monkeypatch.setattr(sys, "platform", system)
    letters = {letter for letter in places.values() if letter.isalpha()}
    assert letters == set("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    for number, letter in places.items():
        given = {"virtual": number} if system == "darwin" else {"place": number}
        assert latin_key(typed("ж", **given)) == letter


@pytest.mark.gui
@pytest.mark.usefixtures("linux")
def test_a_person_with_a_cyrillic_keyboard(make_napari_viewer, model_folder, tmp_path, qtbot):
    viewer = make_napari_viewer(show=True)
    dock = WsssDock(viewer, Session(config_folder=tmp_path / "config"))
    viewer.window.add_dock_widget(dock, name=DOCK_NAME, area="right", add_vertical_stretch=False)
    dock.open_project(model_folder)
    canvas, session = Person(viewer)._canvas, dock.session
    qtbot.waitUntil(lambda: dock.grid is not None)  # the dock has found its window

    def press(letter, latin, held=NONE, widget=canvas):
        for kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
            QApplication.sendEvent(widget, typed(letter, PLACES[latin], held=held, kind=kind))

    press("в", "D")
    assert session.shown_id == "p1.png"
    press("ф", "A", widget=dock.window())  # napari's window hands keys on as well
    assert session.shown_id == "p0.png"
    press("З", "P")
    assert dock.sync.mask.mode == "paint"
    QApplication.sendEvent(canvas, typed("р", PLACES["H"]))
    assert [layer.name for layer in viewer.layers if layer.visible] == ["image"]
    QApplication.sendEvent(canvas, typed("р", PLACES["H"], kind=QEvent.Type.KeyRelease))
    assert viewer.layers["mask"].visible
    press("Ф", "F", SHIFT)  # where F is, whatever it types
    assert dock.sync.pointing.mode == "wand"
    line = dock.tabs.review.queue.search
    press("ф", "A", widget=line)
    assert line.text() == "ф", "what is typed into fields stays"
    dock.shut_down()
    press("в", "D")
    assert by_place.latin_key(typed("в", PLACES["D"])) == "D"
