"""The next step, from no project to the export."""

import json

import pytest

from napari_wsss.core.progress import Progress
from napari_wsss.session.next_step import (
    CREATE,
    LABEL,
    LOOKING,
    NEW,
    PROPOSING,
    READ_ONLY,
    TRAINING,
    UNPROPOSED,
    WEIGHTS,
)
from napari_wsss.session.proposals.inference import Inference
from napari_wsss.session.results.machine import Machine
from napari_wsss.session.runs import trunk_weights
from napari_wsss.session.runs.process import TrainingProcess
from napari_wsss.session.session import Session


@pytest.fixture
def session(project_folder, tmp_path):
    made = Session(config_folder=tmp_path / "config")
    made.open_project(project_folder)
    yield made
    made.close_project(discard_unsaved=True)


def finished_run(project, name, started, state="done", stage="classifier"):
    folder = project.training_folder / name
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(
        json.dumps({"recipe": stage, "state": state, "started": started, "config": {"method": "colours"}})
    )
    (folder / "best.safetensors").write_bytes(b"weights")
    return folder


def test_without_a_project_one_is_begun(session):
    session.close_project()
    assert session.next_steps.step == NEW


def test_what_is_ready_is_created(session):
    told = []
    session.close_project()
    session.next_steps.changed.connect(lambda: told.append(session.next_steps.step))
    for ready in (True, True, False):
        session.next_steps.prepare(ready)
    assert told == [CREATE, NEW]
    assert (CREATE.verb, CREATE.caption) == ("create", "Create")


def test_read_only_there_is_nothing_to_do(session, project_folder):
    session.close_project()
    session.open_project(project_folder, read_only=True)
    assert session.next_steps.step == READ_ONLY


def test_labelled_images_are_trained_on_and_unlabelled_ones_labelled(session):
    step = session.next_steps.step
    assert (step.verb, "min" in step.text) == ("train", True)
    for image_id in session.project.catalog.ids():
        session.project.set_labels(image_id, [])
    assert session.next_steps.step == LABEL


def test_missing_weights_are_what_is_next_until_a_way_on_is_chosen(sitting, monkeypatch):
    def find_missing(trunk, source):
        yield Progress("weights", 0, 1)
        return "no network."

    monkeypatch.setattr(trunk_weights, "find_missing_weights", find_missing)
    session, told = sitting.session, []
    session.next_steps.changed.connect(lambda: told.append(session.next_steps.step))
    session.trunk_weights.when_there({}, lambda: None)
    sitting.settle()
    assert told == [LOOKING, WEIGHTS]
    session.trunk_weights.choose("own.pth")
    assert told[-1].verb == "train"


def test_a_running_training_is_waited_for(session, monkeypatch):
    monkeypatch.setattr(TrainingProcess, "running", property(lambda self: True))
    assert session.next_steps.step == TRAINING


def test_what_has_a_proposal_is_looked_at_while_a_training_runs(computed, monkeypatch):
    monkeypatch.setattr(TrainingProcess, "running", property(lambda self: True))
    step = computed.session.next_steps.step
    assert (step.verb, step.caption) == ("review", "Next")
    assert step.text.startswith("The training runs; meanwhile 6 images wait")


def test_a_proposal_in_the_making_is_waited_for_and_not_painted(computed, monkeypatch):
    session = computed.session
    told: list[object] = []
    session.next_steps.changed.connect(lambda: told.append(session.next_steps.step))
    session.inference.show(Machine(maps=session.table.maps))
    assert session.next_steps.step == UNPROPOSED
    with monkeypatch.context() as patched:
        patched.setattr(Inference, "is_working", property(lambda self: True))
        assert session.next_steps.step == PROPOSING
    session.inference.idle()
    assert told[-1] == UNPROPOSED


def test_a_finished_run_waits_to_be_applied_until_a_later_model_is(session):
    run = finished_run(session.project, "classifier-0001", 10.0)
    finished_run(session.project, "classifier-0002", 20.0, state="stopped")
    session.training.ended.emit(0, run, "")
    step = session.next_steps.step
    assert (step.verb, step.run.folder) == ("apply", run)
    assert session.models.apply(step.run)
    assert session.next_steps.step.verb != "apply"
    later = finished_run(session.project, "classifier-0003", 30.0)
    session.training.ended.emit(0, later, "")
    assert session.next_steps.step.run.folder == later


def test_accepting_nothing_says_what_is_waited_for(session):
    said = []
    session.signals.notice.connect(said.append)
    assert not session.decisions.accept()
    assert said[-1] == f"Nothing to accept yet. {session.next_steps.step.text}"
    assert session.next_steps.waited_for == session.next_steps.step.text
    for image_id in session.project.catalog.ids():
        session.project.set_labels(image_id, [])
    assert not session.decisions.accept()
    assert said[-1].endswith(LABEL.text)
