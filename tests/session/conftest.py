"""Small projects and a localizer without torch: the real pipeline and store run, on pictures of 24 x 32 pixels."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from napari_wsss.core import registry
from napari_wsss.core.affinities import Affinities
from napari_wsss.core.classes import ClassList
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.parameters import NoParameters
from napari_wsss.core.plan import Plan, Step
from napari_wsss.project.project import Project
from napari_wsss.project.records import NewImage
from napari_wsss.session.mailbox import Mailbox
from napari_wsss.session.results import stages
from napari_wsss.session.results.shown import resolve
from napari_wsss.session.session import Session

HEIGHT, WIDTH = 24, 32
CLASSES = ClassList(("red", "green", "blue"))
CHECKPOINT = "training/classifier-test/best.safetensors"


class Colours:
    """A third party's localizer: the map of class k is colour channel k, times a gain from the checkpoint."""

    title = "Colours"
    Parameters = NoParameters

    def __init__(self, gain: float) -> None:
        self.gain = gain

    @classmethod
    def restore(cls, path: Path, device: str, *, background: bool = True) -> tuple[Colours, ClassList, Any]:
        record = json.loads(path.read_text())
        return cls(record["gain"]), ClassList(record["classes"]), SimpleNamespace(method="colours")

    def infer(self, image: NDArray[np.uint8], present: Sequence[int], settings: Any) -> ActivationMaps:
        scores = [np.clip(image[..., k] / np.float32(255) * self.gain, 0, 1) for k in present]
        stacked = np.asarray(scores, np.float32).reshape(len(present), *image.shape[:2])
        return ActivationMaps(stacked, tuple(present))

    def describe(self, image: NDArray[np.uint8], settings: Any) -> NDArray[np.float32]:
        return np.moveaxis(image[::4, ::4] / np.float32(255), -1, 0)


class Shares:
    """A third party's segmenter: each class has its colour's share of a pixel, the background what is left."""

    title = "Shares"
    Parameters = NoParameters

    @classmethod
    def restore(cls, path: Path, device: str, *, background: bool = True) -> tuple[Shares, ClassList, Any]:
        return cls(), ClassList(json.loads(path.read_text())["classes"]), SimpleNamespace(method="shares")

    def infer(self, image: NDArray[np.uint8], settings: Any) -> NDArray[np.float32]:
        colours = np.moveaxis(image / np.float32(3 * 255), -1, 0)
        return np.concatenate([1 - colours.sum(0, keepdims=True), colours])


class Edges:
    """A third party's affinity network: boundaries are where the red channel changes, when its checkpoint wants any."""

    title = "Edges"
    Parameters = NoParameters

    def __init__(self, gain: float) -> None:
        self.gain = gain

    @classmethod
    def restore(cls, path: Path, device: str, *, background: bool = True) -> tuple[Edges, ClassList, Any]:
        record = json.loads(path.read_text())
        return cls(record["gain"]), ClassList(record["classes"]), SimpleNamespace(method="edges")

    def infer(self, image: NDArray[np.uint8], settings: Any) -> Affinities:
        red = image[::4, ::4, 0] / np.float32(255)
        change = np.abs(np.diff(red, axis=1, prepend=red[:, :1])).astype(np.float32)
        pairs = np.stack([1 - change, 1 - change])
        return Affinities(pairs, np.array([(0, 1), (1, 0)]), change if self.gain else None)


class _Entry:
    def __init__(self, method: type[Any]) -> None:
        self.method = method

    def load(self) -> type[Any]:
        return self.method


@pytest.fixture(autouse=True)
def _colours_on_the_shelf(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = {"localize": {"colours": _Entry(Colours)}, "affinity": {"edges": _Entry(Edges)}}
    ours["segment"] = {"shares": _Entry(Shares)}
    monkeypatch.setattr(registry, "_foreign", lambda shelf: ours.get(shelf, {}))


def write_picture(path: Path, seed: int) -> None:
    """Write dim noise with a bright red square on the left and a bright green one on the right."""
    pixels = np.random.default_rng(seed).integers(0, 40, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    pixels[6:18, 4:14, 0] = 200
    pixels[8:16, 20:28, 1] = 220
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def write_checkpoint(folder: Path, gain: float = 1.0, relative: str = CHECKPOINT) -> Path:
    path = folder / relative
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"gain": gain, "classes": list(CLASSES.names)}))
    return path


