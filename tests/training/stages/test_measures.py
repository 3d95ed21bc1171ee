from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from napari_wsss.core.errors import StepError
from napari_wsss.core.inference import Inference
from napari_wsss.project.project import Project
from training.report import EventLines
from training.scoring.scoring import AcceptedMasks, TrueMasks
from training.stages.measures import Measures
from training.stages.trained_runs import trained_models


@pytest.fixture
def project(applied_folder: Path) -> Iterator[Project]:
    with Project.open(applied_folder) as opened:
        yield opened


def measures(project: Project, folder: Path, truth: TrueMasks | AcceptedMasks, limit: int = 0) -> Measures:
    return Measures(project, folder, truth, EventLines(), Inference(preset="single", precision="float32"), "cpu", limit)


def test_figures_are_measured_once(
    project: Project, tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = measures(project, tmp_path / "m", TrueMasks(tiny_data / "SegmentationClass"), limit=3)
    (model,) = trained_models(project, tmp_path)

    first = found.miou(model, "train", "seeds")

    assert 0 < first < 100
    assert len(found.ids("train")) == 3
    monkeypatch.setattr("training.stages.measures.checkpoint_maps", lambda *_: pytest.fail("measured twice"))
    assert found.miou(model, "train", "seeds") == first


def test_another_truth_is_another_figure(project: Project, tmp_path: Path) -> None:
    found = measures(project, tmp_path / "m", AcceptedMasks(project))
    (model,) = trained_models(project, tmp_path)
    found.of(model, "train", "seeds")
    accepted = found.ids("train")[0]
    mask = project.masks.read_accepted(accepted)
    assert mask is not None

    project.review.accept(accepted, mask * 0)
    found.of(model, "train", "seeds")

    assert len(list((tmp_path / "m").glob("cam-train-seeds-*.json"))) == 2


def test_a_split_without_true_masks_has_no_images(project: Project, tmp_path: Path) -> None:
    assert measures(project, tmp_path, TrueMasks(tmp_path)).ids("train") == []


def test_the_crf_starts_from_the_seeds_threshold(project: Project, tmp_path: Path) -> None:
    pytest.importorskip("pydensecrf")
    found = measures(project, tmp_path / "m", AcceptedMasks(project), limit=1)
    (model,) = trained_models(project, tmp_path)

    assert found.of(model, "val", "crf").threshold == found.of(model, "val", "seeds").threshold


def test_the_walk_needs_an_affinity_network(project: Project, tmp_path: Path) -> None:
    found = measures(project, tmp_path / "m", AcceptedMasks(project), limit=1)
    (model,) = trained_models(project, tmp_path)

    with pytest.raises(StepError, match=r"training\.run affinity"):
        found.of(model, "train", "walk")
