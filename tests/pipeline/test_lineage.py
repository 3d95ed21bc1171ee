"""What decides a result: the key changes with everything that matters and with nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_wsss.core.background import DEFAULT_ALPHA
from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import StepError, WsssError
from napari_wsss.core.inference import Inference
from napari_wsss.core.masks import write_mask
from napari_wsss.core.plan import Plan, Step
from napari_wsss.pipeline.lineage import Lineage, base_provenance, file_digest, has_model, inference_of
from napari_wsss.project.project import Project
from napari_wsss.project.records import NewImage


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    classes = ClassList(["cat", "dog"])
    write_mask(tmp_path / "images" / "a.png", np.zeros((8, 9), np.uint8), classes)
    with Project.create(tmp_path / "p", tmp_path / "images", classes, [NewImage("a.png", frozenset({"dog"}))]) as found:
        # Any file will do: keys need the model's content, not the model.
        (found.folder / "net").write_bytes(b"weights")
        found.set_plan(replace(found.plan, localizer_checkpoint="net"))
        yield found


def key(project: Project) -> str:
    return Lineage.of(project, "a.png").result.key


def test_equal_projects_have_equal_keys(project: Project) -> None:
    assert key(project) == key(project)
    assert Lineage.of(project, "a.png").classes == (1,)


@pytest.mark.parametrize(
    "change",
    [
        {"localizer": Step("cam", {"scales": [1.0]})},
        {"localizer": Step("cam", {"working_side": 480})},
        {"refiners": (Step("power_background", {"background_power": 5.0}),)},
        {"refiners": (Step("constant_background"),)},
    ],
)
def test_whatever_changes_the_result_changes_the_key(project: Project, change: dict[str, Any]) -> None:
    before = key(project)

    project.set_plan(replace(project.plan, **change))

    assert key(project) != before


def test_a_spelt_out_default_and_a_preset_are_no_change(project: Project) -> None:
    before = key(project)
    project.set_plan(replace(project.plan, localizer=Step("cam", {"flip": True}), refiners=(Step("power_background"),)))
    assert key(project) == before

    project.set_plan(replace(project.plan, refiners=(Step("power_background", {"background_power": DEFAULT_ALPHA}),)))
    assert key(project) == before


def test_a_working_size_that_nobody_chose_is_no_part_of_the_key(project: Project) -> None:
    """Results of before it could be chosen stay."""
    plan = replace(project.plan, localizer=Step("cam", {"working_side": 0}))
    assert "working_side" not in Lineage.of(project, next(iter(project.catalog.ids())), plan=plan).base.parameters


def test_shrinking_is_part_of_the_key_where_something_shrinks(project: Project) -> None:
    pytest.importorskip("pydensecrf.densecrf", reason="the extra `crf` is not installed")
    found = []
    for shrink in ({}, {"shrink": 1}, {"shrink": 2}, {"shrink": 0}):
        plan = replace(project.plan, refiners=(Step("power_background"), Step("dense_crf", shrink)))
        found.append(Lineage.of(project, "a.png", plan=plan).result)

    assert found[0] == found[1]
    assert "shrink" not in found[0].parameters
    assert len({result.key for result in found}) == 3


def test_labels_and_image_decide_the_content_not_the_key(project: Project) -> None:
    before, first = key(project), Lineage.of(project, "a.png").content

    project.set_labels("a.png", {"cat"})
    second = Lineage.of(project, "a.png").content
    write_mask(project.image_path("a.png"), np.ones((8, 9), np.uint8), project.classes)
    third = Lineage.of(project, "a.png").content

    assert key(project) == before
    assert len({first, second, third}) == 3


def test_the_model_enters_by_its_content(project: Project) -> None:
    before = key(project)
    (project.folder / "copy").write_bytes(b"weights")
    project.set_plan(replace(project.plan, localizer_checkpoint="copy"))
    assert key(project) == before

    (project.folder / "copy").write_bytes(b"other weights")
    assert key(project) != before


def test_a_missing_model_says_what_to_do(project: Project) -> None:
    (project.folder / "net").unlink()
    with pytest.raises(StepError, match="missing") as caught:
        Lineage.of(project, "a.png")
    assert caught.value.missing == ("model",)

    project.set_plan(Plan())
    with pytest.raises(StepError, match="Train one"):
        Lineage.of(project, "a.png")


def test_an_unknown_image_is_refused(project: Project) -> None:
    with pytest.raises(WsssError, match=r"b\.png"):
        Lineage.of(project, "b.png")


def test_each_refiner_has_the_one_before_as_parent(project: Project) -> None:
    steps = (Step("power_background"), Step("constant_background"))
    project.set_plan(replace(project.plan, refiners=steps))

    lineage = Lineage.of(project, "a.png")

    assert lineage.links[0].provenance.parents == (lineage.base,)
    assert lineage.links[1].provenance.parents == (lineage.links[0].provenance,)
    assert lineage.result == lineage.links[1].provenance


def test_a_plan_without_models_has_none() -> None:
    assert not has_model(Plan())
    assert has_model(Plan(localizer_checkpoint="a"))
    assert inference_of(Plan(localizer=Step("cam", {"preset": "single"})), "localize") == Inference(
        "single", (1.0,), False
    )


def test_results_stay_where_they_were_when_settings_get_names_and_company(project: Project) -> None:
    """Maps of one pass were kept under another preset's name before, and nothing said of passes in turns."""
    plans = (replace(project.plan, localizer=Step("cam", {"preset": name})) for name in ("full", "fast", "single"))
    full, fast, single = (base_provenance(project, plan, "localize") for plan in plans)
    assert "in_turns" not in {**full.parameters, **single.parameters}
    assert (single.parameters["preset"], single.parameters["scales"]) == ("fast", [1.0])
    assert fast.parameters["in_turns"]
    assert len({full.key, fast.key, single.key}) == 3


def test_a_files_digest_follows_its_content(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"one")
    first = file_digest(path)
    path.write_bytes(b"other")

    assert file_digest(path) != first


def test_base_maps_do_not_wait_for_what_a_refiner_lacks(project: Project) -> None:
    whole = Lineage.of(project, "a.png")
    project.set_plan(replace(project.plan, refiners=(Step("no_such_step"),)))
    with pytest.raises(StepError):
        Lineage.of(project, "a.png")
    found = Lineage.of(project, "a.png", refined=False)
    assert (found.base, found.base_content, found.links) == (whole.base, whole.base_content, ())


def test_another_plan_can_be_asked_about(project: Project) -> None:
    other = replace(project.plan, localizer=Step("cam", {"preset": "single"}), refiners=())

    found = Lineage.of(project, "a.png", "localize", other)

    assert (found.plan, found.links) == (other, ())
    assert found.base != Lineage.of(project, "a.png").base
    assert project.plan != other
