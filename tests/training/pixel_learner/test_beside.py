"""The learner that stays: it finds what changed by itself, and its states are models like any other."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from napari_wsss.core.errors import LabelError
from napari_wsss.core.progress import finish
from napari_wsss.networks.trunk import Trunk
from napari_wsss.pipeline import applied_model
from napari_wsss.pipeline.apply import apply, model_name
from napari_wsss.pipeline.learner.chains import learner_chain
from napari_wsss.pipeline.learner_states import KEPT_STATES, METHOD, LearnerState, Lesson, drop_old, plan_with, states
from napari_wsss.pipeline.lineage import file_digest
from napari_wsss.pipeline.run import base_maps, localize, propose
from napari_wsss.project.project import Project
from napari_wsss.project.scribble_files import write_scribbles
from napari_wsss.segment.base import Segmenter
from training.config import RunConfig
from training.execute import begin
from training.pixel_learner import beside, enlargement, measured_enlargement
from training.recipes.pixel_classifier import train

SHORT = {"iterations": 9, "batch_size": 64, "epochs": 1}


@pytest.fixture
def config(tiny_config: Callable[..., RunConfig]) -> RunConfig:
    return tiny_config("segmentation", method=METHOD, optimisation=SHORT)


@pytest.fixture
def opened(applied_folder: Path) -> Iterator[Project]:
    """Return the project as a window has it: open to be written, while the learner reads it."""
    with Project.open(applied_folder) as project:
        yield project
    while beside._open:
        beside._open.pop().close()


def lesson(config: RunConfig, *wanted: str, thorough: bool = False) -> Lesson:
    return Lesson(config.to_dict(), wanted, thorough, folds=2)


def counted(project: Project, config: RunConfig) -> tuple[int, int]:
    state = finish(beside.learn(project.folder, lesson(config)))
    assert state is not None
    return state.whole, state.parts


def accept_one(project: Project) -> str:
    image_id = next(i for i in project.catalog.ids(split="train") if project.catalog.state(i) == "todo")
    k = project.classes.indices(project.catalog.get(image_id).labels)[0]
    mask = np.full(project.load_image(image_id).pixels.shape[:2], k + 1, np.uint8)
    mask[:4] = 0
    project.review.accept(image_id, mask)
    return image_id


def test_a_thorough_state_is_what_the_recipe_learns(opened: Project, config: RunConfig) -> None:
    state = finish(beside.learn(opened.folder, lesson(config)))
    assert state is not None
    run = begin(opened, config)
    finish(train(opened, config, run))
    ours, _, _ = Segmenter.restore(state.checkpoint)
    theirs, _, _ = Segmenter.restore(run.path / "last.safetensors")
    for name, value in theirs.head.state_dict().items():
        np.testing.assert_array_equal(value, ours.head.state_dict()[name])
    assert (state.whole, state.parts) == (2, 0)
    assert state.agreement is not None
    assert state.compared == 2
    assert LearnerState.of(state.checkpoint) == state


def test_one_image_compares_nothing_so_maps_count_as_much_as_the_learner(opened: Project, config: RunConfig) -> None:
    opened.review.decide(next(iter(opened.catalog.ids(states=("accepted",), split="train"))), "excluded")
    state = finish(beside.learn(opened.folder, lesson(config)))
    assert state is not None
    assert (state.whole, state.agreement, state.map_share) == (1, None, 0.5)


def test_it_finds_what_changed_and_the_trunk_never_runs_again(
    opened: Project, config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish(beside.learn(opened.folder, lesson(config)))
    finish(beside._open[0]._learner.prepare(opened.catalog.ids()))
    assert finish(beside.learn(opened.folder, lesson(config))) is None
    accept_one(opened)

    def forbidden(*_: object) -> None:
        raise AssertionError("the trunk ran")

    monkeypatch.setattr(Trunk, "features", forbidden)
    state = finish(beside.learn(opened.folder, lesson(config)))
    assert state is not None
    assert state.whole == 3


def test_scribbles_strokes_and_exclusions_are_found(opened: Project, config: RunConfig) -> None:
    finish(beside.learn(opened.folder, lesson(config)))
    todo = [i for i in opened.catalog.ids(split="train") if opened.catalog.state(i) == "todo"]
    scribbles = np.zeros(opened.load_image(todo[0]).pixels.shape[:2], np.uint8)
    scribbles[2:5, 2:5] = opened.classes.indices(opened.catalog.get(todo[0]).labels)[0] + 1
    write_scribbles(opened, todo[0], scribbles)
    assert counted(opened, config) == (2, 1)
    opened.review.record_stroke(todo[1], np.arange(200), np.zeros(200, np.uint8))
    assert counted(opened, config) == (2, 2)
    write_scribbles(opened, todo[0], np.zeros_like(scribbles))
    assert counted(opened, config) == (2, 1)
    opened.review.decide(next(iter(opened.catalog.ids(states=("accepted",), split="train"))), "excluded")
    assert counted(opened, config) == (1, 1)


def test_merged_classes_are_learned_anew(opened: Project, config: RunConfig) -> None:
    """No mask's file changes with them, so what is kept of masks would not show it."""
    finish(beside.learn(opened.folder, lesson(config)))
    gone, other = opened.classes.names[:2]
    opened.class_changes.merge(gone, other)
    state = finish(beside.learn(opened.folder, lesson(config)))
    assert state is not None, "there is something to learn"
    learner = beside._open[0]._learner
    assert gone not in learner._project.classes.current
    assert not Segmenter.restore(opened.folder / state.checkpoint, "cpu")[0].was_shown(0)


