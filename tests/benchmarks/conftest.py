"""Projects with stored activation maps (no model runs), the real window, and percentiles of what was measured."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import zoom

from napari_wsss.core.classes import ClassList
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.plan import Plan, Step
from napari_wsss.pipeline.lineage import base_provenance
from napari_wsss.project.project import Project
from napari_wsss.project.records import NewImage

CLASSES = ClassList(("ant", "bee", "cat", "dog"))
LABELS = frozenset({"ant", "cat", "dog"})
SEEN = 640
"""Longer side in pixels at which a network sees large pictures."""
CHECKPOINT = "training/classifier-stored/best.safetensors"
Context = Callable[[], AbstractContextManager[object]]
QUIET_ROUNDS = 40
NOTED: dict[str, dict[str, object]] = {}


def blobs(height: int, width: int, seed: int, grain: int = 1) -> ActivationMaps:
    """Return smooth maps (K, H, W) of the labelled classes, as a network's maps at stride 16 look when enlarged.

    Large pictures are reduced before a network sees them, in the product as here. Every cell is drawn by itself, so
    masks are as ragged as can be; with a `grain`, so many cells a side are about the same, as in things of that size.
    """
    random = np.random.default_rng(seed)
    present = CLASSES.indices(LABELS)
    stride = 16 * grain * max(1.0, max(height, width) / SEEN)
    coarse = random.random((len(present), int(height / stride) + 1, int(width / stride) + 1), dtype=np.float32) ** 2
    fine = zoom(coarse, (1, height / coarse.shape[1], width / coarse.shape[2]), order=1)
    scores = fine[:, :height, :width]
    return ActivationMaps(np.ascontiguousarray(scores / scores.max((1, 2), keepdims=True)), present)


def photograph(height: int, width: int, seed: int) -> Image.Image:
    """Return a picture with structure at many scales, so that the JPEG decoder works as on a photograph."""
    random = np.random.default_rng(seed)
    layers = [zoom(random.random((height // s + 1, width // s + 1, 3)), (s, s, 1), order=1) for s in (64, 16, 4)]
    pixels = sum(layer[:height, :width] for layer in layers) / len(layers)
    return Image.fromarray((pixels * 255).astype(np.uint8))


@pytest.fixture
def project_with_maps(tmp_path: Path) -> Callable[..., Path]:
    """Return a function (count, height, width, grain) -> folder of a closed project whose maps are all stored."""

    def make(count: int, height: int, width: int, grain: int = 1) -> Path:
        names = [f"photo_{index:03d}.jpg" for index in range(count)]
        (tmp_path / "images").mkdir()
        for seed, name in enumerate(names):
            photograph(height, width, seed).save(tmp_path / "images" / name, quality=92)
        images = [NewImage(name, LABELS, "train") for name in names]
        folder = tmp_path / "project"
        with Project.create(folder, tmp_path / "images", CLASSES, images) as project:
            (folder / CHECKPOINT).parent.mkdir(parents=True)
            (folder / CHECKPOINT).write_bytes(b"its content only decides the key of the stored maps")
            step = Step("power_background", {"background_power": 4.0})
            project.set_plan(Plan(refiners=(step,), localizer_checkpoint=CHECKPOINT))
            key = base_provenance(project, project.plan, "localize")
            for seed, name in enumerate(names):
                project.store.write_maps(key, name, project.image_hash(name), blobs(height, width, seed, grain))
        return folder

    return make


def percentile_ms(benchmark: object, share: float) -> float:
    """Return a percentile of the measured rounds in milliseconds."""
    return float(np.percentile(benchmark.stats.stats.data, share)) * 1000  # type: ignore[attr-defined]


@pytest.fixture
def note() -> Callable[..., None]:
    """Return a function that keeps p50, p95 and p99 with the benchmark's result, and a target beside them.

    Times are reported and not asserted: they depend on the machine and on what else runs there.
    """

    def keep(benchmark: object, *, target_ms: float | None = None, of: str = "p99_ms", **facts: object) -> None:
        found = {f"p{share}_ms": round(percentile_ms(benchmark, share), 3) for share in (50, 95, 99)}
        if target_ms is not None:
            found |= {"target": f"{of} < {target_ms:g}", "met": "yes" if found[of] < target_ms else "NO"}
        benchmark.extra_info.update(found | facts)  # type: ignore[attr-defined]
        NOTED[benchmark.name] = found | facts  # type: ignore[attr-defined]

    return keep


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print what was noted, which pytest-benchmark's own table leaves out."""
    for name, facts in NOTED.items():
        terminalreporter.write_line(f"{name}: " + ", ".join(f"{key} {value}" for key, value in facts.items()))


class Window:
    """The real window with the dock, and how long a change takes until it is painted."""

    def __init__(self, viewer: Any, dock: Any) -> None:
        self.viewer, self.dock, self.session = viewer, dock, dock.session
        self.own = 0.0
        self._draws = 0
        # napari has no public event for "painted"; its canvas is vispy's.
        viewer.window._qt_viewer.canvas._scene_canvas.events.draw.connect(self._drawn)

    def _drawn(self, _event: object) -> None:
        self._draws += 1

    def settle(self, seconds: float = 0.3, during: Context = nullcontext) -> None:
        """Let Qt work, within a context of `during`, until nothing has been painted and no job has run for a while."""
        from qtpy.QtWidgets import QApplication

        draws, quiet_since, rounds = self._draws, time.perf_counter(), 0
        # On a machine that is busy the time alone may pass before anything here has had its turn.
        while time.perf_counter() - quiet_since < seconds or rounds < QUIET_ROUNDS:
            with during():
                QApplication.processEvents()
            rounds += 1
            if self._draws != draws or self.session.jobs.all:
                draws, quiet_since, rounds = self._draws, time.perf_counter(), 0
            time.sleep(0.004)  # nobody is kept waiting, and the threads that all is waited for work undisturbed

    def work(self) -> None:
        """Let Qt work once."""
        from qtpy.QtWidgets import QApplication

        QApplication.processEvents()

    def painted(self, change: Callable[[], object]) -> float:
        """Make a change and return the seconds until the canvas has been painted after it.

        `own` then holds the time this thread was busy for it, which other programs on the machine do not lengthen.
        """
        from qtpy.QtWidgets import QApplication

        before, start, busy = self._draws, time.perf_counter(), time.thread_time()
        change()
        while self._draws == before:
            QApplication.processEvents()
            assert time.perf_counter() - start < 30, "the canvas was not painted"
        self.own = time.thread_time() - busy
        return time.perf_counter() - start


@pytest.fixture
def window(make_napari_viewer: Any, tmp_path: Path) -> Iterator[Callable[[Path], Window]]:
    """Return a function that opens a project in the dock of a shown viewer."""
    from napari_wsss.session.session import Session
    from napari_wsss.widgets.dock import WsssDock

    docks: list[Any] = []

    def open_(folder: Path) -> Window:
        viewer = make_napari_viewer(show=True)
        viewer.window.resize(1400, 900)
        dock = WsssDock(viewer, Session(config_folder=tmp_path / "config"))
        docks.append(dock)
        viewer.window.add_dock_widget(dock, name="WSSS", area="right")
        dock.open_project(folder)
        found = Window(viewer, dock)
        found.settle()
        return found

    yield open_
    for dock in docks:
        dock.shut_down()
