from __future__ import annotations

from dataclasses import replace

import pytest

from napari_wsss.core.errors import StepError
from napari_wsss.core.plan import Step
from napari_wsss.pipeline.apply import (
    apply,
    apply_earlier,
    base_name,
    last_move,
    model_changes,
    model_name,
    rival_of,
    with_applied,
    with_models_of,
)
from napari_wsss.project.project import Project


def use(project: Project, **changes: object) -> None:
    project.set_plan(replace(project.plan, **changes))


def test_changes_of_models_are_found_among_all_changes_of_the_plan(project: Project) -> None:
    use(project, localizer_checkpoint="training/classifier-a/best.safetensors")
    assert last_move(project) is None, "there was no model to compare with"
    for threshold in range(5):
        project.set_plan(project.plan.with_override("image:a.png", "constant_background", {"t": threshold}))
    use(project, localizer_checkpoint="training/classifier-b/best.safetensors", localizer=Step("seam"))
    use(project, saliency_checkpoint="training/saliency-c/best.safetensors")
    newest, second, first = model_changes(project)
    assert newest.fields == ("saliency_checkpoint",)
    assert not newest.moves_proposals, "no refiner asks for saliency"
    assert base_name(second.before) == "classifier-a"
    assert base_name(first.before) == "no model"
    move = last_move(project)
    assert move.number == second.number
    assert [change.number for change in model_changes(project, limit=1)] == [newest.number]


def test_the_plan_before_is_whole_again(project: Project) -> None:
    """Also where a person has tuned images since, and where nothing of them changed with the model."""
    use(project, localizer_checkpoint="training/a/best.safetensors")
    project.set_plan(project.plan.with_override("image:a.png", "constant_background", {"t": 1}))
    use(project, companions={"a.png": ("b.png",)})
    before = project.plan
    use(project, localizer_checkpoint="training/b/best.safetensors")
    project.set_plan(project.plan.with_override("image:a.png", "constant_background", {"t": 2}))
    project.set_plan(project.plan.with_override("image:b.png", "constant_background", {"t": 3}))
    use(project, companions={"b.png": ("a.png",)})
    move = last_move(project)
    assert move is not None
    assert move.before == before


def test_a_segmenter_moves_proposals_and_hides_the_localizer(project: Project) -> None:
    use(project, localizer_checkpoint="training/c/best.safetensors")
    use(project, segmenter_checkpoint="training/s/best.safetensors", segmenter=Step("deeplab_v3"))
    move = last_move(project)
    assert move is not None
    assert (base_name(move.before), base_name(move.after)) == ("c", "s")
    use(project, localizer_checkpoint="training/d/best.safetensors")
    assert last_move(project) == move, "nobody asks the localizer now"


def test_models_come_back_and_what_a_person_chose_stays(project: Project) -> None:
    use(project, localizer_checkpoint="training/a/best.safetensors", localizer=Step("seam", {"preset": "single"}))
    old = project.plan
    use(project, localizer_checkpoint="training/b/best.safetensors", localizer=Step("cam"))
    use(project, refiners=(Step("constant_background"),))
    restored = with_models_of(project.plan, old)
    assert (restored.localizer, restored.localizer_checkpoint) == (old.localizer, old.localizer_checkpoint)
    assert restored.refiners == (Step("constant_background"),)


def test_names_of_models() -> None:
    assert model_name("training/classifier-ab12/best.safetensors") == "classifier-ab12"
    assert model_name("") == "no model"
    assert model_name("net.safetensors") == "net"


def test_another_model_makes_proposals_old_and_comparisons_void(project: Project) -> None:
    project.catalog.set_changes({"a.png": 0.5})
    project.catalog.set_state("b.png", "accepted")
    assert apply(project, "localize", "seam", project.training_folder / "run" / "best.safetensors")
    assert (project.plan.localizer, project.plan.localizer_checkpoint) == (
        Step("seam"),
        "training/run/best.safetensors",
    )
    found = {record.id: (record.stale, record.changed) for record in project.catalog.records()}
    assert found["a.png"] == (True, None)
    assert found["b.png"] == (False, None)


def test_a_model_that_no_refiner_asks_moves_nothing(project: Project) -> None:
    assert not apply(project, "saliency", "ldf", project.training_folder / "run" / "best.safetensors")
    assert project.plan.saliency_checkpoint == "training/run/best.safetensors"
    assert not any(record.stale for record in project.catalog.records())


def test_going_back_takes_the_models_alone_and_makes_proposals_old(project: Project) -> None:
    use(project, localizer_checkpoint="training/a/best.safetensors")
    old = project.plan
    apply(project, "localize", "seam", project.training_folder / "b" / "best.safetensors")
    use(project, refiners=(Step("constant_background"),))
    for record in project.catalog.records():
        project.catalog.set_facts(record.id, stale=False)
    apply_earlier(project, old)
    assert project.plan == replace(old, refiners=(Step("constant_background"),))
    assert all(record.stale for record in project.catalog.records())


def test_a_candidate_is_held_against_what_is_used_and_that_against_what_was_before(project: Project) -> None:
    new, old = (project.folder / f"training/{name}/best.safetensors" for name in ("new", "old"))
    with pytest.raises(StepError, match="No model is applied"):
        rival_of(project, with_applied(project, "localize", "cam", new))
    apply(project, "localize", "cam", old)
    before, candidate = project.plan, with_applied(project, "localize", "cam", new)
    assert project.plan == before, "nothing is applied"
    assert rival_of(project, candidate) == before
    with pytest.raises(StepError, match="no other model before it"):
        rival_of(project, before)
    apply(project, "localize", "cam", new)
    assert project.plan == candidate
    assert rival_of(project, candidate) == before
    use(project, refiners=())
    assert rival_of(project, project.plan) == replace(before, refiners=()), "models differ, the chain does not"
