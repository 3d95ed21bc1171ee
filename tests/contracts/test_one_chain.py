"""What a person sees of a chain while tuning is what every image gets of it, pixel by pixel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_wsss.core.errors import StepError
from napari_wsss.core.plan import Plan, Step
from napari_wsss.core.registry import method_names
from napari_wsss.pipeline.run import check_plan, refine_maps
from napari_wsss.project.project import Project
from napari_wsss.project.results.kept_maps import as_stored
from napari_wsss.session.results import stages
from napari_wsss.session.results.live import background_step
from tests.session.conftest import (
    HEIGHT,
    WIDTH,
    Sitting,
    _colours_on_the_shelf,
    colours_plan,
    model_folder,
    project_folder,
    sitting_on,
    write_checkpoint,
)

__all__ = ["_colours_on_the_shelf", "model_folder", "project_folder", "sitting_on"]

SHOWN = "p0.png"
METHODS = list(method_names("refine"))
CHAINS = [(chain, False) for chain in product(METHODS, repeat=2)]
# What a segmenter changes is where the maps come from and which steps are left out: each method first and last once.
CHAINS += [(chain, True) for chain in zip(METHODS, METHODS[1:] + METHODS[:1], strict=True)]
# Settings that do something on these pictures, and do not let steps agree by chance.
SETTINGS = {"class_gain": {"gains": {"1": 0.7}}, "constant_background": {"background_threshold": 0.22}}
OTHER_SETTINGS = {
    "class_gain": {"gains": {"1": 1.6}},
    "dense_crf": {"preset": "custom", "weight": 7.0},
    "pixel_correlation": {"iterations": 2},
    "random_walk": {"log2_steps": 3},
    "saliency_background": {"lowest_score": 0.15},
    "saliency_fusion": {"lowest_score": 0.15},
}


def plan_of(folder: Path, chain: tuple[str, ...], with_segmenter: bool) -> Plan:
    """Return a plan whose localizer, affinity network, saliency folder and perhaps segmenter answer without torch."""
    affinity = write_checkpoint(folder, relative="training/edges/best.safetensors")
    plan = replace(
        colours_plan(*(Step(method, SETTINGS.get(method, {})) for method in chain)),
        affinity=Step("edges"),
        affinity_checkpoint=affinity.relative_to(folder).as_posix(),
        saliency_folder="saliency",
    )
    if not with_segmenter:
        return plan
    shares = write_checkpoint(folder, relative="training/shares/best.safetensors")
    path = shares.relative_to(folder).as_posix()
    return replace(plan, segmenter=Step("shares"), segmenter_checkpoint=path)


def write_saliency(folder: Path) -> None:
    (folder / "saliency").mkdir()
    rows = np.linspace(0, 255, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH).astype(np.uint8)
    Image.fromarray(rows).save(folder / "saliency" / SHOWN)


def runnable(plan: Plan) -> None:
    """Skip a chain that lacks something, with what it lacks."""
    try:
        check_plan(plan)
    except StepError as reason:
        pytest.skip(str(reason))


def assert_seen_is_stored(sitting: Sitting) -> None:
    """What is shown now is what the pipeline stores under the same plan."""
    session = sitting.session
    assert session.project is not None
    shown = session.table.proposal
    assert shown is not None
    assert not session.sliders.is_trying
    stored = stages.best_proposal(session.project, session.table.shown)
    np.testing.assert_array_equal(shown, stored)


@pytest.mark.parametrize(
    ("chain", "with_segmenter"), CHAINS, ids=lambda part: part if isinstance(part, bool) else "+".join(part)
)
def test_what_is_previewed_is_what_is_stored(
    chain: tuple[str, str], with_segmenter: bool, model_folder: Path, sitting_on: Callable[[Path], Sitting]
) -> None:
    plan = plan_of(model_folder, chain, with_segmenter)
    runnable(plan)
    write_saliency(model_folder)
    with Project.open(model_folder) as project:
        project.set_plan(replace(plan, refiners=(Step("constant_background"),)))
    sitting = sitting_on(model_folder)
    session = sitting.session
    sitting.settle()  # the base maps are there now

    session.parameters.set_refiners(plan.refiners)
    sitting.settle()
    assert_seen_is_stored(sitting)

    for method in chain:
        session.sliders.try_parameters(method, OTHER_SETTINGS.get(method, {}))
        sitting.settle()
        session.sliders.keep()
        sitting.settle()
        assert_seen_is_stored(sitting)

    if background_step(session.table.shown.steps) is not None:
        session.sliders.set_threshold(1 / 3)
        sitting.settle()
        session.sliders.keep()
        sitting.settle()
        assert_seen_is_stored(sitting)
    assert not sitting.failures


def test_a_slow_step_hands_on_what_is_stored_of_it(model_folder: Path, sitting_on: Callable[[Path], Sitting]) -> None:
    """The threshold lies between a pixel's score after the walk and the half precision it is stored in."""
    plan = plan_of(model_folder, ("random_walk", "constant_background"), with_segmenter=False)
    with Project.open(model_folder) as project:
        project.set_plan(plan)
    sitting = sitting_on(model_folder)
    session = sitting.session
    sitting.settle()
    project, pixels = session.project, session.table.image
    assert project is not None
    maps = stages.base_maps(project, session.table.shown)
    evidence = stages.evidence_for(project, SHOWN, plan.refiners)
    walked = refine_maps(pixels, maps, plan.refiners[:1], evidence).scores.max(0)
    stored = as_stored(refine_maps(pixels, maps, plan.refiners[:1], evidence)).scores.max(0)
    between = np.where((walked > 0.05) & (stored > walked), stored - walked, 0)
    at = np.unravel_index(between.argmax(), between.shape)

    session.sliders.set_threshold(float(walked[at] + stored[at]) / 2)
    sitting.settle()
    session.sliders.keep()
    sitting.settle()

    assert between[at] > 1e-5
    assert session.table.proposal[at] > 0
    assert_seen_is_stored(sitting)


@pytest.mark.parametrize("with_segmenter", [False, True])
@pytest.mark.parametrize(
    "chain",
    [("power_background", "dense_crf"), ("class_gain", "constant_background"), ("random_walk", "power_background")],
    ids="+".join,
)
def test_where_every_pixel_belongs_to_a_class_it_does_so_everywhere(
    chain: tuple[str, str], with_segmenter: bool, model_folder: Path, sitting_on: Callable[[Path], Sitting]
) -> None:
    plan = plan_of(model_folder, chain, with_segmenter)
    runnable(plan)
    with Project.open(model_folder) as project:
        project.set_plan(plan)
    sitting = sitting_on(model_folder)
    session = sitting.session
    sitting.settle()
    with_background = session.table.proposal
    session.parameters.set_every_pixel(True)
    sitting.settle()
    assert (session.table.proposal > 0).all()
    assert_seen_is_stored(sitting)
    for method in chain:
        session.sliders.try_parameters(method, OTHER_SETTINGS.get(method, {}))
        sitting.settle()
        session.sliders.keep()
        sitting.settle()
        assert (session.table.proposal > 0).all()
        assert_seen_is_stored(sitting)
    session.parameters.apply_preset("balanced", "project")
    session.parameters.set_every_pixel(False)
    sitting.settle()
    assert (session.table.proposal == 0).any() == (with_background == 0).any()
    assert_seen_is_stored(sitting)
    assert not sitting.failures
