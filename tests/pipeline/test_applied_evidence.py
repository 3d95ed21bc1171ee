"""Evidence comes from what the plan names, asked for only when a step asks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from napari_wsss.core import registry
from napari_wsss.core.affinities import Affinities
from napari_wsss.core.errors import StepError
from napari_wsss.core.plan import Plan, Step
from napari_wsss.pipeline.applied_evidence import AppliedEvidence
from napari_wsss.pipeline.applied_model import RunError
from napari_wsss.project.project import Project
from tests.tiny_project import HEIGHT, IDS, WIDTH


class Stranger:
    """A third party's network for any shelf: everything is the checkpoint's first byte."""

    def __init__(self, value: int) -> None:
        self.value = value

    @classmethod
    def restore(cls, path: Path, device: str, *, background: bool = True) -> tuple[Stranger, None, Any]:
        return cls(path.read_bytes()[0]), None, SimpleNamespace(method="stranger")

    def infer(self, image: np.ndarray, settings: Any) -> Any:
        return np.full(image.shape[:2], self.value / 255, np.float32)

    def describe(self, image: np.ndarray, settings: Any) -> Any:
        return np.full((3, 2, 2), self.value, np.float32)


class Neighbours(Stranger):
    def infer(self, image: np.ndarray, settings: Any) -> Any:
        return Affinities(np.full((1, 2, 2), self.value / 255, np.float32), np.array([(0, 1)]))


@pytest.fixture(autouse=True)
def _strangers(monkeypatch: pytest.MonkeyPatch) -> None:
    def foreign(shelf: str) -> dict[str, Any]:
        return {"stranger": SimpleNamespace(load=lambda: Neighbours if shelf == "affinity" else Stranger)}

    monkeypatch.setattr(registry, "_foreign", foreign)


def checkpoint(project: Project, value: int) -> str:
    (project.folder / f"{value}.safetensors").write_bytes(bytes([value]))
    return f"{value}.safetensors"


@pytest.mark.parametrize("asked", ["features", "saliency", "affinity"])
def test_nothing_applied_says_what_is_missing(project: Project, asked: str) -> None:
    with pytest.raises(StepError) as told:
        getattr(AppliedEvidence(project, Plan(), IDS[0]), asked)()
    assert told.value.missing == (asked,)


def test_each_shelf_answers_without_the_others(project: Project) -> None:
    step = Step("stranger")
    affinity = AppliedEvidence(project, Plan(affinity=step, affinity_checkpoint=checkpoint(project, 51)), IDS[0])
    assert affinity.affinity().values.max() == pytest.approx(0.2)
    with pytest.raises(StepError):
        affinity.features()
    features = AppliedEvidence(project, Plan(localizer=step, localizer_checkpoint=checkpoint(project, 7)), IDS[0])
    assert features.features().max() == features.meanings().max() == 7


def test_a_folder_of_saliency_goes_before_a_network(project: Project, tmp_path: Path) -> None:
    plan = Plan(saliency=Step("stranger"), saliency_checkpoint=checkpoint(project, 51))
    by_network = AppliedEvidence(project, plan, IDS[0]).saliency()
    assert by_network.values.shape == (HEIGHT, WIDTH)
    assert by_network.values.max() == pytest.approx(0.2)
    Image.fromarray(np.full((HEIGHT, WIDTH), 255, np.uint8)).save(tmp_path / "a.png")
    by_folder = AppliedEvidence(project, replace(plan, saliency_folder=str(tmp_path)), IDS[0]).saliency()
    assert by_folder.values.min() == 1


def test_a_missing_checkpoint_ends_the_run(project: Project) -> None:
    plan = Plan(affinity=Step("stranger"), affinity_checkpoint="gone.safetensors")
    with pytest.raises(RunError, match="gone"):
        AppliedEvidence(project, plan, IDS[0]).affinity()
