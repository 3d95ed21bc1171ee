"""Opening a project of 100,000 images: how long it takes, and that memory does not grow with the images."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from napari_wsss.core.classes import ClassList
from napari_wsss.core.project import NewImage, Project
from napari_wsss.session.session import Session

MANY, FEW = 100_000, 100
TARGET_MS = 2000.0
FLAT_MEGABYTES = 12.0
CLASSES = ClassList(("ant", "bee", "cat", "dog"))

LOOK = """
import json, sys, time
from pathlib import Path
from napari_wsss.core.project import Project

def status(name):
    found = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name)]
    return int(found[0].split()[1]) / 1024

Path("/proc/self/clear_refs").write_text("5")  # forget the peak of the imports
before, start = status("VmRSS"), time.perf_counter()
project = Project.open(sys.argv[1], read_only=sys.argv[2] == "read")
first = project.catalog.get(project.catalog.at(0))
last = project.catalog.get(project.catalog.at(len(project.catalog) - 1))
counts = project.catalog.counts()
seconds, grown = time.perf_counter() - start, status("VmHWM") - before
everything = list(project.catalog.records())
loaded = status("VmHWM") - before
project.close()
print(json.dumps({"ms": seconds * 1000, "grown": grown, "loaded": loaded, "todo": counts["todo"], "last": last.id}))
"""


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Return closed projects of few and of many images; only the first image has a file."""
    found = {}
    for count in (FEW, MANY):
        folder = tmp_path_factory.mktemp(f"catalog{count}")
        first = folder / "images" / next(_images(1)).id
        first.parent.mkdir(parents=True)
        Image.new("RGB", (64, 48)).save(first)
        Project.create(folder / "project", folder / "images", CLASSES, _images(count)).close()
        found[count] = folder / "project"
    return found


def _images(count: int) -> Iterator[NewImage]:
    for index in range(count):
        labels = frozenset({CLASSES.names[index % 4], CLASSES.names[index % 3]})
        yield NewImage(f"batch{index % 50:02d}/photo_{index:06d}.jpg", labels, "val" if index % 5 == 0 else "train")


def _look(folder: Path, mode: str) -> dict[str, Any]:
    """Open a project in a fresh process; return its time and the memory it added, in megabytes."""
    command = [sys.executable, "-c", LOOK, str(folder), mode]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("mode", ["write", "read"])
def test_open_catalog(benchmark: Any, note: Callable[..., None], folders: dict[int, Path], mode: str) -> None:
    """Open, read the first and the last record, count the states."""

    def open_and_look() -> None:
        with Project.open(folders[MANY], read_only=mode == "read") as project:
            project.catalog.get(project.catalog.at(MANY - 1))
            project.catalog.counts()

    benchmark.pedantic(open_and_look, rounds=10)
    note(benchmark, target_ms=TARGET_MS)


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
@pytest.mark.parametrize("mode", ["write", "read"])
def test_memory_is_flat(benchmark: Any, note: Callable[..., None], folders: dict[int, Path], mode: str) -> None:
    """A fresh process per round: nothing is warm in Python, and its peak memory is its own."""
    found = {count: _look(folders[count], mode) for count in (FEW, MANY)}
    benchmark.pedantic(lambda: _look(folders[MANY], mode), rounds=2)
    grown = {count: round(look["grown"], 1) for count, look in found.items()}
    note(benchmark, fresh_process_open_ms=round(found[MANY]["ms"]), grown_megabytes=grown)
    assert found[MANY]["todo"] == MANY
    assert found[MANY]["last"] == f"batch49/photo_{MANY - 1:06d}.jpg"
    assert grown[MANY] - grown[FEW] < FLAT_MEGABYTES
    assert found[MANY]["loaded"] - found[MANY]["grown"] > FLAT_MEGABYTES  # what loading all records would show


def test_open_sitting(benchmark: Any, note: Callable[..., None], folders: dict[int, Path], tmp_path: Path) -> None:
    """What a window does: project, review queue, the first image."""
    session = Session(config_folder=tmp_path / "config")

    def open_and_close() -> None:
        session.open_project(folders[MANY])
        assert session.queue is not None
        assert len(session.queue) == MANY
        assert session.image is not None
        session.close_project()

    benchmark.pedantic(open_and_close, rounds=5)
    note(benchmark, target_ms=TARGET_MS)
