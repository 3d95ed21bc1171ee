"""Signals reach widgets that live, and only those: whichever way a widget ends, its session goes on undisturbed."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator

import pytest
from psygnal import EmitLoopError, Signal
from qtpy.QtCore import QCoreApplication, QEvent, QObject
from qtpy.QtWidgets import QWidget

from napari_wsss.core.progress import Progress
from napari_wsss.session.jobs import Job, Jobs
from napari_wsss.widgets.clusters.page import ClustersPage
from napari_wsss.widgets.controls.basic import single_shot
from napari_wsss.widgets.controls.listening import let_go, listen
from napari_wsss.widgets.correct.page import CorrectPage
from napari_wsss.widgets.header import Header
from napari_wsss.widgets.hint_line import HintLine
from napari_wsss.widgets.job_bar import JobBar
from napari_wsss.widgets.keys.actions import Actions
from napari_wsss.widgets.layers.viewer_sync import ViewerSync
from napari_wsss.widgets.project.page import ProjectPage
from napari_wsss.widgets.refine.page import RefinePage
from napari_wsss.widgets.review.filmstrip import Filmstrip
from napari_wsss.widgets.review.page import ReviewPage
from napari_wsss.widgets.review.queue_model import QueueModel
from napari_wsss.widgets.review.queue_panel import QueuePanel
from napari_wsss.widgets.statistics_page import StatisticsPage
from napari_wsss.widgets.train.page import TrainPage


class Teller:
    """Stands for a session."""

    said = Signal(str)
    over = Signal()


class Ear(QWidget):
    """Notes what it hears; touches Qt for it, as every widget does."""

    def __init__(self, teller: Teller, parent: QWidget | None = None, through: str = "method") -> None:
        super().__init__(parent)
        self.heard: list[str] = []
        slots = {"method": self.note, "function": lambda text: self.note(text)}
        if through == "nothing":
            teller.said.connect(self.note)
        else:
            listen(self, (teller.said, slots[through]))

    def note(self, text: str) -> None:
        self.setToolTip(text)
        self.heard.append(text)


def delete(widget: QObject) -> None:
    widget.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def test_without_it_a_deleted_widget_fails_the_session(qapp):
    """If this ever passes, psygnal or Qt does the work and `listen` may go."""
    teller = Teller()
    ear = Ear(teller, through="nothing")
    delete(ear)
    with pytest.raises(EmitLoopError):
        teller.said.emit("late")


@pytest.mark.parametrize("through", ["method", "function"])
@pytest.mark.parametrize("way", ["itself", "with its parent", "let go"])
def test_an_ended_widget_is_not_called(qapp, way, through):
    teller, parent = Teller(), QWidget()
    ear = Ear(teller, parent, through)
    teller.said.emit("early")
    {"itself": lambda: delete(ear), "with its parent": lambda: delete(parent), "let go": lambda: let_go(parent)}[way]()
    teller.said.emit("late")
    assert (ear.heard, len(teller.said)) == (["early"], 0)


@pytest.mark.parametrize("through", ["method", "function"])
def test_nothing_is_left_of_widgets_that_python_forgets(qapp, through):
    teller = Teller()
    parents = [QWidget() for _ in range(20)]
    for parent in parents:
        Ear(teller, parent, through)
    assert len(teller.said) == 20
    for parent in parents:
        delete(parent)
    assert len(teller.said) == 0
    left = weakref.ref(Ear(teller))
    gc.collect()
    assert (left(), len(teller.said)) == (None, 0)


def test_signals_and_widgets_may_end_in_one_cycle(qapp):
    """The garbage collector takes such a cycle apart in any order; a slot of ours that ran then would crash."""
    ends = []
    for through in ("method", "function") * 20:
        teller = Teller()
        teller.ear = Ear(teller, through=through)
        teller.ear.teller = teller
        ends.append(weakref.ref(teller))
    del teller
    gc.collect()
    assert [end() for end in ends] == [None] * len(ends)


def test_what_comes_and_goes_does_not_pile_up(qapp):
    owner, told, results = QWidget(), Teller(), []
    for number in range(50):
        teller = Teller()
        listen(owner, (teller.said, results.append), (told.said, results.append), until=teller.over)
        teller.said.emit(f"{number}")
        teller.over.emit()
        assert (len(teller.said), len(told.said)) == (0, 0)
    assert len(results) == 50
    listen(owner, (told.said, results.append))
    told.said.emit("still there")
    assert results[-1] == "still there"


def test_let_go_reaches_all_inside_and_stops_their_timers(qapp, qtbot):
    teller, outer, rung = Teller(), QWidget(), []
    inner = QWidget(outer)
    ears = [Ear(teller, outer), Ear(teller, inner)]
    timer = single_shot(inner, 1, lambda: rung.append(1))
    timer.start()
    let_go(outer)
    let_go(outer)
    teller.said.emit("late")
    qtbot.wait(20)
    assert [ear.heard for ear in ears] == [[], []]
    assert (rung, timer.isActive()) == ([], False)


def test_a_job_whose_widget_is_gone_ends_all_the_same(qapp, relay, qtbot):
    jobs, go_on = Jobs(relay), threading.Event()
    ear = QWidget()
    ear.heard = []

    def wait_then_answer() -> Iterator[Progress]:
        yield Progress("waiting", 0, 1)
        go_on.wait(20)
        return "answer"

    job = Job("slow", wait_then_answer)
    slot = ear.heard.append
    listen(
        ear, (job.succeeded, lambda text: (ear.setToolTip(text), slot(text))), (job.progressed, slot), until=job.ended
    )
    jobs.submit(job)
    qtbot.waitUntil(lambda: bool(ear.heard), timeout=20000)
    delete(ear)
    heard_before = len(ear.heard)
    go_on.set()
    qtbot.waitUntil(lambda: not jobs.all, timeout=20000)
    assert (job.state, len(ear.heard)) == ("done", heard_before)
    assert (len(job.succeeded), len(job.progressed)) == (0, 0)


# -- every part of the panel ------------------------------------------------------------------------------------


def strip(session, actions) -> Filmstrip:
    model = QueueModel(session)
    made = Filmstrip(session, model, actions)
    model.setParent(made)
    return made


PARTS = {
    "header": lambda session, sync, actions: Header(session, actions),
    "hint": lambda session, sync, actions: HintLine(session.hint, lambda: None),
    "jobs": lambda session, sync, actions: JobBar(session.jobs, session.training),
    "project": lambda session, sync, actions: ProjectPage(session),
    "review": lambda session, sync, actions: ReviewPage(session, sync, actions),
    "queue": lambda session, sync, actions: QueuePanel(session, actions),
    "strip": lambda session, sync, actions: strip(session, actions),
    "refine": lambda session, sync, actions: RefinePage(session, actions),
    "correct": lambda session, sync, actions: CorrectPage(session, sync, actions),
    "clusters": lambda session, sync, actions: ClustersPage(session, sync, actions),
    "train": lambda session, sync, actions: TrainPage(session),
    "statistics": lambda session, sync, actions: StatisticsPage(session),
    "actions": lambda session, sync, actions: Actions(session, sync),
    "layers": lambda session, sync, actions: ViewerSync(sync.viewer, session),
}


def listeners(part: object, seen: set[int] | None = None) -> int:
    """Return how many slots the signals of a session have, those of its parts and their parts included."""
    seen = set() if seen is None else seen
    if id(part) in seen or not type(part).__module__.startswith("napari_wsss.session"):
        return 0
    seen.add(id(part))
    signals = [name for name in dir(type(part)) if isinstance(getattr(type(part), name), Signal)]
    below = list(vars(part).values()) if hasattr(part, "__dict__") else []
    return sum(len(getattr(part, name)) for name in signals) + sum(listeners(one, seen) for one in below)


@pytest.mark.parametrize("name", PARTS)
def test_a_part_of_the_panel_leaves_the_session_as_it_was(name, session, sync, actions, settle):
    before = listeners(session)
    made = PARTS[name](session, sync, actions)
    if isinstance(made, QWidget):
        made.show()
    settle(session)
    assert listeners(session) > before > 0
    delete(made)
    assert listeners(session) == before
    session.navigation.next()
    settle(session)
    assert session.table.image_id == "p1.png"
