"""Text that all ids hold is told as a look at every id tells it, and without one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from napari_wsss.core.classes import ClassList
from napari_wsss.project.criteria import Criteria, anywhere
from napari_wsss.project.ordering import common_text as module
from napari_wsss.project.ordering.common_text import INDEX, lacking
from napari_wsss.project.project import Project
from napari_wsss.project.records import NewImage

ODD = (
    "Straße/Übung/_1.JPG",
    "straße/übung%_2.jpg",
    "mäuse🐭.jpg",
    "\U0010ffff.jpg",
    "a\U0010ffffa.jpg",
    "x.tiff",
    "jpg",
)


def made(folder: Path, ids: Iterable[str]) -> Project:
    folder.mkdir()
    return Project.create(folder / "project", folder, ClassList(("cat",)), [NewImage(one) for one in ids])


def days(count: int) -> list[str]:
    return [f"Day {at * 10 // count}/image {at:05d} left eye.jpg" for at in range(count)]


def looked_at(project: Project, text: str) -> set[int]:
    sql = "SELECT number FROM images WHERE id NOT LIKE ? ESCAPE '\\'"
    return set(project._database.column(sql, [anywhere(text)]))


def steps(project: Project, ask: Callable[[], object]) -> int:
    """Return how many hundreds of its instructions SQLite carries out for `ask`."""
    passed = [0]

    def count() -> int:
        passed[0] += 1
        return 0

    project._database.connection.set_progress_handler(count, 100)
    ask()
    project._database.connection.set_progress_handler(None, 0)
    return passed[0]


@pytest.mark.parametrize("most", [4, 40, 4096])
@pytest.mark.parametrize(
    "ids", [days(300), [*days(200), *ODD], [f"{at:03d}x{at % 7}.png" for at in range(100)], ODD, ["a"], []]
)
def test_it_tells_what_a_look_at_every_id_does_or_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ids: list[str], most: int
) -> None:
    monkeypatch.setattr(module, "MOST", most)
    told = 0
    with made(tmp_path / "some", ids) as project:
        for text in (
            "day",
            "JPG",
            "jpg",
            ".",
            "a",
            "e",
            "image 0",
            "left",
            "/",
            "ß",
            "Ü",
            "ü",
            "🐭",
            "%",
            "_",
            "x",
            "\\",
        ):
            found = lacking(project._database, len(ids), text)
            if found is not None:
                told += 1
                assert found.dtype == np.int32
                assert set(found.tolist()) == looked_at(project, text), text
    assert told or most < len(ids)


def test_the_work_does_not_grow_with_the_images(tmp_path: Path) -> None:
    few, many = days(5_000), days(20_000)
    with made(tmp_path / "few", few) as one, made(tmp_path / "many", many) as other:
        for text in ("day", "IMAGE", ".jpg", "e"):
            work = [steps(at, partial(at.catalog.count, Criteria(text=text))) for at in (one, other)]
            assert work[1] < 1.2 * work[0] + 2, text
            assert work[1] < steps(other, partial(looked_at, other, text)) / 5
            assert other.catalog.count(Criteria(text=text)) == len(many)
        assert lacking(other._database, len(many), "left") is None, "in the middle: nobody tries to walk to it"


def test_few_that_do_not_hold_it_are_found_one_by_one(tmp_path: Path) -> None:
    ids = days(6_000)
    for at, other in ((17, "Day 0/notes.TIFF"), (4_001, "other/image.jpeg"), (4_002, "Day 6/image.png")):
        ids[at] = other
    with made(tmp_path / "most", ids) as project:
        for text, others in ((".jpg", [18, 4_002, 4_003]), ("image", [18]), ("day", [4_002]), ("e", [])):
            assert sorted(lacking(project._database, len(ids), text).tolist()) == others, text  # type: ignore[union-attr]
            left_out = set(project.catalog.ids_of(others))
            assert project.catalog.ids_of(project.catalog.numbers(Criteria(text=text))) == [
                one for one in ids if one not in left_out
            ]


def test_a_project_of_before_is_answered_and_gets_the_index(tmp_path: Path) -> None:
    ids = days(200)
    with made(tmp_path / "old", ids) as project:
        project._database.execute(f"DROP INDEX {INDEX}")
        assert lacking(project._database, len(ids), ".jpg") is None
        assert project.catalog.count(Criteria(text=".jpg")) == len(ids)
        folder = project.folder
    with Project.open(folder) as opened:
        assert lacking(opened._database, len(ids), ".jpg") is not None
