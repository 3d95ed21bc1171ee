"""Figures of the open project, read in the background."""

from __future__ import annotations

from pathlib import Path

from napari_wsss.session.runs.folders import RunInfo
from tests.session.conftest import Sitting, write_checkpoint


def test_figures_follow_decisions_and_models(computed: Sitting) -> None:
    session, told = computed.session, []
    statistics = session.statistics
    statistics.changed.connect(lambda: told.append(1))
    session.decisions.accept(and_next=True)
    session.decisions.accept(and_next=False)
    statistics.refresh()
    computed.settle()
    figures = statistics.figures
    assert told
    assert [one.image_id for one in figures.acceptances] == ["p0.png", "p1.png"]
    assert figures.states["accepted"] == 2
    assert (figures.labelled["red"], figures.accepted["red"]) == (6, 2)
    assert len(figures.since_model) == 2

    assert session.project is not None
    path = write_checkpoint(session.project.folder, 0.5, "training/classifier-new/best.safetensors")
    session.models.apply(RunInfo(path.parent, "classifier", "done", config={"method": "colours"}))
    computed.settle()
    statistics.refresh()
    computed.settle()
    assert statistics.figures.since_model == ()
    assert len(statistics.figures.acceptances) == 2
    session.decisions.undo()
    statistics.refresh()
    computed.settle()
    assert [one.image_id for one in statistics.figures.acceptances] == ["p0.png"]


def test_another_project_starts_anew(computed: Sitting, tmp_path: Path) -> None:
    session = computed.session
    session.decisions.accept()
    session.statistics.refresh()
    computed.settle()
    assert session.statistics.figures.acceptances
    session.close_project()
    assert session.statistics.figures.acceptances == ()
    session.statistics.refresh()  # without a project: nothing to read
    computed.settle()
