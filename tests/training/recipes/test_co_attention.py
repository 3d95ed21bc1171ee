"""The three settings of MCIS on eight generated images."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from napari_wsss.core.errors import LabelError
from napari_wsss.localize.base import Localizer
from napari_wsss.localize.co_attention import CoAttention
from napari_wsss.project.project import Project
from napari_wsss.weights.checkpoint import load_checkpoint
from training.config import RunConfig
from training.execute import begin, carry_out, continued
from training.recipes.co_attention import WEB, train
from training.report import EventLines
from training.resolving import resolve_file
from training.run_folder import RunFolder


@pytest.fixture
def project(project_folder: Path) -> Iterator[Project]:
    with Project.open(project_folder) as opened:
        yield opened


@pytest.fixture
def config(tiny_config: Callable[..., RunConfig]) -> Callable[..., RunConfig]:
    """Return a function: parameters -> a configuration of one epoch."""

    def make(**parameters: object) -> RunConfig:
        base = tiny_config("classifier", optimisation={"epochs": 1}).to_dict()
        base["network"]["trunk"] = "resnet18"
        chosen = {"convolutions": 0, "affinity": "cosine", **parameters}
        return resolve_file("classifier", {**base, "method": "co_attention", "parameters": chosen})

    return make


@pytest.fixture
def folder(project: Project, tmp_path: Path) -> str:
    """Return a folder with two pictures of each of the first two classes, one of the four no picture."""
    root, sources = tmp_path / "further", [project.image_path(one) for one in project.catalog.ids()]
    for name in project.classes.names[:2]:
        (root / name).mkdir(parents=True)
        for source in sources[:2]:
            shutil.copy(source, root / name)
    (root / project.classes.names[0] / sources[0].name).write_bytes(b"no picture")
    return str(root)


def carried_out(project: Project, chosen: RunConfig) -> RunFolder:
    run = begin(project, chosen)
    assert carry_out(project, chosen, run, EventLines()).finished
    return run


def losses(run: RunFolder) -> list[dict[str, float]]:
    return [event["metrics"] for event in run.events() if "loss" in event["metrics"]]


def test_image_labels_only(project: Project, config: Callable[..., RunConfig]) -> None:
    run = carried_out(project, config(self_pairs=True))

    localizer, classes, what = Localizer.restore(run.path / "best.safetensors", "cpu")
    assert isinstance(localizer, CoAttention)
    assert (what.method, classes) == ("co_attention", project.classes)
    assert what.parameters["companions_per_class"] == 3
    assert {"classification", "co_attention", "self_pairs"} <= set(losses(run)[0])


def test_contrast_begins_when_it_should(project: Project, config: Callable[..., RunConfig]) -> None:
    found = losses(carried_out(project, config(contrast_from=1.0)))

    assert not any(figures["contrast_first"] for figures in found)


def test_simple_images_lengthen_an_epoch(project: Project, config: Callable[..., RunConfig], folder: str) -> None:
    for path in (Path(folder) / project.classes.names[0]).iterdir():
        if path.read_bytes() == b"no picture":
            path.unlink()
    alone, more = carried_out(project, config()), carried_out(project, config(simple_images=folder))

    assert len(losses(more)) > len(losses(alone))


def test_web_images_are_judged_and_named(project: Project, config: Callable[..., RunConfig], folder: str) -> None:
    run = carried_out(project, config(web_images=folder, web_threshold=0.0))

    record = json.loads((run.path / WEB).read_text())
    assert record["summary"] == "1 of 4 web images left out"
    assert list(record["dropped"].values()) == [-1.0]  # the one that is no picture
    trained = [event for event in run.events() if "loss" in event["metrics"]]
    assert [event["done"] for event in trained] == list(range(1, len(trained) + 1))
    assert run.record["steps"] == len(trained)
    assert "1 of 4 web images left out" in trained[-1]["message"]
    assert (run.path / "best.safetensors").is_file()


def test_a_stopped_run_with_web_images_gives_what_the_uninterrupted_one_gives(
    project: Project, config: Callable[..., RunConfig], folder: str
) -> None:
    chosen = config(web_images=folder, web_threshold=0.0)
    whole = carried_out(project, chosen)
    expected = load_checkpoint(whole.path / "last.safetensors")[0]
    for stop_at in (1, 3, 5):
        run = begin(project, chosen)
        for progress in train(project, chosen, run):
            run.note(progress)
            if progress.done == stop_at:
                run.request_stop()
        chosen, run = continued(project, run.path)

        assert carry_out(project, chosen, run, EventLines()).finished
        found = load_checkpoint(run.path / "last.safetensors")[0]
        assert all(torch.equal(value, found[name]) for name, value in expected.items()), stop_at
        assert len(losses(run)) == len(losses(whole))


def test_a_stop_while_web_images_are_judged_is_noticed_between_two(
    project: Project, config: Callable[..., RunConfig], folder: str
) -> None:
    chosen = config(web_images=folder, web_threshold=0.0)
    run, judged = begin(project, chosen), 0
    for progress in train(project, chosen, run):
        run.note(progress)
        judged += "judging" in progress.message
        if judged:
            run.request_stop()
    assert judged == 1
    assert not (run.path / WEB).exists()

    chosen, run = continued(project, run.path)
    assert carry_out(project, chosen, run, EventLines()).finished
    assert json.loads((run.path / WEB).read_text())["summary"] == "1 of 4 web images left out"


def test_folders_that_are_no_classes_are_refused(
    project: Project, config: Callable[..., RunConfig], folder: str
) -> None:
    (Path(folder) / "zebra-like").mkdir()
    chosen = config(web_images=folder)

    with pytest.raises(LabelError, match="zebra-like"):
        carry_out(project, chosen, begin(project, chosen), EventLines())
