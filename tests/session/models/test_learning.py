"""Learning at once: a process that stays, whose states are applied as they come; untouched images only."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_wsss.pipeline.apply import apply
from napari_wsss.processes.apart import Apart
from napari_wsss.session.models import learning as module
from napari_wsss.session.models.learning import enlargement_of_run, trunk_of_localizer
from tests.session.conftest import Sitting
from tests.session.models.fake_learner import SCRIPT


@pytest.fixture
def learning(computed: Sitting, monkeypatch: pytest.MonkeyPatch) -> Sitting:
    """Return a session whose learner is small, and who learns by itself, when told to, from one mask on."""
    monkeypatch.setattr(module, "METHOD", "shares")
    monkeypatch.setattr(module, "PAUSE", 0.05)
    monkeypatch.setattr(module, "REST", 0.1)
    monkeypatch.setattr(module, "ENOUGH", 1)
    monkeypatch.setattr(computed.session.learning, "_apart", Apart("tests.session.models.fake_learner:learn", 5.0))
    project = computed.session.project
    assert project is not None
    network = {"trunk": "mobilenet_v2", "trunk_weights": "own.safetensors", "width": 1.0}
    record = {"recipe": "classifier", "config": {"network": network}}
    (project.folder / project.plan.localizer_checkpoint).with_name("run.json").write_text(json.dumps(record))
    computed.session.learning._on_project()
    return computed


def script(sitting: Sitting, **orders: Any) -> None:
    (sitting.session.table.project.folder / SCRIPT).write_text(json.dumps(orders))


def taught(sitting: Sitting) -> list[Any]:
    path = sitting.session.table.project.folder / "taught.json"
    return json.loads(path.read_text()) if path.exists() else []


def is_quiet(sitting: Sitting) -> bool:
    return sitting.session.jobs.find(module.KEY) is None


def learn(sitting: Sitting) -> None:
    assert sitting.session.learning.learn(), sitting.failures
    assert sitting.session.learning.running
    assert sitting.mailbox.drain_until(lambda: is_quiet(sitting), 60)
    sitting.settle()


def learn_by_itself(sitting: Sitting) -> None:
    """Wait for a quick lesson that begins by itself, and for the thorough one after it."""
    before = len(taught(sitting))
    assert sitting.mailbox.drain_until(lambda: len(taught(sitting)) >= before + 2 and is_quiet(sitting), 60)


def test_what_was_learned_is_applied_and_said(learning: Sitting) -> None:
    session = learning.session
    accepted = session.table.image_id
    session.decisions.accept()
    before = session.project.masks.accepted_path(accepted).read_bytes()
    painted = learning.paint(2)
    learn(learning)
    assert session.table.plan.segmenter_checkpoint == "training/learner/0002.safetensors"
    assert session.learning.text == "learned from 2 masks · now · held-out 50 %"
    assert "Learned from 1 mask · now" in learning.notices
    np.testing.assert_array_equal(session.table.mask, painted)
    assert session.project.masks.accepted_path(accepted).read_bytes() == before
    assert learning.failures == []


def test_a_quick_lesson_comes_first_then_a_thorough_one_in_the_same_process(learning: Sitting) -> None:
    learn(learning)
    assert [thorough for _, thorough, _ in taught(learning)] == [False, True]


def test_the_shown_image_is_wanted_first_then_those_after_it(learning: Sitting) -> None:
    session = learning.session
    session.navigation.go_to(session.navigation.queue.at(2))
    done: list[str] = []
    session.inference.finished.connect(done.extend)
    learn(learning)
    ids = list(session.navigation.queue.ids())
    assert taught(learning)[0][0] == [ids[2]]
    assert list(dict.fromkeys(done))[:2] == ids[2:4]
    assert taught(learning)[0][2]["network"]["trunk_weights"] == "own.safetensors"


def test_what_was_painted_is_on_disk_before_the_child_reads(learning: Sitting) -> None:
    session = learning.session
    learning.paint(1)
    assert session.learning.learn()
    assert session.project.masks.has_draft(session.table.image_id)


def test_the_shown_proposal_waits_until_it_is_asked_for(learning: Sitting) -> None:
    session = learning.session
    before = session.table.proposal.copy()
    learn(learning)
    np.testing.assert_array_equal(session.table.proposal, before)
    assert session.table.machine.plan.segmenter_checkpoint == ""
    assert session.learning.holds_back
    assert session.learning.show_or_learn()
    learning.settle()
    assert not session.learning.holds_back
    assert session.table.machine.plan.segmenter_checkpoint == session.table.plan.segmenter_checkpoint
    assert len(taught(learning)) == 2  # shown, not learned again


def test_another_image_shows_its_new_proposal(learning: Sitting) -> None:
    session = learning.session
    learn(learning)
    session.navigation.next()
    learning.settle()
    assert not session.learning.holds_back
    assert session.table.machine.plan.segmenter_checkpoint == session.table.plan.segmenter_checkpoint


def test_a_slider_is_tried_on_what_the_model_in_use_says(learning: Sitting) -> None:
    session = learning.session
    learn(learning)
    session.sliders.set_threshold(0.3)
    assert not session.learning.holds_back


def test_it_learns_by_itself_after_a_decision(learning: Sitting) -> None:
    session = learning.session
    session.learning.set_automatic(True)
    learning.settle()
    assert taught(learning) == []  # nothing was corrected yet
    session.decisions.accept()
    learn_by_itself(learning)
    assert [thorough for _, thorough, _ in taught(learning)][-1]
    session.navigation.next()
    script(learning, nothing=True)
    assert learning.mailbox.drain_until(lambda: is_quiet(learning), 60)
    assert session.learning.text.startswith("learned from")


def test_a_cluster_that_is_another_class_is_learned(learning: Sitting) -> None:
    session = learning.session
    session.decisions.accept()
    session.learning.set_automatic(True)
    learn_by_itself(learning)
    before = len(taught(learning))
    session.labels.remove("red", "p5.png")
    session.labels.follow("p5.png")  # what the gallery does after `not_this_class` and `another_class`
    assert learning.mailbox.drain_until(lambda: len(taught(learning)) > before, 60)


def test_decisions_during_a_lesson_are_learned_after_it(learning: Sitting) -> None:
    session = learning.session
    session.decisions.accept()
    script(learning, seconds=0.5)
    session.learning.set_automatic(True)
    assert learning.mailbox.drain_until(lambda: session.learning._lesson.is_under_way, 60)
    session.decisions.accept()
    session.decisions.accept()
    assert learning.mailbox.drain_until(lambda: len(taught(learning)) >= 3 and is_quiet(learning), 60)
    assert [thorough for _, thorough, _ in taught(learning)][-2:] == [False, True]


def test_a_thorough_lesson_makes_way_and_is_made_up_for(learning: Sitting) -> None:
    session = learning.session
    session.decisions.accept()
    session.learning.set_automatic(True)
    assert learning.mailbox.drain_until(lambda: len(taught(learning)) == 1, 60)
    script(learning, seconds=5)
    assert learning.mailbox.drain_until(lambda: session.learning._lesson.is_thorough, 60)
    assert learning.mailbox.drain_until(lambda: session.learning._lesson.is_under_way, 60)
    session.decisions.accept()
    script(learning)
    assert learning.mailbox.drain_until(lambda: len(taught(learning)) >= 3 and is_quiet(learning), 60)
    assert [thorough for _, thorough, _ in taught(learning)][-2:] == [False, True]


def test_who_chooses_another_model_is_left_alone(learning: Sitting) -> None:
    session = learning.session
    session.decisions.accept()
    session.learning.set_automatic(True)
    learn_by_itself(learning)
    assert session.models.go_back_to(session.models.history()[-1])
    assert not session.settings.learns_at_once
    assert session.learning.text == ""
    assert "You chose another model" in learning.notices[-1]
    assert session.table.plan.segmenter_checkpoint == ""


def test_another_localizer_is_learned_upon(learning: Sitting) -> None:
    session = learning.session
    session.decisions.accept()
    session.learning.set_automatic(True)
    learn_by_itself(learning)
    used = session.project.folder / session.table.plan.localizer_checkpoint
    other = shutil.copytree(used.parent, used.parent.with_name("classifier-other")) / used.name
    before = session.table.plan
    apply(session.project, "localize", "colours", other)
    session.sliders.follow_plan(before)
    assert session.table.plan.segmenter_checkpoint == ""
    learn_by_itself(learning)
    assert session.settings.learns_at_once
    assert session.table.plan.segmenter_checkpoint.startswith("training/learner/")


def test_nothing_is_learned_twice(learning: Sitting) -> None:
    script(learning, nothing=True)
    learn(learning)
    assert "nothing new to learn" in learning.notices[-1]
    assert learning.session.table.plan.segmenter_checkpoint == ""


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        ({"trunk": "resnet18", "trunk_weights": "own.pth", "width": 1.0, "dilated": True}, "resnet18 own.pth 1.0"),
        ({"trunk": "resnet18", "trunk_weights": "none", "width": 0.5}, ""),
        ({}, ""),
    ],
)
def test_the_learner_stands_on_the_localizers_trunk(
    learning: Sitting, network: dict[str, object], expected: str
) -> None:
    project = learning.session.table.project
    record = {"recipe": "classifier", "config": {"network": network}}
    (project.folder / project.plan.localizer_checkpoint).with_name("run.json").write_text(json.dumps(record))
    assert " ".join(map(str, trunk_of_localizer(project).values())) == expected


def test_the_learner_keeps_to_the_size_its_last_run_was_told(learning: Sitting) -> None:
    project = learning.session.table.project

    def ran(name: str, started: float, state: str, **parameters: object) -> None:
        folder = project.training_folder / name
        folder.mkdir(parents=True)
        config = {"method": module.METHOD, "parameters": parameters}
        record = {"recipe": "segmentation", "state": state, "started": started, "config": config}
        (folder / "run.json").write_text(json.dumps(record))

    assert enlargement_of_run(project) == 0.0
    ran("one", 1e9, "done", enlargement=3.2)
    ran("two", 2e9, "failed", enlargement=2.0)
    assert enlargement_of_run(project) == 3.2
    learning.session.learning._on_project()
    learn(learning)
    assert taught(learning)[0][2]["parameters"] == {"enlargement": 3.2}
    ran("three", 3e9, "done")
    assert enlargement_of_run(project) == 0.0
    ran("four", 4e9, "done", enlargement="much")
    assert enlargement_of_run(project) == 0.0


def test_a_learner_that_fails_says_why_and_changes_nothing(learning: Sitting) -> None:
    script(learning, error="Nobody has said anything.")
    before = learning.session.table.plan
    learn(learning)
    assert learning.failures[-1] == "Nothing was learned: Nobody has said anything."
    assert learning.session.table.plan == before
    assert learning.session.learning.text == ""


def test_too_little_is_no_failure_of_what_begins_by_itself(learning: Sitting) -> None:
    session = learning.session
    script(learning, error="Too little.")
    session.decisions.accept()
    session.learning.set_automatic(True)
    assert learning.mailbox.drain_until(lambda: is_quiet(learning), 60)
    assert learning.failures == []


def test_a_project_to_look_at_only_learns_nothing(model_folder: Path, sitting_on: Callable[..., Sitting]) -> None:
    looking = sitting_on(model_folder, read_only=True)
    assert not looking.session.learning.learn()
    assert "read-only" in looking.failures[-1]
    looking.session.learning.set_automatic(True)
    assert looking.session.jobs.find(module.KEY) is None


def test_the_network_of_a_project_closed_meanwhile_is_not_applied(learning: Sitting) -> None:
    session = learning.session
    script(learning, seconds=20)
    assert session.learning.learn()
    assert session.close_project()
    learning.mailbox.drain()
    assert session.table is None
    assert learning.failures == []


def test_what_was_learned_is_known_again_after_a_restart(learning: Sitting) -> None:
    session = learning.session
    learn(learning)
    session.learning.state.note()
    folder, text = session.project.folder, session.learning.text
    assert session.close_project()
    assert session.learning.text == ""
    session.open_project(folder)
    assert session.learning.text.split(" · ")[::2] == text.split(" · ")[::2]
    session.learning.state.checkpoint.with_suffix(".json").write_text("[]")
    assert session.close_project()
    session.open_project(folder)
    assert session.learning.text == ""
