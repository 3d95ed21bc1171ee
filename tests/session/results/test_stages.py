"""The session's view of the pipeline."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from napari_wsss.core.plan import Step
from napari_wsss.core.progress import finish
from napari_wsss.pipeline import run as pipeline
from napari_wsss.pipeline.lineage import has_model
from napari_wsss.project.project import Project
from napari_wsss.session.results.shown import resolve
from tests.session.conftest import colours_plan, stored_maps, stored_proposal


def test_nothing_is_stored_before_inference(model_folder: Path) -> None:
    with Project.open(model_folder) as project:
        assert has_model(project.plan)
        assert stored_maps(project, "p0.png") is None
        assert stored_proposal(project, "p0.png") is None


def test_without_a_model_nothing_is_asked(project_folder: Path) -> None:
    with Project.open(project_folder) as project:
        assert not has_model(project.plan)
        assert stored_maps(project, "p0.png") is None


def test_a_missing_checkpoint_reads_as_nothing_stored(model_folder: Path) -> None:
    with Project.open(model_folder) as project:
        (model_folder / project.plan.localizer_checkpoint).unlink()
        assert stored_maps(project, "p0.png") is None
        assert stored_proposal(project, "p0.png") is None


def test_proposing_stores_maps_of_the_labelled_classes(model_folder: Path) -> None:
    with Project.open(model_folder) as project:
        report = finish(pipeline.propose(project, ["p0.png", "p2.png"], "cpu"))
        assert set(report.done) == {"p0.png", "p2.png"}
        both, red = (stored_maps(project, name) for name in report.done)
        assert both is not None
        assert red is not None
        assert (both.classes, red.classes) == ((0, 1), (0,))
        proposal = stored_proposal(project, "p2.png")
        np.testing.assert_array_equal(proposal, red.to_mask(0.5))


@pytest.mark.parametrize("overridden", [False, True])
def test_a_segmenter_brings_its_background_unless_overridden(model_folder: Path, overridden: bool) -> None:
    from dataclasses import replace

    plan = replace(colours_plan(), segmenter=Step("deeplab_v3"), segmenter_checkpoint="training/x/best.safetensors")
    if overridden:
        plan = plan.with_override("image:p0.png", "constant_background", {"background_threshold": 0.4})
    with Project.open(model_folder) as project:
        project.set_plan(plan)
        first, second = (resolve(project, plan, name) for name in ("p0.png", "p1.png"))
        assert len(first.chain) == int(overridden)
        assert second.chain == ()
        assert len(first.steps) == 1


def test_reading_stored_results_needs_no_torch(model_folder: Path) -> None:
    """Run in a fresh interpreter, where the colours localizer is not on the shelf either."""
    with Project.open(model_folder) as project:
        finish(pipeline.propose(project, ["p0.png"], "cpu"))
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from napari_wsss.project.project import Project\n"
        "from napari_wsss.session.results import stages\n"
        "from napari_wsss.session.results.shown import resolve\n"
        f"with Project.open({str(model_folder)!r}, read_only=True) as project:\n"
        "    shown = resolve(project, project.plan, 'p0.png')\n"
        "    assert stages.base_maps(project, shown) is not None\n"
        "    assert stages.best_proposal(project, shown) is not None\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
