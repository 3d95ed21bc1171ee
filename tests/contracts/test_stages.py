"""What holds for every stage and recipe: bad images are named and the rest works; a stop waits for no second image."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from napari_wsss.affinity.base import AffinityModel
from napari_wsss.core.masks import read_mask
from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.pipeline import ready
from napari_wsss.pipeline.lineage import with_model
from napari_wsss.project.project import Project
from napari_wsss.saliency.base import SaliencyModel
from tests.tiny_project import put_split
from tests.training.conftest import (
    TINY,
    _no_plots,
    applied_folder,
    lines_of,
    made_applied,
    made_project,
    tiny_config,
    tiny_data,
)
from training.config import RunConfig, module_of
from training.data import usable_images
from training.data.picture_memory import PictureMemory
from training.execute import begin, continued
from training.loop.learner import Learner
from training.report import EventLines
from training.run import main
from training.run_folder import RunFolder

__all__ = ["_no_plots", "applied_folder", "lines_of", "made_applied", "made_project", "tiny_config", "tiny_data"]

RECIPES: dict[str, tuple[str, dict[str, Any]]] = {
    "cam": ("classifier", {}),
    "edam": ("classifier", {}),
    "lpcam": ("classifier", {}),
    "sub_category": ("classifier", {}),
    "co_attention": ("classifier", {}),
    "deeplab_v3": ("segmentation", {"sources": {"machine_weight": 0.5}}),
    "hypercolumns": ("segmentation", {"optimisation": {"iterations": 4}}),
    "pixel_classifier": ("segmentation", {}),
    "affinity_net": ("affinity", {}),
    "boundary_net": ("boundary", {}),
    "ldf": ("saliency", {"network": {"output_stride": 32}, "augmentation": {"crop": 64}}),
}
"""Method -> recipe and what it wants besides the tiny configuration; one for each module of ``training.recipes``."""
BATCH = {"edam": 4, "co_attention": 6}
"""Images in a batch where it is not the two of the tiny configuration: at least one group."""
FOR_SALIENCY = ["--crop", "64", "--output-stride", "32"]


def test_every_recipe_is_among_them() -> None:
    modules = {path.stem for path in Path(import_module("training.recipes").__file__ or "").parent.glob("[a-z]*.py")}
    assert {module_of(recipe, method) for method, (recipe, _) in RECIPES.items()} == modules


# -- a stop ---------------------------------------------------------------------------------------------------


class Watched:
    """Counts what a run works on between two looks for a stop: images it reads or asks a model, and steps of learning.

    What is read ahead, in threads of its own, is no work of the run's.
    """

    def __init__(self, patch: pytest.MonkeyPatch, owner: type = RunFolder, ask: str = "stop_requested") -> None:
        self.images: set[str] = set()
        self.updates = self.asked = 0
        self.most: tuple[int, int, list[str]] = (0, 0, [])
        self._thread = threading.get_ident()
        self._wrap(patch, Project, "load_image", self._read)
        self._wrap(patch, ready, "model_maps", lambda lineage, *_: self.images.add(lineage.image_id))
        self._wrap(patch, PictureMemory, "kept", lambda _, key, make: self.images.add(_name_in(key)))
        self._wrap(patch, usable_images, "why_unusable", lambda _, record: self.images.add(record.id))
        self._wrap(patch, Learner, "update", self._update)
        self._wrap(patch, owner, ask, self._ask)

    def _wrap(self, patch: pytest.MonkeyPatch, owner: Any, name: str, note: Callable[..., object]) -> None:
        real = getattr(owner, name)

        def noted(*given: Any, **named: Any) -> Any:
            if threading.get_ident() == self._thread:
                note(*given, **named)
            return real(*given, **named)

        patch.setattr(owner, name, noted)

    def _read(self, project: Project, image_id: str, *_: object, **_how: object) -> None:
        if not project.kept_pixels(image_id):
            self.images.add(image_id)

    def _update(self, *_: object) -> None:
        self.updates += 1

    def _ask(self, *_: object) -> None:
        self.asked += 1
        self.most = max(self.most, (len(self.images), self.updates, sorted(self.images)))
        self.images.clear()
        self.updates = 0


def _name_in(key: Any) -> str:
    while isinstance(key, tuple):
        key = next(part for part in key if isinstance(part, str | tuple))
    return str(key)


@pytest.fixture
def whole_folder(applied_folder: Path) -> Path:
    """Return a project with a classifier, whose val split has more accepted masks than a batch has images."""
    with Project.open(applied_folder) as project:
        train = list(project.catalog.ids(split="train"))
        truth = project.images_root.parent / "SegmentationClass"
        for image_id in train[-2:]:
            put_split(project, image_id, "val")
        for image_id in project.catalog.ids(split="val"):
            project.review.accept(image_id, read_mask(truth / f"{Path(image_id).stem}.png"))
    return applied_folder


@pytest.mark.parametrize("method", RECIPES)
def test_no_more_than_one_batch_is_worked_on_between_two_looks_for_a_stop(
    method: str, whole_folder: Path, tiny_config: Callable[..., RunConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, sections = RECIPES[method]
    config = tiny_config(recipe, method, **sections)
    with Project.open(whole_folder, read_only=True) as project:
        run = begin(project, config)
        steps = import_module(f"training.recipes.{module_of(recipe, method)}").train(project, config, run)
        watched = Watched(monkeypatch)
        with closing(steps):
            for _ in steps:
                pass
    images, updates, named = watched.most
    assert watched.asked > 3
    assert images <= BATCH.get(method, 2), named
    assert updates <= 1


@pytest.mark.parametrize("method", ["cam", "deeplab_v3", "affinity_net", "boundary_net", "ldf"])
def test_a_stop_within_a_validation_loses_nothing(
    method: str, whole_folder: Path, tiny_config: Callable[..., RunConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, sections = RECIPES[method]
    config = tiny_config(recipe, method, **sections)
    train = import_module(f"training.recipes.{module_of(recipe, method)}").train
    with Project.open(whole_folder, read_only=True) as project:
        whole = begin(project, config)
        expected = _outcome(train(project, config, whole))
        run, asked = begin(project, config), RunFolder.ask

        def stop_at_the_first_image(self: RunFolder) -> None:
            run.request_stop()
            asked(self)

        with monkeypatch.context() as patch:
            patch.setattr(RunFolder, "ask", stop_at_the_first_image)
            assert not _outcome(train(project, config, run)).finished
        while not (found := _outcome(train(project, *continued(project, run.path)))).finished:
            pass
    assert found.figures == pytest.approx(expected.figures)
    assert found.tables == expected.tables
    assert found.steps == expected.steps


def _outcome(steps: Iterator[Any]) -> Any:
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


# -- images that cannot be used -------------------------------------------------------------------------------


@pytest.fixture
def bad(whole_folder: Path, tmp_path: Path) -> dict[str, str]:
    """Damage one image of each split, take one away and make one larger; return what each is."""
    with Project.open(whole_folder) as project:
        put_models(project)
        project.locate_images(Path(shutil.copytree(project.images_root, tmp_path / "images")))
        train, val = (list(project.catalog.ids(split=split)) for split in ("train", "val"))
        path = project.image_path(train[0])
        path.write_bytes(path.read_bytes()[:200])
        project.image_path(train[2]).unlink()
        Image.new("RGB", (40, 52), (9, 9, 9)).save(project.image_path(val[0]))
        path = project.image_path(val[1])
        path.write_bytes(path.read_bytes()[:200])
    return {train[0]: "damaged", train[2]: "missing", val[0]: "larger", val[1]: "damaged"}


def put_models(project: Project) -> None:
    """Apply a boundary network and a saliency network with weights by chance."""
    plan = project.plan
    for shelf, method, network in (
        ("affinity", "boundary_net", AffinityModel.build("boundary_net", TrunkChoice("resnet18", width=1 / 16))),
        ("saliency", "ldf", SaliencyModel.build("ldf", TrunkChoice("resnet18", width=1 / 16), {"side": 64})),
    ):
        path = project.training_folder / f"{method}.safetensors"
        network.save(path, None, {})
        plan = with_model(plan, shelf, method, path.relative_to(project.folder).as_posix())
    project.set_plan(plan)


def named_in(text: str, bad: dict[str, str]) -> set[str]:
    return {image_id for image_id in bad if image_id in text}


STAGES: dict[str, tuple[list[str], set[str]]] = {
    "localize": ([], {"damaged", "missing"}),
    "refine": (["--refiners", "power_background"], {"damaged", "missing"}),
    "evaluate seeds": (["--of", "seeds", "--truth", "{truth}"], {"damaged", "missing", "larger"}),
    "evaluate refined": (["--of", "refined", "--truth", "{truth}"], {"damaged", "missing", "larger"}),
    "evaluate pseudo": (["--of", "pseudo", "--truth", "{truth}"], {"damaged", "missing", "larger"}),
    "evaluate accepted": (["--of", "accepted", "--truth", "{truth}"], {"larger"}),
    "evaluate saliency": (["--of", "saliency", "--write", "{out}"], {"damaged", "missing"}),
    "clusters": (["--count", "2", "--projection", "pca"], {"damaged", "missing"}),
    "instances": (["--out", "{out}"], {"damaged", "missing"}),
    "compare": (["--truth", "{truth}", "--epochs", "1", "--sheet", "2"], {"damaged", "missing"}),
}
"""Stage (and what of) -> options, and which kinds of images it has to name."""


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_names_bad_images_and_works_on_the_others(
    name: str, bad: dict[str, str], whole_folder: Path, tiny_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    stage, kinds = name.partition(" ")[0], STAGES[name][1]
    arguments = words_of(name, whole_folder, tiny_data, tmp_path)
    if stage == "compare":
        arguments += ["--trunk-weights", "none", "--out", str(tmp_path / "out")]
    capsys.readouterr()

    code = main(arguments)

    told = capsys.readouterr()
    wanted = {image_id for image_id, kind in bad.items() if kind in kinds}
    if stage == "compare":  # scores the images that train
        wanted = {image_id for image_id in wanted if image_id in _ids(whole_folder, "train")}
    assert code in (0, 4 if stage in ("localize", "refine", "instances") else 0), told.err
    assert wanted <= named_in(told.out, bad)


@pytest.mark.parametrize("name", [name for name in STAGES if name != "compare"])
def test_a_stage_reports_after_every_image(
    name: str, whole_folder: Path, tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it reports, a job is cancelled and Ctrl+C is heard."""
    with Project.open(whole_folder) as project:
        put_models(project)
    watched = Watched(monkeypatch, EventLines, "show")
    assert main(words_of(name, whole_folder, tiny_data, tmp_path)) == 0
    images, _, named = watched.most
    assert watched.asked > 3
    assert images <= 1, named


