"""The snapshot of what is shown says what the database says, under any plan, without asking it twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from napari_wsss.core.errors import ProjectError
from napari_wsss.core.plan import Plan, Step
from napari_wsss.project.image_clusters import ClusterRow
from napari_wsss.project.project import Project
from napari_wsss.session.results.scopes import PROJECT
from napari_wsss.session.results.shown import nothing, resolve

CONSTANT = "constant_background"


@pytest.fixture
def project(model_folder: Path) -> Iterator[Project]:
    with Project.open(model_folder) as opened:
        opened.catalog.clusters.replace([ClusterRow("p0.png", 0, "red 2", 0.1)])
        yield opened


def over(plan: Plan, *values: tuple[str, float]) -> Plan:
    for scope, value in values:
        plan = plan.with_override(scope, CONSTANT, {"background_threshold": value})
    return plan


def test_it_says_what_the_catalog_and_the_plan_say(project: Project) -> None:
    shown = resolve(project, project.plan, "p0.png")
    assert shown.record == project.catalog.get("p0.png")
    assert (shown.classes, shown.record.clusters, shown.present) == (project.classes, ("red 2",), (0, 1))
    assert shown.steps == shown.chain == project.plan.refiners
    assert shown.threshold == 0.5
    assert shown.gains == {"red": 1.0, "green": 1.0}
    assert list(shown.scopes) == ["image", "cluster:red 2", "class:green", "class:red", PROJECT]


@pytest.mark.parametrize(
    ("values", "scope", "threshold"),
    [
        ((), PROJECT, 0.5),
        ((("class:red", 0.2),), "class:red", 0.2),
        ((("class:red", 0.2), ("cluster:red 2", 0.3)), "cluster:red 2", 0.3),
        ((("image:p0.png", 0.1), ("class:red", 0.2)), "image:p0.png", 0.1),
        ((("image:p1.png", 0.1), ("class:blue", 0.2)), PROJECT, 0.5),
    ],
)
def test_the_most_specific_scope_counts_and_is_named(
    project: Project, values: tuple[tuple[str, float], ...], scope: str, threshold: float
) -> None:
    shown = resolve(project, over(project.plan, *values), "p0.png")
    assert shown.threshold == threshold
    (reason,) = shown.why(CONSTANT)
    assert (reason.scope, reason.value) == (scope, threshold)


def test_another_plan_is_laid_under_it_without_a_question(project: Project) -> None:
    shown = resolve(project, project.plan, "p0.png")
    project.close()
    tried = shown.under(over(shown.plan, ("image", 0.5), ("image:p0.png", 0.25)))
    assert tried.threshold == 0.25
    assert shown.threshold == 0.5
    assert tried.record is shown.record
    assert shown.under(shown.plan) is shown


def test_gains_are_told_with_their_scope(project: Project) -> None:
    plan = Plan(refiners=(Step("class_gain"), *project.plan.refiners))
    shown = resolve(project, plan.with_override("class:green", "class_gain", {"gains": {"2": 2.0}}), "p0.png")
    assert shown.gains == {"red": 1.0, "green": 2.0}
    assert (shown.why_gain("green").scope, shown.why_gain("red").scope) == ("class:green", "default")


def test_it_is_a_value(project: Project) -> None:
    shown = resolve(project, project.plan, "p0.png")
    assert shown == resolve(project, project.plan, "p0.png")
    with pytest.raises(FrozenInstanceError):
        shown.plan = Plan()  # type: ignore[misc]


def test_without_an_image_it_says_nothing_of_one(project: Project) -> None:
    shown = nothing(project)
    assert (shown.record.id, shown.gains, shown.record.clusters) == ("", {}, ())
    assert shown.steps == project.plan.refiners


def test_an_unknown_image_is_named(project: Project) -> None:
    with pytest.raises(ProjectError, match=r"no\.png"):
        resolve(project, project.plan, "no.png")
