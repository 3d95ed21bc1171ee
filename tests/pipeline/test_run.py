"""The stages over a small project: what is computed, what is reused, what is reported, what stops a run."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import ParameterError, StepError, WeightsError
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.plan import Plan, Step
from napari_wsss.core.progress import Progress, finish
from napari_wsss.pipeline import ready
from napari_wsss.pipeline import run as pipeline
from napari_wsss.pipeline.chain import applied_source, chain_of
from napari_wsss.pipeline.lineage import Lineage
from napari_wsss.pipeline.over_images import StageReport
from napari_wsss.project.project import Project
from napari_wsss.project.records import NewImage

torch = pytest.importorskip("torch")

LABELS = {"a.png": {"cat", "dog"}, "b.png": {"cat"}, "c.png": {"dog", "owl"}, "sub/a.png": set()}
FAST = Step("cam", {"preset": "single", "precision": "float32"})
SLOW_STEP = Step("dense_crf", {"iterations": 1, "preset": "custom"})
POWER = Step("power_background", {"background_power": 2.0})


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    images = tmp_path / "images"
    random = np.random.default_rng(0)
    for name in LABELS:
        path = images / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_picture(path, random)
    listed = [NewImage(name, frozenset(labels), negative=not labels) for name, labels in LABELS.items()]
    classes = ClassList(["cat", "dog", "owl"])
    with Project.create(tmp_path / "project", images, classes, listed) as found:
        apply_localizer(found)
        yield found


def write_picture(path: Path, random: np.random.Generator) -> None:
    coarse = Image.fromarray(random.integers(0, 256, (5, 6, 3), dtype=np.uint8))
    coarse.resize((72, 60), Image.Resampling.BICUBIC).save(path)


def apply_localizer(project: Project, name: str = "one", seed: int = 0, classes: ClassList | None = None) -> None:
    from napari_wsss.core.trunk_choice import TrunkChoice
    from napari_wsss.localize.base import Localizer

    torch.manual_seed(seed)
    known = classes or project.classes
    localizer = Localizer.build("cam", TrunkChoice("resnet18", width=1 / 16), class_count=len(known))
    torch.nn.init.normal_(localizer.classifier.weight)
    path = project.folder / "training" / f"{name}.safetensors"
    localizer.save(path, known, {})
    change_plan(project, localizer=FAST, localizer_checkpoint=f"training/{name}.safetensors")


def apply_segmenter(project: Project) -> None:
    from napari_wsss.core.trunk_choice import TrunkChoice
    from napari_wsss.segment.base import Segmenter

    torch.manual_seed(0)
    segmenter = Segmenter.build("deeplab_v3", TrunkChoice("resnet18", width=1 / 16), class_count=len(project.classes))
    segmenter.save(project.folder / "training" / "net.safetensors", project.classes, {})
    change_plan(
        project,
        segmenter=Step("deeplab_v3", {"precision": "float32"}),
        segmenter_checkpoint="training/net.safetensors",
    )


def change_plan(project: Project, **changes: Any) -> None:
    project.set_plan(replace(project.plan, **changes))


def chain(project: Project, image_id: str) -> tuple[Step, ...]:
    return chain_of(project.plan, applied_source(project.plan), image_id, project.catalog.get(image_id).labels)


def propose(project: Project, *ids: str) -> StageReport:
    return finish(pipeline.propose(project, ids or tuple(LABELS), "cpu", background=False))


def forbid_models(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> ActivationMaps:
        raise AssertionError("a model ran")

    monkeypatch.setattr(ready, "model_maps", refuse)


# -- computing and reusing --------------------------------------------------------------------------------


def test_every_image_gets_maps_of_its_labels_and_a_proposal(project: Project) -> None:
    report = propose(project)

    assert report == StageReport(done=tuple(LABELS))
    for name, labels in LABELS.items():
        maps, mask = pipeline.base_maps(project, name), pipeline.proposal(project, name)
        assert maps is not None
        assert mask is not None
        assert maps.classes == project.classes.indices(labels)
        assert maps.size == mask.shape == (60, 72)
        assert set(np.unique(mask)) <= {0, *(k + 1 for k in maps.classes)}
    assert not np.array(pipeline.proposal(project, "sub/a.png")).any()


def test_the_maps_are_those_of_the_method(project: Project) -> None:
    from napari_wsss.core.inference import Inference
    from napari_wsss.localize.base import Localizer, infer_maps

    propose(project, "a.png")
    localizer, _, _ = Localizer.restore(project.folder / project.plan.localizer_checkpoint, "cpu")
    expected = infer_maps(
        localizer, project.load_image("a.png").pixels, (0, 1), Inference(preset="single", precision="float32")
    )

    found = pipeline.base_maps(project, "a.png")

    assert found is not None
    np.testing.assert_allclose(found.scores, expected.scores, atol=5e-4)  # stored in half precision


def test_a_second_run_computes_nothing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    propose(project)
    forbid_models(monkeypatch)

    assert propose(project) == StageReport(reused=tuple(LABELS))


def test_stages_one_by_one_give_what_propose_gives(project: Project) -> None:
    propose(project)
    expected = [pipeline.proposal(project, name) for name in LABELS]
    project.store.clear()

    assert finish(pipeline.localize(project, LABELS, "cpu", background=False)).done == tuple(LABELS)
    assert pipeline.proposal(project, "a.png") is None
    assert finish(pipeline.propose(project, LABELS)).done == tuple(LABELS)

    for name, mask in zip(LABELS, expected, strict=True):
        np.testing.assert_array_equal(pipeline.proposal(project, name), mask)
    assert finish(pipeline.localize(project, LABELS)).reused == tuple(LABELS)
    assert finish(pipeline.propose(project, LABELS)).reused == tuple(LABELS)


def test_a_changed_threshold_runs_only_what_lies_after_it(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    propose(project)
    before = pipeline.proposal(project, "a.png")
    forbid_models(monkeypatch)

    change_plan(project, refiners=(Step("power_background", {"background_power": 0.2}),))
    assert pipeline.proposal(project, "a.png") is None
    report = propose(project)

    assert report.done == tuple(LABELS)
    assert (np.array(pipeline.proposal(project, "a.png")) != before).any()
    change_plan(project, refiners=(Step("power_background"),))  # and back: the first result is still there
    np.testing.assert_array_equal(pipeline.proposal(project, "a.png"), before)


def test_slow_steps_are_stored_and_not_run_again(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    dense_crf = pytest.importorskip("napari_wsss.refine.dense_crf")
    pytest.importorskip("pydensecrf.densecrf")
    change_plan(project, refiners=(POWER, SLOW_STEP))
    propose(project, "a.png")
    after_crf = pipeline.refined_maps(project, "a.png")
    assert after_crf is not None
    monkeypatch.setattr(dense_crf, "mean_field", lambda *_: (_ for _ in ()).throw(AssertionError("the CRF ran")))
    forbid_models(monkeypatch)

    change_plan(project, refiners=(POWER, SLOW_STEP, Step("constant_background", {"background_threshold": 0.6})))
    assert propose(project, "a.png").done == ("a.png",)

    np.testing.assert_array_equal(pipeline.proposal(project, "a.png"), after_crf.to_mask(0.6))


def test_another_models_maps_do_not_pass_for_this_ones(project: Project) -> None:
    propose(project, "a.png")
    first = pipeline.base_maps(project, "a.png")

    apply_localizer(project, "two", seed=1)
    assert pipeline.base_maps(project, "a.png") is None
    assert propose(project, "a.png").done == ("a.png",)

    second = pipeline.base_maps(project, "a.png")
    assert first is not None
    assert second is not None
    assert np.abs(first.scores - second.scores).max() > 0.1


def test_a_checkpoint_overwritten_in_place_is_noticed(project: Project) -> None:
    propose(project, "a.png")
    apply_localizer(project, "one", seed=5)  # the same path

    assert pipeline.base_maps(project, "a.png") is None


def test_a_replaced_image_is_noticed(project: Project) -> None:
    propose(project)
    write_picture(project.image_path("a.png"), np.random.default_rng(9))

    assert pipeline.base_maps(project, "a.png") is None
    assert pipeline.proposal(project, "a.png") is None
    report = propose(project)

    assert report.done == ("a.png",)
    assert report.reused == ("b.png", "c.png", "sub/a.png")


def test_a_damaged_result_is_computed_again(project: Project) -> None:
    propose(project, "b.png")
    for path in project.results_folder.rglob("b.png.*"):
        path.write_bytes(path.read_bytes()[:40])

    assert pipeline.base_maps(project, "b.png") is None
    assert propose(project, "b.png").done == ("b.png",)


def test_a_removed_label_runs_no_model_and_neither_does_putting_it_back(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    propose(project, "a.png")
    before = pipeline.proposal(project, "a.png")
    forbid_models(monkeypatch)

    project.set_labels("a.png", {"dog"})
    maps = pipeline.base_maps(project, "a.png")
    assert maps is not None
    assert maps.classes == (1,)
    assert pipeline.proposal(project, "a.png") is None  # the old one has cats in it
    propose(project, "a.png")
    assert set(np.unique(np.array(pipeline.proposal(project, "a.png")))) <= {0, 2}
    project.set_labels("a.png", {"cat", "dog"})
    report = propose(project, "a.png")

    assert not report.failed
    np.testing.assert_array_equal(pipeline.proposal(project, "a.png"), before)


def test_an_added_label_runs_that_image_only(project: Project) -> None:
    propose(project)
    project.set_labels("b.png", {"cat", "owl"})

    report = propose(project)

    assert report.done == ("b.png",)
    maps = pipeline.base_maps(project, "b.png")
    assert maps is not None
    assert maps.classes == (0, 2)


# -- order, reports and errors ----------------------------------------------------------------------------


def test_images_are_worked_on_in_the_given_order_and_named_when_done(project: Project) -> None:
    order = ("c.png", "a.png", "b.png")
    seen = [(step.done, step.total, step.message) for step in pipeline.propose(project, order, "cpu") if step.message]

    assert seen == [(1, 3, "c.png"), (2, 3, "a.png"), (3, 3, "b.png")]


def test_the_first_image_is_finished_before_the_second_begins(project: Project) -> None:
    steps = pipeline.propose(project, ("b.png", "a.png"), "cpu")
    while next(steps).message != "b.png":
        pass
    steps.close()

    assert pipeline.proposal(project, "b.png") is not None
    assert pipeline.base_maps(project, "a.png") is None


@pytest.mark.parametrize("damage", ["unreadable", "missing"])
def test_one_bad_image_is_reported_and_stops_nothing(project: Project, damage: str) -> None:
    path = project.image_path("b.png")
    path.write_bytes(b"no picture") if damage == "unreadable" else path.unlink()

    report = propose(project)

    assert report.done == ("a.png", "c.png", "sub/a.png")
    assert set(report.failed) == {"b.png"}
    assert "b.png" in report.failed["b.png"]


def test_an_unknown_image_is_reported(project: Project) -> None:
    assert set(propose(project, "a.png", "nowhere.png").failed) == {"nowhere.png"}


def test_without_a_model_a_run_says_what_to_do(project: Project) -> None:
    change_plan(project, localizer_checkpoint="")

    assert pipeline.base_maps(project, "a.png") is None
    assert pipeline.proposal(project, "a.png") is None
    for run in (pipeline.propose, pipeline.localize, pipeline.segment):
        with pytest.raises(StepError, match="Train one"):
            finish(run(project, ("a.png",)))


def test_a_broken_model_ends_the_run_at_once(project: Project) -> None:
    (project.folder / project.plan.localizer_checkpoint).write_bytes(b"broken")
    steps = pipeline.propose(project, tuple(LABELS), "cpu")

    with pytest.raises(WeightsError):
        finish(steps)


def test_a_model_of_another_method_is_refused(project: Project) -> None:
    change_plan(project, localizer=Step("cam"), segmenter_checkpoint=project.plan.localizer_checkpoint)

    with pytest.raises(WeightsError, match="localize network"):
        propose(project, "a.png")


def test_a_cancelled_run_keeps_what_was_finished(project: Project) -> None:
    steps = pipeline.propose(project, tuple(LABELS), "cpu")
    for step in steps:
        if step.done == 2:
            break
    steps.close()

    assert propose(project).reused == ("a.png", "b.png")


def test_a_plan_changed_meanwhile_does_not_mix_results(project: Project) -> None:
    """The window applies another model while a job runs: no map may land under the wrong key."""
    steps = pipeline.propose(project, ("a.png", "b.png"), "cpu")
    while next(steps).message != "a.png":
        pass
    apply_localizer(project, "two", seed=1)
    finish(steps)
    mixed = pipeline.base_maps(project, "b.png")
    project.store.clear()
    propose(project, "b.png")

    expected = pipeline.base_maps(project, "b.png")
    assert mixed is not None
    assert expected is not None
    np.testing.assert_array_equal(mixed.scores, expected.scores)


def test_another_plan_is_tried_without_being_the_projects(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    apply_localizer(project)
    plan, ids = project.plan, tuple(LABELS)
    other = replace(plan, refiners=(Step("constant_background", {"background_threshold": 0.9}),))
    assert finish(pipeline.propose(project, ids, "cpu", plan=other)).done == ids
    assert project.plan == plan
    assert pipeline.proposal(project, "a.png") is None
    tried = pipeline.own_proposal(project, "a.png", other)
    project.set_plan(other)
    forbid_models(monkeypatch)
    assert propose(project).reused == ids, "adopting it computes nothing again"
    np.testing.assert_array_equal(pipeline.proposal(project, "a.png"), tried)


# -- plans ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("refiners", "missing"),
    [((), "background"), ((SLOW_STEP,), "background"), ((SLOW_STEP, POWER), "background")],
)
def test_a_chain_without_what_it_needs_is_refused_before_it_starts(refiners: tuple[Step, ...], missing: str) -> None:
    with pytest.raises(StepError) as caught:
        pipeline.check_plan(Plan(refiners=refiners))

    assert caught.value.missing == (missing,)


def test_unknown_steps_and_parameters_are_refused() -> None:
    with pytest.raises(StepError, match="no_such_step"):
        pipeline.check_plan(Plan(refiners=(Step("no_such_step"),)))
    with pytest.raises(ParameterError, match="beta"):
        pipeline.check_plan(Plan(refiners=(Step("power_background", {"beta": 1}),)))
    with pytest.raises(ParameterError, match="background_power"):
        pipeline.check_plan(Plan(refiners=(Step("power_background", {"background_power": -1}),)))


def test_a_missing_library_stops_a_run_before_it_starts(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pydensecrf.densecrf", None)
    change_plan(project, refiners=(POWER, SLOW_STEP))

    with pytest.raises(StepError, match="pydensecrf"):
        next(pipeline.propose(project, ("a.png",), "cpu"))
    change_plan(project, refiners=(POWER,))
    assert propose(project, "a.png").done == ("a.png",)


@pytest.mark.parametrize("scope", ["image:a.png", "class:cat"])
def test_overrides_reach_their_images_only(project: Project, scope: str) -> None:
    propose(project)
    before = {name: np.array(pipeline.proposal(project, name)) for name in LABELS}
    reached = {"image:a.png": ("a.png",), "class:cat": ("a.png", "b.png")}[scope]

    project.set_plan(project.plan.with_override(scope, "power_background", {"background_power": 0.1}))
    report = propose(project)

    assert report.done == reached
    for name in LABELS:
        changed = (np.array(pipeline.proposal(project, name)) != before[name]).any()
        assert changed == (name in reached)


def test_a_preview_stores_nothing_and_equals_the_stored_result(project: Project) -> None:
    propose(project, "a.png")
    files = sorted(project.results_folder.rglob("*"))
    base = pipeline.base_maps(project, "a.png")
    assert base is not None

    shown = pipeline.refine_maps(project.load_image("a.png").pixels, base, chain(project, "a.png"))

    np.testing.assert_array_equal(shown.to_mask(), pipeline.proposal(project, "a.png"))
    assert sorted(project.results_folder.rglob("*")) == files


def test_provenance_names_the_folder_and_links_to_what_came_before(project: Project) -> None:
    propose(project, "a.png")
    item = Lineage.of(project, "a.png")
    base, refined = item.base, item.result

    assert refined.parents == (base,)
    path = project.store.path(base, "a.png")
    assert path.is_file()
    assert path.parents[1] == project.results_folder / f"{base.step}-{base.key}"
    assert project.store.path(refined, "a.png", ".png").is_file()


# -- classes after training -------------------------------------------------------------------------------


def test_a_class_the_model_never_learned_gets_an_empty_map(project: Project) -> None:
    project.add_class("yak")
    project.set_labels("a.png", {"cat", "yak"})

    propose(project, "a.png")
    maps = pipeline.base_maps(project, "a.png")

    assert maps is not None
    assert maps.classes == (0, 3)
    assert maps.scores[0].max() > 0
    assert not maps.scores[1].any()


def test_a_renamed_class_keeps_its_model(project: Project) -> None:
    propose(project, "b.png")
    before = pipeline.base_maps(project, "b.png")
    project.rename_class("cat", "kitten")
    project.store.clear()

    propose(project, "b.png")
    after = pipeline.base_maps(project, "b.png")

    assert before is not None
    assert after is not None
    np.testing.assert_array_equal(after.scores, before.scores)


def test_what_a_model_sees_of_merged_classes_counts_together(project: Project) -> None:
    propose(project)
    before = {name: pipeline.base_maps(project, name) for name in ("a.png", "c.png")}
    project.class_changes.merge("dog", "cat")

    assert pipeline.base_maps(project, "c.png") is None, "maps of the classes as they were do not pass for these"
    propose(project)
    both, owl = pipeline.base_maps(project, "a.png"), pipeline.base_maps(project, "c.png")

    assert both is not None
    assert owl is not None
    assert (both.classes, owl.classes) == ((0,), (0, 2))
    assert before["a.png"] is not None
    assert before["c.png"] is not None
    np.testing.assert_allclose(both.scores[0], before["a.png"].scores.max(0), atol=1e-3)
    np.testing.assert_allclose(owl.scores[1], before["c.png"].scores[1], atol=1e-3)
    project.class_changes.take_back()
    propose(project)
    for name, maps in before.items():
        again = pipeline.base_maps(project, name)
        assert again is not None
        assert maps is not None
        np.testing.assert_array_equal(again.scores, maps.scores)


def test_a_deleted_class_is_proposed_nowhere(project: Project) -> None:
    project.set_labels("b.png", ())  # any class may be there
    apply_segmenter(project)
    project.class_changes.delete("dog", "background")
    propose(project)
    for name in LABELS:
        assert not (np.array(pipeline.proposal(project, name)) == 2).any()
    maps = pipeline.base_maps(project, "b.png")
    assert maps is not None
    assert maps.classes == (0, 2)


def test_a_segmenters_probabilities_of_merged_classes_are_added(project: Project) -> None:
    apply_segmenter(project)
    propose(project, "a.png")
    before = pipeline.base_maps(project, "a.png")
    project.class_changes.merge("dog", "cat")
    propose(project, "a.png")
    after = pipeline.base_maps(project, "a.png")

    assert before is not None
    assert after is not None
    assert after.background is not None
    np.testing.assert_allclose(after.scores[0], before.scores.sum(0), atol=2e-3)
    np.testing.assert_allclose(after.scores[0] + after.background, 1, atol=2e-3)


def test_a_model_with_its_classes_in_another_order_is_read_right(project: Project) -> None:
    apply_localizer(project, "shuffled", classes=ClassList(["owl", "cat", "dog"]))
    propose(project, "c.png")
    maps = pipeline.base_maps(project, "c.png")

    from napari_wsss.core.inference import Inference
    from napari_wsss.localize.base import Localizer, infer_maps

    localizer, _, _ = Localizer.restore(project.folder / project.plan.localizer_checkpoint, "cpu")
    settings = Inference(preset="single", precision="float32")
    expected = infer_maps(localizer, project.load_image("c.png").pixels, (0, 2), settings).scores

    assert maps is not None
    assert maps.classes == (1, 2)  # dog, owl
    np.testing.assert_allclose(maps.scores, expected[::-1], atol=5e-4)


# -- the segmenter ----------------------------------------------------------------------------------------


def test_an_applied_segmenter_makes_the_proposals(project: Project) -> None:
    from napari_wsss.core.inference import SegmentInference
    from napari_wsss.segment.base import Segmenter, predict

    apply_segmenter(project)
    report = propose(project)
    segmenter, _, _ = Segmenter.restore(project.folder / "training" / "net.safetensors", "cpu")
    whole = predict(segmenter, project.load_image("b.png").pixels, SegmentInference(precision="float32"))

    maps = pipeline.base_maps(project, "b.png")

    assert report.done == tuple(LABELS)
    assert maps is not None
    assert maps.background is not None
    np.testing.assert_allclose(maps.scores[0] + maps.background, 1, atol=1e-3)
    np.testing.assert_allclose(maps.scores[0], whole[1] / (whole[0] + whole[1]), atol=1e-3)
    # The plan's power background is left out: the segmenter knows the background.
    np.testing.assert_array_equal(pipeline.proposal(project, "b.png"), maps.to_mask())


def test_an_image_may_still_override_the_segmenters_background(project: Project) -> None:
    apply_segmenter(project)
    project.set_plan(project.plan.with_override("image:a.png", "power_background", {"background_power": 0.01}))
    propose(project)

    assert Lineage.of(project, "a.png").result.step == "refine.power_background"
    assert Lineage.of(project, "b.png").result.step == "segment.deeplab_v3"
    assert [step.method for step in chain(project, "a.png")] == ["power_background"]
    assert chain(project, "b.png") == ()


def test_a_label_taken_away_renormalises_a_segmenters_maps(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    apply_segmenter(project)
    propose(project, "a.png")
    both = pipeline.base_maps(project, "a.png")
    forbid_models(monkeypatch)
    project.set_labels("a.png", {"dog"})

    one = pipeline.base_maps(project, "a.png")

    assert both is not None
    assert one is not None
    assert both.background is not None
    np.testing.assert_allclose(one.scores[0], both.scores[1] / (both.scores[1] + both.background), atol=1e-3)


# -- without torch ----------------------------------------------------------------------------------------


def test_reading_results_leaves_torch_unloaded(project: Project) -> None:
    propose(project)
    project.close()
    code = (
        "import sys; from napari_wsss.pipeline import run as pipeline\n"
        "from napari_wsss.project.project import Project\n"
        "project = Project.open(sys.argv[1], read_only=True)\n"
        "assert pipeline.base_maps(project, 'a.png') is not None\n"
        "assert pipeline.proposal(project, 'a.png') is not None\n"
        "assert pipeline.refined_maps(project, 'a.png') is not None\n"
        "assert 'torch' not in sys.modules"
    )
    run = subprocess.run([sys.executable, "-c", code, str(project.folder)], capture_output=True, text=True, timeout=100)

    assert run.returncode == 0, run.stderr


def test_a_read_only_project_can_be_computed(project: Project) -> None:
    project.close()
    with Project.open(project.folder, read_only=True) as other:
        assert propose(other).done == tuple(LABELS)


def test_reports_are_progress(project: Project) -> None:
    reports: list[Progress] = list(pipeline.propose(project, LABELS, "cpu"))

    assert {report.stage for report in reports} == {"propose"}
    assert [report.done for report in reports] == sorted(report.done for report in reports)
    assert isinstance(reports[-1].metrics, Mapping)
    assert reports[-1].fraction == 1


def test_steps_that_need_saliency_take_it_from_the_plans_folder(project: Project, tmp_path: Path) -> None:
    fusion = Step("saliency_fusion")
    project.set_plan(replace(project.plan, refiners=(POWER, fusion)))
    with pytest.raises(StepError, match="saliency"):
        finish(pipeline.propose(project, ["a.png"], "cpu"))
    (tmp_path / "sal").mkdir()
    project.set_plan(replace(project.plan, saliency_folder=str(tmp_path / "sal")))
    Image.new("L", (72, 60), 255).save(tmp_path / "sal" / "a.png")

    report = finish(pipeline.propose(project, ["a.png", "b.png"], "cpu"))

    assert report.done == ("a.png",)
    assert "b.png" in report.failed["b.png"]
    before = Lineage.of(project, "a.png").result.key
    Image.new("L", (72, 60), 0).save(tmp_path / "sal" / "a.png")
    assert Lineage.of(project, "a.png").result.key != before


def test_features_come_from_the_applied_localizer(project: Project) -> None:
    features = pipeline.evidence_of(project, "a.png", "cpu").features()

    assert features.ndim == 3
    assert features.shape[1:] == (4, 5)
    project.set_plan(replace(project.plan, localizer_checkpoint=""))
    with pytest.raises(StepError):
        pipeline.evidence_of(project, "a.png", "cpu").features()


# -- labelled none, and not labelled yet --------------------------------------------------------------------


def test_a_localizer_waits_for_labels_where_nobody_has_said_what_is_there(project: Project) -> None:
    project.set_labels("b.png", ())
    report = propose(project)
    assert report.unlabelled == ("b.png",)
    assert "b.png" not in (*report.done, *report.reused, *report.failed)
    assert "1 are left out" in report.without_labels
    assert pipeline.base_maps(project, "b.png") is None
    assert pipeline.proposal(project, "b.png") is None
    assert not np.array(pipeline.proposal(project, "sub/a.png")).any(), "labelled none is background"
    project.set_labels("b.png", ("cat",))
    assert propose(project).done == ("b.png",)


def test_any_class_may_appear_in_an_image_that_is_not_labelled(project: Project) -> None:
    apply_segmenter(project)
    project.set_labels("b.png", ())
    report = propose(project)
    assert report.done == tuple(LABELS)
    assert "in 1 any class may be found" in report.without_labels
    maps = pipeline.base_maps(project, "b.png")
    assert maps is not None
    assert maps.classes == (0, 1, 2)
    assert np.array(pipeline.proposal(project, "b.png")).any()
    assert not np.array(pipeline.proposal(project, "sub/a.png")).any()


# -- several at once ------------------------------------------------------------------------------------------


def results_of(project: Project) -> dict[str, bytes]:
    files = (path for path in project.results_folder.rglob("*") if path.is_file())
    return {path.relative_to(project.folder).as_posix(): path.read_bytes() for path in files}


def test_images_that_go_through_the_network_together_have_the_same_results(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    from napari_wsss.localize import base
    from napari_wsss.networks.resnet import ResNet

    passes: list[int] = []
    real = ResNet.features

    def counted(self: ResNet, images: Any, *given: Any) -> Any:
        passes.append(len(images))
        return real(self, images, *given)

    monkeypatch.setattr(ResNet, "features", counted)
    propose(project)
    alone, one_by_one = results_of(project), list(passes)
    project.store.clear()
    passes.clear()
    monkeypatch.setattr(base, "TOGETHER_ON", ("cpu",))
    propose(project)
    assert results_of(project) == alone
    assert len(passes) < len(one_by_one)
    assert max(passes) > max(one_by_one)


def test_a_picture_is_decoded_once_for_all_steps(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []
    module = import_module("napari_wsss.project.project")
    real = module.read_image

    def counted(path: Path, *given: Any, **named: Any) -> Any:
        read.append(path)
        return real(path, *given, **named)

    monkeypatch.setattr(module, "read_image", counted)
    project.set_plan(replace(project.plan, refiners=(*project.plan.refiners, Step("pixel_correlation"))))
    propose(project)
    assert sorted(read) == sorted(project.image_path(name) for name in LABELS)
    read.clear()
    propose(project)
    assert read == []