def colours_plan(*refiners: Step, checkpoint: str = CHECKPOINT) -> Plan:
    return Plan(
        localizer=Step("colours"),
        refiners=refiners or (Step("constant_background", {"background_threshold": 0.5}),),
        localizer_checkpoint=checkpoint,
    )


def build_project(folder: Path, count: int = 6) -> Path:
    """Make a project of `count` pictures in `folder`; every third is red only, the others red and green."""
    shutil.copytree(_built(count).name, folder, dirs_exist_ok=True)
    return folder / "project"


@cache
def _built(count: int) -> TemporaryDirectory[str]:
    """Return the folder that `build_project` copies: making one waits for the disk a dozen times."""
    made = TemporaryDirectory()
    folder = Path(made.name)
    names = [f"p{index}.png" for index in range(count)]
    for index, name in enumerate(names):
        write_picture(folder / "images" / name, index)
    labels = [frozenset({"red"} if index % 3 == 2 else {"red", "green"}) for index in range(count)]
    images = [NewImage(name, found, "train") for name, found in zip(names, labels, strict=True)]
    Project.create(folder / "project", folder / "images", CLASSES, images).close()
    return made


@pytest.fixture
def project_folder(tmp_path: Path) -> Path:
    """Return the closed project of six pictures, without a model."""
    return build_project(tmp_path)


@pytest.fixture
def model_folder(project_folder: Path) -> Path:
    """Return the closed project of six pictures with the colours localizer applied."""
    write_checkpoint(project_folder)
    with Project.open(project_folder) as project:
        project.set_plan(colours_plan())
    return project_folder


class Sitting:
    """A session with its mailbox, and everything it said."""

    def __init__(self, config_folder: Path) -> None:
        self.mailbox = Mailbox()
        self.session = Session(self.mailbox, config_folder)
        self.notices: list[str] = []
        self.failures: list[str] = []
        self.session.signals.notice.connect(self.notices.append)
        self.session.signals.failed.connect(self.failures.append)

    def settle(self, timeout: float = 60.0) -> None:
        """Wait until nothing runs in the background and everything it said has arrived."""
        is_quiet = False
        while not is_quiet:  # what arrives last may start another job
            assert self.mailbox.drain_until(lambda: not self.session.jobs.all, timeout)
            self.mailbox.drain()
            is_quiet = not self.session.jobs.all

    def accept(self, and_next: bool = True) -> bool:
        """Accept as a person does who insists: mask and labels may differ."""
        accept = self.session.decisions.accept
        return accept(and_next) or (bool(self.session.mismatch.asked) and accept(and_next))

    def paint(self, value: int, rows: slice = slice(0, 3), columns: slice = slice(0, 3)) -> NDArray[np.uint8]:
        """Paint into the mask as napari does: in place, then the recorded change."""
        mask = self.session.table.mask
        assert mask is not None
        mask[rows, columns] = value
        self.session.table.touch()
        self.session.table.record_change(mask)
        return mask.copy()


def stored_maps(project: Project, image_id: str) -> ActivationMaps | None:
    """Return the stored base maps of an image under the project's plan."""
    return stages.base_maps(project, resolve(project, project.plan, image_id))


def stored_proposal(project: Project, image_id: str) -> NDArray[np.uint8] | None:
    """Return the stored pseudo mask of an image under the project's plan, a borrowed one first."""
    return stages.best_proposal(project, resolve(project, project.plan, image_id))


@pytest.fixture
def sitting_on(tmp_path: Path) -> Iterator[Callable[[Path], Sitting]]:
    """Return a function that opens a project in a new session; all are closed in the end."""
    opened: list[Sitting] = []

    def open_(folder: Path, **options: Any) -> Sitting:
        sitting = Sitting(tmp_path / "config")
        sitting.session.open_project(folder, **options)
        opened.append(sitting)
        return sitting

    yield open_
    for sitting in opened:
        sitting.session.close_project(discard_unsaved=True)


@pytest.fixture
def sitting(project_folder: Path, sitting_on: Callable[[Path], Sitting]) -> Sitting:
    """Return a session on a project without a model."""
    return sitting_on(project_folder)


@pytest.fixture
def computed(model_folder: Path, sitting_on: Callable[[Path], Sitting]) -> Sitting:
    """Return a session on a project with a model, after its inference."""
    found = sitting_on(model_folder)
    found.session.inference.start()
    found.settle()
    return found
