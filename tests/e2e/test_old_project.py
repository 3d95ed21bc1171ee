"""A project as the program wrote it before its core and session were built anew opens and is what it was, to the byte.

`tests/fixtures/make_project_before.py` says what is in it and how it was made.
"""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_wsss.core.spread import spread
from tests.e2e.old_project import (
    DRAWN_AT_ONCE,
    digest,
    file_digest,
    on_disk,
    parameters_taken_back,
    proposals,
    taken_back,
    walked_through,
)
from tests.session.conftest import Sitting, sitting_on

__all__ = ["sitting_on"]

ARCHIVE = Path(__file__).parents[1] / "fixtures" / "project_before.zip"
Open = Callable[[Path], Sitting]
Facts = dict[str, Any]


@pytest.fixture(scope="module")
def expected() -> Facts:
    with zipfile.ZipFile(ARCHIVE) as archive:
        found: Facts = json.loads(archive.read("expected.json"))
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a closed copy of the project, beside its images, in another place than it was made in."""
    with zipfile.ZipFile(ARCHIVE) as archive:
        archive.extractall(tmp_path)
    return tmp_path / "project"


@pytest.fixture
def sitting(folder: Path, sitting_on: Open) -> Iterator[Sitting]:
    opened = sitting_on(folder)
    yield opened
    assert opened.failures == []


def plain(found: Any) -> Any:
    """Return what JSON makes of it."""
    return json.loads(json.dumps(found))


def work(folder: Path) -> dict[str, bytes]:
    """Return what a person's own files hold: accepted masks and scribbles."""
    files = [*folder.glob("masks/**/*.png"), *folder.glob("scribbles/**/*.png")]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_there_is_something_of_every_kind(expected: Facts) -> None:
    """Else the other tests would show little."""
    disk, shown = expected["on disk"], expected["walked through"]["images"]
    states = {record["state"] for record in disk["records"].values()}
    assert states == {"todo", "draft", "accepted", "skipped", "flagged", "excluded"}
    assert {kind for _, _, kind, *_ in disk["journal"]} >= {
        "plan",
        "mask",
        "draft",
        "undo",
        "state",
        "labels",
        "cluster",
    }
    assert {scope.partition(":")[0] for scope in disk["plan"]["overrides"]} == {"image", "cluster", "class"}
    kinds = {source["kind"] for mask in disk["working"].values() if mask for source in mask["table"]}
    assert "proposal" in kinds
    assert any(disk["strokes"].values())
    assert any(undone for *_, undone in disk["journal"])
    assert any(record["borrowed_from"] for record in disk["records"].values())
    images = list(disk["records"])
    assert len({shown[one]["proposal"] for one in images}) == len({expected["drawn at once"][one] for one in images})
    assert len({shown[one]["scribbles"] for one in images}) > 1
    assert len(expected["taken back"]) > 5
    assert len(expected["parameters taken back"]) > 3


def test_what_lies_in_the_folder_is_what_it_was(folder: Path, expected: Facts) -> None:
    """Classes, plan, records, clusters, journal, and masks with who made each pixel, strokes replayed."""
    found = plain(on_disk(folder))
    for part, value in expected["on disk"].items():
        assert found[part] == value, part
    assert found.keys() == expected["on disk"].keys()


def test_what_a_person_sees_is_what_it_was(sitting: Sitting, expected: Facts) -> None:
    """Proposals, maps, thresholds, gains, masks and scribbles of every image, and what the session says of itself."""
    found = plain(walked_through(sitting))
    for image_id, shown in expected["walked through"]["images"].items():
        assert found["images"][image_id] == shown, image_id
    results = [where_it_lies(name) for name in expected["walked through"].pop("results")]
    assert found.pop("results") == sorted(results)
    assert found == expected["walked through"]


def where_it_lies(result: str) -> str:
    """Return where a result of that version is now: under the same key, in a folder of bounded size."""
    key, _, name = result.partition("/")
    image_id, dot, suffix = name.rpartition(".")
    return (
        result if name == "provenance.json" or key.startswith("clusters") else f"{key}/{spread(image_id)}{dot}{suffix}"
    )


def test_what_is_drawn_at_once_is_what_it_was(sitting: Sitting, expected: Facts) -> None:
    """But for one image, in which a labelled class was missing then: it is there by its surest region now."""
    sitting.session.parameters.set_refiners(DRAWN_AT_ONCE)
    found, without_green = proposals(sitting), expected["drawn at once"].pop("p2.png")
    assert found.pop("p2.png") != without_green
    assert found == expected["drawn at once"]
    sitting.session.navigation.go_to("p2.png")
    assert set(np.unique(sitting.session.table.proposal)) == {0, 2, 3}


def test_proposals_are_computed_anew_as_they_were_stored(folder: Path, sitting_on: Open, expected: Facts) -> None:
    """Results may be deleted at any time; only the maps stay here, because there is no model to make them again."""
    removed = list(folder.glob("results/refine.*"))
    for path in removed:
        shutil.rmtree(path)
    assert removed
    found = proposals(sitting_on(folder))
    images = {one: shown["proposal"] for one, shown in expected["walked through"]["images"].items()}
    assert found == images


def test_decisions_of_then_are_taken_back(sitting: Sitting, expected: Facts) -> None:
    sitting.settle()
    assert taken_back(sitting) == expected["taken back"]


def test_changes_of_parameters_of_then_are_taken_back(sitting: Sitting, expected: Facts) -> None:
    sitting.settle()
    assert plain(parameters_taken_back(sitting)) == expected["parameters taken back"]


def test_opening_and_walking_through_leave_a_persons_files_alone(
    folder: Path, sitting_on: Open, expected: Facts
) -> None:
    before = work(folder)
    opened = sitting_on(folder)
    walked_through(opened)
    assert opened.session.close_project()
    assert work(folder) == before
    accepted = {one: found for one, found in expected["on disk"]["accepted files"].items() if found}
    assert {file_digest(folder / "masks" / f"{one}.png") for one in accepted} == set(accepted.values())
    found = plain(on_disk(folder))
    for part in ("plan", "accepted", "working", "accepted files", "clusters"):
        assert found[part] == expected["on disk"][part], part


def test_another_mask_is_noticed(folder: Path, sitting_on: Open, expected: Facts) -> None:
    """One pixel is enough for the comparison above to fail."""
    opened = sitting_on(folder)
    opened.settle()
    shown = opened.session.table.image_id
    mask = opened.paint(3, slice(0, 1), slice(0, 1))
    assert opened.session.close_project()
    found = plain(on_disk(folder))["working"][shown]
    assert found["values"] == digest(mask)
    assert found["values"] != expected["on disk"]["working"][shown]["values"]
