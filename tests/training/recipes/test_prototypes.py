from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import LabelError, StepError
from napari_wsss.core.progress import finish
from napari_wsss.core.registry import method_names
from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.localize.base import Localizer
from napari_wsss.localize.lpcam import Lpcam
from napari_wsss.project.project import Project
from napari_wsss.weights.checkpoint import load_checkpoint
from training.config import RunConfig
from training.execute import apply, begin, carry_out, continued
from training.recipes.prototypes import train
from training.report import EventLines
from training.resolving import resolve_file

BASES = [name for name in method_names("localize") if name != "lpcam"]


@pytest.fixture
def project(project_folder: Path) -> Iterator[Project]:
    with Project.open(project_folder) as opened:
        yield opened


def base_file(folder: Path, method: str, classes: ClassList) -> Path:
    torch.manual_seed(0)
    localizer = Localizer.build(method, TrunkChoice("resnet18", width=1 / 16), class_count=len(classes))
    localizer.save(folder / f"{method}.safetensors", classes, {})
    return folder / f"{method}.safetensors"


@pytest.fixture
def config(tiny_config: Callable[..., RunConfig]) -> Callable[..., RunConfig]:
    """Return a function: parameters -> a configuration of LPCAM."""

    def make(**parameters: Any) -> RunConfig:
        base = tiny_config("classifier").to_dict()
        chosen = {"cluster_count": 3, "features_per_class": 60, **parameters}
        return resolve_file("classifier", {**base, "method": "lpcam", "parameters": chosen})

    return make


@pytest.mark.parametrize("method", BASES)
def test_prototypes_of_every_base(
    project: Project, config: Callable[..., RunConfig], method: str, tmp_path: Path
) -> None:
    path = base_file(tmp_path, method, project.classes)
    chosen = config(base=str(path))
    run = begin(project, chosen)

    outcome = carry_out(project, chosen, run, EventLines())

    assert outcome.finished
    found, classes, what = Localizer.restore(run.path / "best.safetensors", "cpu")
    assert isinstance(found, Lpcam)
    assert (what.method, found.base.method, classes) == ("lpcam", method, project.classes)
    assert found.prototypes.known.any(1).all()
    assert [row[0] for row in outcome.tables["prototypes"]] == ["class", *project.classes.names]
    assert not (run.path / "features").exists()
    heads = {name: value for name, value in load_checkpoint(path)[0].items() if not name.startswith("trunk.")}
    for name, value in heads.items():
        assert torch.equal(found.base.state_dict()[name], value)


def test_the_applied_localizer_is_the_base_and_the_result_can_be_applied(
    applied_folder: Path, config: Callable[..., RunConfig]
) -> None:
    with Project.open(applied_folder) as project:
        for _ in range(2):  # the second time LPCAM itself is applied: it stands on the same classifier
            chosen = config()
            run = begin(project, chosen)
            carry_out(project, chosen, run, EventLines())
            apply(project, chosen, run)
            assert project.plan.localizer.method == "lpcam"
            found, _, _ = Localizer.restore(run.path / "best.safetensors", "cpu")
            assert isinstance(found, Lpcam)
            assert found.base.method == "cam"


def test_stopping_and_resuming_equals_never_stopping(
    project: Project, config: Callable[..., RunConfig], tmp_path: Path
) -> None:
    chosen = config(base=str(base_file(tmp_path, "cam", project.classes)))
    whole = begin(project, chosen)
    finish(train(project, chosen, whole))
    expected = load_checkpoint(whole.path / "last.safetensors")[0]
    for message in ("features", "prototypes of"):
        run = begin(project, chosen)
        steps = train(project, chosen, run)
        for progress in steps:
            if progress.message.startswith(message):
                run.request_stop()
                break
        assert not finish(steps).finished

        again_config, again = continued(project, run.path)
        seen = list(train(project, again_config, again))

        assert seen[0].done >= min(progress.done, len(seen))
        found = load_checkpoint(again.path / "last.safetensors")[0]
        assert expected.keys() == found.keys()
        for name, value in expected.items():
            assert torch.equal(value, found[name]), (message, name)


def test_a_run_is_found_by_its_name(project: Project, config: Callable[..., RunConfig], tmp_path: Path) -> None:
    base_file(tmp_path, "cam", project.classes)
    folder = project.training_folder / "classifier-x"
    folder.mkdir(parents=True)
    (tmp_path / "cam.safetensors").rename(folder / "best.safetensors")
    chosen = config(base="classifier-x")

    assert finish(train(project, chosen, begin(project, chosen))).finished


def test_a_base_must_be_there_and_know_the_classes(
    project: Project, config: Callable[..., RunConfig], tmp_path: Path
) -> None:
    with pytest.raises(StepError, match="No trained localize model"):
        finish(train(project, config(), begin(project, config())))
    with pytest.raises(StepError, match="no base 'nowhere'"):
        finish(train(project, config(base="nowhere"), begin(project, config(base="nowhere"))))
    other = config(base=str(base_file(tmp_path, "cam", ClassList("xy"))))
    with pytest.raises(LabelError, match="classes x, y"):
        finish(train(project, other, begin(project, other)))


def test_no_more_features_than_asked_for(project: Project, config: Callable[..., RunConfig], tmp_path: Path) -> None:
    chosen = config(base=str(base_file(tmp_path, "cam", project.classes)), features_per_class=10)

    outcome = finish(train(project, chosen, begin(project, chosen)))

    for row in outcome.tables["prototypes"][1:]:
        assert int(row[2]) <= 2 * (10 + int(row[1]))
    assert np.all([row[3].endswith(("of 3", "of 2", "of 1", "of 0")) for row in outcome.tables["prototypes"][1:]])
