"""The grid marks by click and letter, accepts by Enter, and gives the canvas back."""

import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QWidget

from napari_wsss.session.gallery.pictures import Wish
from napari_wsss.widgets.review.grid_view import LACKS, MARKS, GridView
from tests.tiny_project import set_scores


@pytest.fixture
def canvas(qtbot):
    made = QWidget()
    made.resize(640, 480)
    qtbot.addWidget(made)
    made.show()
    return made


@pytest.fixture
def view(session, canvas):
    set_scores(session.project.catalog, {f"p{k}.png": k / 10 for k in range(6)})
    made = GridView(session, canvas)
    yield made
    made.end()


def press(view, key):
    QTest.keyClick(view, key)


def test_every_picture_of_the_largest_page_but_one_has_a_key():
    assert len(MARKS) == len(set(MARKS)) == 35


def test_letters_mark_and_enter_accepts_the_rest(view, session, settle):
    view.toggle()
    assert view.isVisible()
    press(view, Qt.Key.Key_2)
    assert session.grid.marked == {"p1.png"}
    assert "Enter accepts 5" in view.text.text()
    press(view, Qt.Key.Key_Return)
    settle(session)
    counts = session.project.catalog.counts()
    assert (counts["accepted"], counts["todo"]) == (5, 1)


def test_what_a_proposal_lacks_is_drawn_and_said_when_its_picture_arrives(view, session, settle):
    view.toggle()
    settle(session)
    session.gallery.pictures._made(Wish("p0.png", "", 64), session.gallery.pictures._age, None, ("red",))
    assert view.text.text().endswith("Enter accepts 6, 1 without a labelled class")
    image = view.pages.grab().toImage()
    seen = {image.pixelColor(x, y).name() for x in range(image.width() // 4) for y in range(image.height() // 4)}
    assert LACKS.name() in seen


def test_missing_proposals_are_offered_to_be_made(view, session, settle):
    session.project.catalog.set_score("p3.png", None)
    view.toggle()
    assert view.compute.isVisible()
    assert view.compute.text() == "Compute 1"
    view.compute.click()
    settle(session)
    assert not view.compute.isVisible()
    assert session.grid.page[-1] == "p3.png"


def test_a_click_marks_and_a_double_click_opens(view, session, canvas, qtbot):
    opened = []
    view.opened.connect(opened.append)
    view.toggle()
    qtbot.waitUntil(lambda: view.pages._picture("p0.png") is not None, timeout=20000)
    view.pages.grab()  # draws every cell
    middle = view.pages.box(0).center()
    assert view.pages.image_at(middle) == "p0.png"
    assert view.pages.image_at(QPointF(1, 1)) == ""
    QTest.mouseClick(view.pages, Qt.MouseButton.LeftButton, pos=QPoint(round(middle.x()), round(middle.y())))
    assert session.grid.marked == {"p0.png"}
    QTest.mouseDClick(view.pages, Qt.MouseButton.LeftButton, pos=QPoint(round(middle.x()), round(middle.y())))
    assert opened == ["p0.png"]
    assert not view.isVisible()


def test_a_picture_that_arrives_draws_its_own_cell(view, session, monkeypatch):
    """A page of 36 would else be drawn 36 times over while its pictures come."""
    view.toggle()
    asked, drawn = [], []
    monkeypatch.setattr(view.pages, "update", lambda *given: asked.append(given))
    monkeypatch.setattr(view.pages, "_draw", lambda _painter, place, _image_id: drawn.append(place))
    view.pages._on_picture(Wish("p1.png", "", 64))
    view.pages.grab(*asked[-1])
    assert drawn == [1]


def test_how_sure_a_page_is_is_asked_once(view, session, monkeypatch):
    view.toggle()
    sure = session.grid.confidence("p1.png")
    with monkeypatch.context() as alone:
        alone.setattr(session.grid, "_opened", None)  # nobody is left to ask
        assert session.grid.confidence("p1.png") == sure


def test_it_takes_the_size_of_the_canvas_and_escape_leaves(view, canvas):
    view.toggle()
    canvas.resize(900, 700)
    assert view.size() == canvas.size()
    press(view, Qt.Key.Key_Plus)
    press(view, Qt.Key.Key_Escape)
    assert not view.isVisible()


def test_what_the_mouse_rests_on_is_shown_large(view, session, qtbot):
    view.toggle()
    middle = view.pages.box(1).center()
    view.pages._enlarge.setInterval(1)
    QTest.mouseMove(view.pages, QPoint(round(middle.x()), round(middle.y())))
    qtbot.waitUntil(lambda: view.pages._large == "p1.png", timeout=20000)
    view.pages.grab()
    view.pages.leaveEvent(None)
    assert view.pages._large == ""
