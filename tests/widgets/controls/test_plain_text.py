"""Names, notes and errors that look like markup: every widget of the window shows them as they are."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from napari._qt.dialogs.qt_notification import NapariQtNotification
from qtpy.QtCore import QAbstractItemModel, QAbstractListModel, QAbstractTableModel, QModelIndex, Qt
from qtpy.QtGui import QTextDocument
from qtpy.QtWidgets import QAbstractButton, QAbstractItemView, QLabel, QMessageBox, QWidget

from napari_wsss.project.project import Project
from napari_wsss.session.session import Session
from napari_wsss.widgets import closing
from napari_wsss.widgets.controls.plain_text import JOINER, PlainButton, as_text, without_keys
from napari_wsss.widgets.dock import DOCK_NAME, WsssDock

pytestmark = pytest.mark.gui
MARK = "zq"
IMAGE = f"<b>{MARK}<img src=x> R&D &lt; y.png"
CLASS = f"<i>{MARK}</i>&lt;R&D"
LONG = f"a very long {MARK} class name that goes on and on, and on"
NOTE = f"<h1>{MARK} note</h1>"
RUN = f"classifier-<u>{MARK}"
WIDE = 380


@pytest.fixture
def docked(make_napari_viewer, model_folder, tmp_path, qtbot) -> Iterator[WsssDock]:
    with Project.open(model_folder) as project:
        renamed = {"red": CLASS, "green": LONG}
        for old, new in renamed.items():
            project.rename_class(old, new)
        project._database.execute("UPDATE images SET id = ?, note = ? WHERE id = 'p0.png'", (IMAGE, NOTE))
        project.set_labels(IMAGE, [CLASS, LONG])
        run = project.training_folder / RUN
        run.mkdir(parents=True)
        record = {"state": "failed", "error": f"<b>{MARK}</b> failed", "recipe": "classifier"}
        (run / "run.json").write_text(json.dumps(record))
    viewer = make_napari_viewer(show=True)
    made = WsssDock(viewer, Session(config_folder=tmp_path / "config"))
    viewer.window.add_dock_widget(made, name=DOCK_NAME, area="right", add_vertical_stretch=False)
    viewer.window.resize(1400, 900)
    made.open_project(model_folder)
    made.session.navigation.go_to(IMAGE)
    made.session.inference.start()
    qtbot.waitUntil(lambda: not made.session.jobs.all, timeout=20000)
    yield made
    made.shut_down()


def is_markup(text: str) -> bool:
    """Tell whether Qt, left to guess, lays a text out in another way than as it stands."""
    guessed, plain = QLabel(text), QLabel()
    plain.setTextFormat(Qt.TextFormat.PlainText)
    plain.setText(text)
    return guessed.sizeHint() != plain.sizeHint()


def read(label: QLabel) -> str:
    """Return what a label shows."""
    rich = label.textFormat() == Qt.TextFormat.RichText
    if label.textFormat() == Qt.TextFormat.AutoText:
        rich = is_markup(label.text())
    if not rich:
        return label.text()
    document = QTextDocument()
    document.setHtml(label.text())
    return document.toPlainText()


def indexes(model: QAbstractItemModel, parent: QModelIndex | None = None) -> Iterator[QModelIndex]:
    above = parent or QModelIndex()
    columns = 1 if isinstance(model, QAbstractListModel) else model.columnCount(above)
    for row in range(min(50, model.rowCount(above))):
        yield from (model.index(row, column, above) for column in range(columns))
        if not isinstance(model, QAbstractListModel | QAbstractTableModel):
            yield from indexes(model, model.index(row, 0, above))


def tips_of(widget: QWidget) -> Iterator[str]:
    yield widget.toolTip()
    model = QAbstractItemView.model(widget) if isinstance(widget, QAbstractItemView) else None  # ours hide the name
    if model is not None:
        for index in indexes(model):
            yield str(index.data(Qt.ItemDataRole.ToolTipRole) or "")


def assert_nothing_is_markup(top: QWidget) -> int:
    """Walk every widget; return how many texts with our mark were seen."""
    seen = 0
    for widget in [top, *top.findChildren(QWidget)]:
        if isinstance(widget, QLabel) and MARK in widget.text():
            seen += 1
            guessed = widget.textFormat() == Qt.TextFormat.AutoText
            assert not (guessed and is_markup(widget.text())), widget.text()
            for whole in (IMAGE, CLASS, NOTE):
                if MARK in read(widget) and whole.replace("&", "&amp;").replace("<", "&lt;") in widget.text():
                    assert whole in read(widget)
        for tip in tips_of(widget):
            seen += MARK in tip
            assert MARK not in tip or not is_markup(tip), tip
        if isinstance(widget, QAbstractButton) and MARK in widget.text():
            seen += 1
            assert isinstance(widget, PlainButton) or "&" not in widget.text().replace("&&", ""), widget.text()
            assert widget.shortcut().isEmpty()
    return seen


def test_every_widget_shows_foreign_text_as_text_and_no_name_widens_the_panel(docked, qtbot):
    for page in range(docked.tabs.count()):
        docked.tabs.setCurrentIndex(page)
        qtbot.wait(20)
        qtbot.waitUntil(lambda: not docked.session.jobs.all, timeout=20000)
        least = docked.tabs.widget(page).widget().minimumSizeHint()
        assert least.width() <= WIDE, docked.tabs.tabText(page)
    docked.session.signals.failed.emit(f"<b>{MARK}</b> went wrong")
    docked.tabs.review.classes.chips.open_popup()
    assert assert_nothing_is_markup(docked) > 12
    assert docked.header.name.text() == IMAGE
    assert read(docked.header.status) == f"<b>{MARK}</b> went wrong"
    chips = [chip.text() for chip in docked.tabs.review.classes.chips.findChildren(PlainButton)]
    assert f"{CLASS}  ×" in chips
    assert assert_nothing_is_markup(docked.window()) > 12, "napari's own widgets, with our layers' names"
    docked.tabs.review.classes.chips.popup.hide()


def test_a_notification_shows_an_error_as_text(qtbot):
    shown = NapariQtNotification(as_text(f"<b>{MARK}</b> &lt; <img src=x>"), severity="warning")
    qtbot.addWidget(shown)
    assert not is_markup(shown.message.text())
    assert shown.message.text().replace(JOINER, "") == f"<b>{MARK}</b> &lt; <img src=x>"


def test_a_question_shows_its_reason_as_text(qtbot, monkeypatch):
    asked = []
    monkeypatch.setattr(QMessageBox, "exec", lambda box: asked.append(box) or QMessageBox.StandardButton.Cancel)
    parent = QWidget()
    qtbot.addWidget(parent)
    assert not closing.ask_about_unsaved(parent, f"<b>{MARK}</b>")
    assert asked[0].textFormat() == Qt.TextFormat.PlainText
    assert f"<b>{MARK}</b>" in asked[0].text()


@pytest.mark.parametrize("text", ["<b>x</b>", "a < b", "&lt;", "<!-- x", "<?xml", "R&D", "x<y.jpg", "<br>new", "< b >"])
def test_defused_text_is_no_markup_and_reads_the_same(text):
    assert not is_markup(as_text(text))
    assert as_text(text).replace(JOINER, "") == text
    assert without_keys("R&D") == "R&&D"


def test_a_button_shows_all_of_a_short_text_and_makes_no_key(qtbot):
    made, long = PlainButton("R&D"), PlainButton(LONG * 4)
    for one in (made, long):
        qtbot.addWidget(one)
    assert made.text() == "R&D"
    assert made.shortcut().isEmpty()
    bare = made.sizeHint().width()
    made.setText("RD")
    assert bare == made.sizeHint().width() + made.fontMetrics().horizontalAdvance("&"), "all of it has room"
    assert long.sizeHint().width() <= 260
    assert long.minimumSizeHint().width() < 100
    long.resize(80, 30)
    assert not long.grab().isNull()
