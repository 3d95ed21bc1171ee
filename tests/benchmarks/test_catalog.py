"""A catalog of 100,000 images: opening under 2 s, with memory that does not grow with the number of images."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from napari_wsss.core.catalog import UNDECIDED, NewImage
from napari_wsss.core.classes import ClassList
from napari_wsss.core.criteria import Criteria
from napari_wsss.core.project import Project

COUNT = 100_000
CLASSES = ClassList(f"class {k}" for k in range(20))
MEASURE = """
import resource, sys, time
from napari_wsss.core.project import Project

start = time.perf_counter()
project = Project.open(sys.argv[1])
counted = project.catalog.counts()["todo"], project.catalog.neighbour(project.catalog.at(0))
seconds = time.perf_counter() - start
print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def build(folder: Path, count: int) -> Path:
    images = (
        NewImage(f"day {i // 1000}/image {i:06d}.jpg", frozenset({CLASSES.names[i % 20], CLASSES.names[i * 7 % 20]}))
        for i in range(count)
    )
    Project.create(folder, folder, CLASSES, images).close()
    return folder


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("catalog") / "large", COUNT)


@pytest.fixture(scope="module")
def project(large: Path) -> Iterator[Project]:
    with Project.open(large) as opened:
        yield opened


def opened_in_a_fresh_process(folder: Path) -> tuple[float, int]:
    """Return the seconds to open and count, and the peak memory in KiB."""
    printed = subprocess.run(
        [sys.executable, "-c", MEASURE, str(folder)], check=True, capture_output=True, text=True, timeout=60
    ).stdout.split()
    return float(printed[0]), int(printed[1])


def test_opening_takes_under_two_seconds_and_flat_memory(benchmark: Any, large: Path, tmp_path: Path) -> None:
    small = build(tmp_path / "small", 10)
    found: list[tuple[float, int]] = []
    benchmark.pedantic(lambda: found.append(opened_in_a_fresh_process(large)), rounds=3)
    seconds = min(seconds for seconds, _ in found)
    grown = min(memory for _, memory in found) - opened_in_a_fresh_process(small)[1]
    benchmark.extra_info.update(open_seconds=round(seconds, 3), grown_kib=grown)
    assert seconds < 2
    assert grown < 16 * 1024, "one image may not cost more than some 160 bytes of memory"


def test_next_undecided(benchmark: Any, project: Project) -> None:
    middle = project.catalog.at(COUNT // 2)
    assert benchmark(project.catalog.neighbour, middle, 1, UNDECIDED) == project.catalog.at(COUNT // 2 + 1)


def test_first_page_of_records(benchmark: Any, project: Project) -> None:
    records = benchmark(lambda: list(islice(project.catalog.records(), 100)))
    assert len(records) == 100


def test_counts(benchmark: Any, project: Project) -> None:
    assert benchmark(project.catalog.counts)["todo"] == COUNT


def test_queue_by_score(benchmark: Any, project: Project) -> None:
    found = benchmark(project.catalog.find, Criteria(states=UNDECIDED), "score_ascending")
    assert len(found) == COUNT


def test_search_by_class_and_text(benchmark: Any, project: Project) -> None:
    found = benchmark(project.catalog.find, Criteria(classes=("class 3",), text="image 0999"))
    assert found
    assert all("image 0999" in image_id for image_id in found)