def test_wanted_proposals_are_there_before_the_state_is_in_use(opened: Project, config: RunConfig) -> None:
    wanted = next(iter(opened.catalog.ids(split="train")))
    state = finish(beside.learn(opened.folder, lesson(config, wanted)))
    assert state is not None
    assert not opened.plan.segmenter_checkpoint
    chain = plan_with(opened, state.checkpoint).refiners
    assert chain == learner_chain()
    apply(opened, "segment", METHOD, state.checkpoint, chain)
    report = finish(propose(opened, [wanted]))
    assert report.reused == (wanted,)
    assert model_name(opened.plan.segmenter_checkpoint) == "learner 0001"


def test_the_state_is_proposed_from_as_it_is_in_memory_and_as_its_file_says(
    opened: Project, config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = next(iter(opened.catalog.ids(split="train")))
    read: list[Path] = []
    restore = Segmenter.restore.__func__  # type: ignore[attr-defined]
    monkeypatch.setattr(
        Segmenter,
        "restore",
        classmethod(lambda cls, path, *rest, **more: read.append(path) or restore(cls, path, *rest, **more)),
    )
    state = finish(beside.learn(opened.folder, lesson(config, wanted)))
    assert state is not None
    assert read == []
    apply(opened, "segment", METHOD, state.checkpoint, learner_chain())
    ours = base_maps(opened, wanted)
    assert ours is not None
    monkeypatch.setattr(applied_model, "_AT_HAND", {})
    applied_model._load.cache_clear()
    opened.store.forget(file_digest(state.checkpoint))
    finish(propose(opened, [wanted]))
    theirs = base_maps(opened, wanted)
    assert read == [state.checkpoint]
    assert theirs is not None
    np.testing.assert_array_equal(ours.scores, theirs.scores)


def test_a_lesson_that_is_stopped_is_made_up_for(opened: Project, config: RunConfig) -> None:
    finish(beside.learn(opened.folder, lesson(config)))
    accept_one(opened)
    steps = beside.learn(opened.folder, lesson(config))
    while next(steps).stage != "learn":
        pass
    steps.close()
    state = finish(beside.learn(opened.folder, lesson(config)))
    assert state is not None
    assert state.whole == 3


def test_nothing_said_is_an_error_and_leaves_no_state(tmp_path: Path, project_folder: Path, config: RunConfig) -> None:
    with Project.open(project_folder) as project:
        for image_id in project.catalog.ids(states=("accepted",)):
            project.review.decide(image_id, "excluded")
        with pytest.raises(LabelError, match="Nobody has said anything"):
            finish(beside.learn(project.folder, lesson(config)))
        assert states(project) == []
    while beside._open:
        beside._open.pop().close()


def test_old_states_and_their_results_go_but_never_those_in_use(opened: Project, config: RunConfig) -> None:
    wanted = next(iter(opened.catalog.ids(split="train")))
    kept = []
    for _ in range(4):
        accept_one(opened)
        state = finish(beside.learn(opened.folder, lesson(config, wanted)))
        assert state is not None
        kept.append(state.checkpoint)
    dropping = beside._open[0]._dropping
    assert dropping is not None
    dropping.result()
    has = [bool(_results(opened, path, wanted)) for path in kept]
    assert has == [False, False, True, True]
    opened.set_plan(plan_with(opened, kept[0]))
    for number in range(5, KEPT_STATES + 3):
        kept[-1].with_name(f"{number:04d}.safetensors").write_bytes(kept[-1].read_bytes())
        drop_old(opened)
    assert len(states(opened)) == KEPT_STATES + 1
    assert kept[0] in states(opened)
    assert kept[1] not in states(opened)


def test_what_cannot_be_deleted_is_told_once(
    opened: Project, config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_: Project) -> None:
        raise PermissionError("no")

    with monkeypatch.context() as patched:
        patched.setattr(beside, "drop_old", refused)
        finish(beside.learn(opened.folder, lesson(config)))
        accept_one(opened)
        with pytest.raises(PermissionError):
            finish(beside.learn(opened.folder, lesson(config)))
    assert finish(beside.learn(opened.folder, lesson(config))) is not None


def _results(project: Project, checkpoint: Path, image_id: str) -> object:
    before = project.plan
    project.set_plan(plan_with(project, checkpoint))
    try:
        return base_maps(project, image_id) is not None
    finally:
        project.set_plan(before)


def test_maps_of_another_localizer_are_compared_anew(opened: Project, config: RunConfig) -> None:
    finish(beside.learn(opened.folder, lesson(config)))
    assert finish(beside.learn(opened.folder, lesson(config))) is None
    used = opened.folder / opened.plan.localizer_checkpoint
    other = used.with_name("other.safetensors")
    other.write_bytes(used.read_bytes())
    apply(opened, "localize", "cam", other)
    state = finish(beside.learn(opened.folder, lesson(config)))
    assert state is not None
    assert state.agreement is not None


def test_the_size_of_pictures_is_measured_once_nobody_waits_and_known_after_a_restart(
    opened: Project, config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measured_enlargement, "ENOUGH", 3)
    monkeypatch.setattr(enlargement, "SIDES", (128,))
    monkeypatch.setattr(enlargement.Sizes, "best", 2.0)  # the other size is taken, whatever it is worth
    accept_one(opened)
    first = finish(beside.learn(opened.folder, lesson(config)))
    assert first is not None
    assert first.enlargement == 0.0
    accept_one(opened)
    thorough = finish(beside.learn(opened.folder, lesson(config, thorough=True)))
    assert thorough is not None
    assert (thorough.enlargement, thorough.measured_by, thorough.whole) == (2.0, 4, 4)
    assert "128 pixels" in thorough.details
    assert Segmenter.restore(thorough.checkpoint)[0].enlargement == 2.0

    beside._open.pop().close()
    monkeypatch.setattr(beside, "measured_enlargement", None)  # would be called in vain
    accept_one(opened)
    again = finish(beside.learn(opened.folder, lesson(config)))
    assert again is not None
    assert (again.enlargement, again.measured_by, again.sizes) == (2.0, 4, thorough.sizes)


def test_labels_are_news_where_something_is_learned_from_the_image(opened: Project, config: RunConfig) -> None:
    finish(beside.learn(opened.folder, lesson(config)))
    learner = beside._open[0]._learner
    todo = next(i for i in opened.catalog.ids(split="train") if opened.catalog.state(i) == "todo")
    accepted = next(i for i in opened.catalog.ids(split="train") if opened.catalog.state(i) == "accepted")
    assert not learner.teaches(todo)
    opened.set_labels(todo, opened.classes.names)
    assert finish(beside.learn(opened.folder, lesson(config))) is None

    finish(localize(opened, [todo]))
    finish(beside.learn(opened.folder, lesson(config, thorough=True)))
    k = opened.classes.index(min(opened.catalog.get(accepted).labels))
    opened.set_labels(accepted, [name for name in opened.classes.names if name != opened.classes.names[k]])
    assert finish(beside.learn(opened.folder, lesson(config))) is not None
    assert not learner._gathering.cells().allowed.all()
    assert not learner._gathering._kept[accepted][0].allowed[:, k + 1].any()


def test_a_cluster_said_to_be_another_class_unteaches_what_its_maps_said(opened: Project, config: RunConfig) -> None:
    ids = [i for i in opened.catalog.ids(split="train") if opened.catalog.state(i) == "todo"]
    finish(localize(opened, ids))
    finish(beside.learn(opened.folder, lesson(config)))
    learner = beside._open[0]._learner
    weak = next(i for i in ids if learner.teaches(i))
    opened.set_labels(weak, [name for name in opened.classes.names if name not in opened.catalog.get(weak).labels])
    assert finish(beside.learn(opened.folder, lesson(config))) is not None
    assert not learner.teaches(weak)
