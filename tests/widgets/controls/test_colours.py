"""What means something by its colour can be read in the dark and in the light theme, and follows a switch at once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from qtpy.QtGui import QColor, QImage, QPixmap
from qtpy.QtWidgets import QApplication, QLabel, QWidget

from napari_wsss.project.states import STATES
from napari_wsss.session.session import Session
from napari_wsss.widgets.controls.badge import LOOKS, StateBadge
from napari_wsss.widgets.controls.colours import MARK_CONTRAST, ThemedLabel, clear_pixmap, contrast, legible, quiet
from napari_wsss.widgets.dock import DOCK_NAME, WsssDock
from napari_wsss.widgets.header import SAVE_COLOURS
from napari_wsss.widgets.pages import PAGES
from napari_wsss.widgets.review.legend import Legend

DARK, LIGHT = QColor("#23242b"), QColor("#ebe7e6")
GROUNDS = [DARK, LIGHT, QColor("#424a54"), QColor("#c5c3c1"), QColor("#808080")]


def test_contrast_is_that_of_wcag() -> None:
    assert contrast(QColor("white"), QColor("black")) == pytest.approx(21)
    assert contrast(QColor("#777777"), QColor("white")) == pytest.approx(4.48, abs=0.01)
    assert contrast(DARK, DARK) == 1


@pytest.mark.parametrize("ground", GROUNDS, ids=QColor.name)
def test_colours_become_legible_and_keep_their_hue(ground) -> None:
    for name in [look.colour for look in LOOKS.values()] + list(SAVE_COLOURS.values()):
        found = legible(name, ground)
        assert contrast(found, ground) >= MARK_CONTRAST
        if QColor(name).hsvSaturation() > 100 and found.hsvSaturation() > 20:
            assert abs(found.hsvHue() - QColor(name).hsvHue()) <= 5
    assert legible("#1dd1a1", DARK).name() == "#1dd1a1", "what can be read stays as it is"
    text = QColor("black") if contrast(QColor("black"), ground) > 4.5 else QColor("white")
    assert 1 < contrast(quiet(text, ground), ground) <= contrast(text, ground)


def test_pictures_have_the_pixels_of_the_screen(qapp, monkeypatch) -> None:
    monkeypatch.setattr(type(qapp), "devicePixelRatio", lambda self: 2.0)
    made = clear_pixmap(16, 10)
    assert isinstance(made, QPixmap)
    assert (made.width(), made.height(), made.devicePixelRatio()) == (32, 20, 2.0)


def test_a_label_follows_its_surroundings(qtbot) -> None:
    around = QWidget()
    qtbot.addWidget(around)
    side, saved, plain = (ThemedLabel(text, around) for text in ("why", "saved", "name"))
    side.tint("")
    saved.tint(SAVE_COLOURS["saved"], bold=True)
    around.show()
    for ground, text in ((DARK, "#f0f1f2"), (LIGHT, "#1e1e21")):
        around.setStyleSheet(f"QWidget {{ background-color: {ground.name()}; color: {text}; }}")
        for label in (side, saved, plain):
            assert contrast(label.palette().windowText().color(), ground) >= MARK_CONTRAST
        assert saved.font().bold()


# -- the real window --------------------------------------------------------------------------------------


@pytest.fixture
def window(make_napari_viewer, model_folder, tmp_path, qtbot) -> Iterator[WsssDock]:
    viewer = make_napari_viewer(show=True)
    dock = WsssDock(viewer, Session(config_folder=tmp_path / "config"))
    viewer.window.add_dock_widget(dock, name=DOCK_NAME, area="right", add_vertical_stretch=False)
    dock.open_project(model_folder)
    dock.session.inference.start()
    qtbot.waitUntil(lambda: not dock.session.jobs.all, timeout=60000)
    dock.session.decisions.accept()
    dock.session.decisions.skip()
    yield dock
    dock.shut_down()


def pixels(widget: QWidget) -> np.ndarray:
    """Return what a widget looks like as (H, W, 3) uint8."""
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    bits = image.constBits()
    if hasattr(bits, "setsize"):  # PyQt's pointer, which is no buffer before it has a size
        bits.setsize(image.sizeInBytes())
    return np.frombuffer(bits, np.uint8).reshape(image.height(), image.width(), 4)[..., 2::-1].copy()


def strongest(picture: np.ndarray) -> float:
    """Return the largest contrast of any of the colours in a picture with its commonest."""
    colours, counts = np.unique(picture.reshape(-1, 3), axis=0, return_counts=True)
    ground = QColor(*map(int, colours[counts.argmax()]))
    return max(contrast(QColor(*map(int, colour)), ground) for colour in colours)


def check_labels(dock: WsssDock) -> None:
    for page in range(dock.tabs.count()):
        dock.tabs.setCurrentIndex(page)
        QApplication.processEvents()
        for label in dock.findChildren(QLabel):
            if label.isVisible() and label.text() and label.isEnabled():
                palette = label.palette()
                found = contrast(palette.windowText().color(), palette.window().color())
                if found < MARK_CONTRAST:  # a palette may lag behind the style sheet, by which a label is drawn
                    found = strongest(pixels(label))
                assert found >= MARK_CONTRAST, (PAGES[page], label.text(), found)


def check_drawn(dock: WsssDock) -> None:
    badge = StateBadge(dock.header)
    badge.resize(150, 20)
    for state in STATES:
        badge.show_state(state, " ")
        badge.show()
        assert strongest(pixels(badge)) >= MARK_CONTRAST, state
        badge.show_state(state, "a word")
        assert strongest(pixels(badge)[:, 24:]) >= MARK_CONTRAST
    badge.setParent(None)
    dock.tabs.setCurrentIndex(PAGES.index("Review"))
    QApplication.processEvents()
    for view in (dock.tabs.review.queue.view, dock.findChild(Legend)):
        for row in range(2):
            box = view.visualRect(view.model().index(row, 0)).adjusted(30, 0, 0, 0)
            drawn = pixels(view.viewport())[box.top() : box.bottom(), box.left() : box.right()]
            assert strongest(drawn) >= MARK_CONTRAST, (type(view).__name__, row)


@pytest.mark.gui
def test_both_themes_can_be_read_and_are_switched_while_open(window) -> None:
    for theme in ("dark", "light", "dark"):
        window.viewer.theme = theme
        QApplication.processEvents()
        assert (window.palette().window().color().lightness() < 128) == (theme == "dark")
        check_labels(window)
        if theme == "light":
            check_drawn(window)
