"""Maps made elsewhere in place of a localizer: shown, thresholded and refined without torch."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_wsss.core.errors import StepError
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.plan import Step
from napari_wsss.core.progress import finish
from napari_wsss.pipeline.imported_maps import is_imported, kept_maps
from napari_wsss.pipeline.lineage import Lineage
from napari_wsss.pipeline.map_imports import apply_kept, keep
from napari_wsss.pipeline.run import base_maps, check_plan, proposal, propose
from napari_wsss.project.project import Project
from tests.tiny_project import HEIGHT, IDS, WIDTH

SCORES = np.linspace(0, 1, HEIGHT * WIDTH, dtype=np.float32).reshape(1, HEIGHT, WIDTH)
THRESHOLD = Step("constant_background", {"background_threshold": 0.5})


@pytest.fixture
def filled(project: Project) -> Project:
    """Return a project whose second and third image have maps of cat."""
    kept = finish(keep(project, "elsewhere", [(one, ActivationMaps(SCORES, (0,))) for one in IDS[1:3]]))
    apply_kept(project, kept.checkpoint)
    project.set_plan(replace(project.plan, refiners=(THRESHOLD,)))
    return project


def test_they_become_proposals_and_the_others_say_why_not(filled: Project) -> None:
    assert is_imported(filled.plan)
    report = finish(propose(filled, IDS))
    assert report.done == IDS[1:3]
    assert "no imported maps" in report.failed[IDS[0]]
    np.testing.assert_array_equal(proposal(filled, IDS[1]), (SCORES[0].astype(np.float16) > 0.5).astype(np.uint8))
    found = base_maps(filled, IDS[1])
    assert found is not None
    np.testing.assert_allclose(found.scores, SCORES, atol=1e-3)


def test_results_may_be_deleted_and_come_back(filled: Project) -> None:
    finish(propose(filled, IDS[1:2]))
    before = proposal(filled, IDS[1])
    filled.store.clear()
    finish(propose(filled, IDS[1:2]))
    np.testing.assert_array_equal(proposal(filled, IDS[1]), before)


def test_a_class_without_a_map_has_one_of_zeros(filled: Project) -> None:
    filled.set_labels(IDS[1], {"cat", "dog"})
    found = kept_maps(Lineage.of(filled, IDS[1], refined=False), (0, 1))
    assert found.scores[0].any()
    assert not found.scores[1].any()


def test_a_step_that_needs_a_network_says_so(filled: Project) -> None:
    filled.set_plan(replace(filled.plan, refiners=(Step("pixel_correlation"), THRESHOLD)))
    with pytest.raises(StepError, match="features"):
        check_plan(filled.plan)


@pytest.mark.parametrize("content", [b"", b"PK", b"garbage"])
def test_damaged_maps_are_a_sentence(filled: Project, content: bytes) -> None:
    folder = filled.folder / Path(filled.plan.localizer_checkpoint).parent
    (folder / f"{IDS[1]}.npz").write_bytes(content)
    report = finish(propose(filled, IDS[1:3]))
    assert report.done == IDS[2:3]
    assert "cannot be read" in report.failed[IDS[1]]


def test_torch_is_not_loaded(filled: Project) -> None:
    filled.close()
    code = (
        "import sys\nfrom napari_wsss.core.progress import finish\nfrom napari_wsss.pipeline.run import propose\n"
        f"from napari_wsss.project.project import Project\nwith Project.open({str(filled.folder)!r}) as project:\n"
        f"    assert len(finish(propose(project, {IDS[1:3]!r})).done) == 2\nassert 'torch' not in sys.modules"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100)
    assert run.returncode == 0, run.stderr