def words_of(name: str, folder: Path, data: Path, out: Path) -> list[str]:
    places = {"{truth}": str(data / "SegmentationClass"), "{out}": str(out / "out")}
    given = [places.get(one, one) for one in STAGES[name][0]]
    return [name.partition(" ")[0], "--project", str(folder), "--threads", "1", *given, "--events"]


def _ids(folder: Path, split: str) -> list[str]:
    with Project.open(folder, read_only=True) as project:
        return list(project.catalog.ids(split=split))


@pytest.mark.parametrize("method", RECIPES)
def test_a_training_names_bad_images_and_learns_from_the_others(
    method: str, bad: dict[str, str], whole_folder: Path, capsys: pytest.CaptureFixture
) -> None:
    recipe, _ = RECIPES[method]
    options = FOR_SALIENCY if method == "ldf" else ["--trunk", "resnet18"] if method == "co_attention" else []
    capsys.readouterr()

    code = main([recipe, "--project", str(whole_folder), "--method", method, "--events", *TINY, *options])

    told = capsys.readouterr()
    assert code == 0, told.err
    assert set(bad) == named_in(told.out, bad)
    run = max((whole_folder / "training").glob(f"{recipe}-*/run.json"), key=lambda path: path.stat().st_mtime_ns)
    assert set(RunFolder.open(run.parent).record["left_out"]) >= set(bad)
