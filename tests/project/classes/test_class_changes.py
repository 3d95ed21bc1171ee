"""Merging, deleting and colouring classes: labels and pixels follow, files do not change, all of it comes back."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from napari_wsss.core.classes import BACKGROUND, IGNORE, ClassList
from napari_wsss.core.errors import LabelError, ProjectError
from napari_wsss.project.criteria import Criteria
from napari_wsss.project.label_imports import Said
from napari_wsss.project.project import Project
from napari_wsss.project.records import NewImage
from napari_wsss.project.scribble_files import read_scribbles, write_scribbles
from tests.tiny_project import HEIGHT, IDS, WIDTH

A, B, C, D = IDS
NAMES = ("cat", "dog", "wild boar", "owl")


def files_of(project: Project) -> dict[str, bytes]:
    """Return every file of a person's work, byte for byte."""
    folders = [project.folder / name for name in ("masks", "drafts", "scribbles")]
    return {str(path): path.read_bytes() for folder in folders for path in sorted(folder.rglob("*.png"))}


def said(project: Project) -> list[tuple[Said, tuple[int, ...] | None]]:
    return [(Said.of(record), record.painted) for record in project.catalog.records()]


def masks(project: Project) -> list[np.ndarray | None]:
    return [project.masks.read_working(image_id) for image_id in project.catalog.ids()]


def same(one: list[np.ndarray | None], other: list[np.ndarray | None]) -> bool:
    return all(
        np.array_equal(a, b) if a is not None and b is not None else a is b for a, b in zip(one, other, strict=True)
    )


def test_a_merged_class_is_the_other_one_everywhere(project: Project, mask: np.ndarray) -> None:
    mask[0, 0] = 2
    project.review.accept(A, mask)
    project.review.record_stroke(B, np.arange(4), np.full(4, 2, np.uint8))
    write_scribbles(project, C, np.where(mask == 255, 0, mask).astype(np.uint8))
    before = files_of(project)
    effect = project.class_changes.effect("dog", "wild boar")
    assert project.class_changes.merge("dog", "wild boar") == effect
    assert (effect.labelled, effect.masks, effect.left_empty) == (1, 1, 0)
    assert "dog becomes wild boar: in the labels of 1 image and in 1 accepted mask" in effect.text
    assert project.catalog.get(A).labels == {"cat", "wild boar"}
    np.testing.assert_array_equal(project.masks.read_accepted(A), np.where(mask == 2, 3, mask))
    draft, scribbles = project.masks.read_draft(B), read_scribbles(project, C)
    assert draft is not None
    assert scribbles is not None
    assert (draft.ravel()[:4] == 3).all()
    assert not (scribbles == 2).any()
    assert project.catalog.get(A).painted == (0, 2)
    assert not project.catalog.find(Criteria(mismatch=True))
    assert files_of(project) == before, "no file is touched"
    assert project.classes.current == ("cat", "wild boar")
    assert project.classes.names == ("cat", "dog", "wild boar"), "mask values and head channels stay"


@pytest.mark.parametrize(("pixels", "value"), [("background", BACKGROUND), ("ignore", IGNORE)])
def test_a_deleted_class_goes_from_labels_and_pixels(
    project: Project, mask: np.ndarray, pixels: str, value: int
) -> None:
    project.review.accept(B, mask)
    write_scribbles(project, C, np.ones((HEIGHT, WIDTH), np.uint8))
    effect = project.class_changes.delete("cat", pixels)  # type: ignore[arg-type]
    assert (effect.labelled, effect.left_empty, effect.masks) == (4, 3, 1)
    assert f"count as {pixels}" in effect.text
    assert project.catalog.get(A).labels == {"dog"}
    assert project.catalog.get(B).negative, "it was said to hold none of the others"
    np.testing.assert_array_equal(project.masks.read_accepted(B), np.where(mask == 1, value, mask))
    assert read_scribbles(project, C) is None, "nothing is said by a scribble of a class that is no more"


def test_what_is_not_possible_changes_nothing(project: Project) -> None:
    before = said(project)
    changes = project.class_changes
    for wrong in (
        lambda: changes.merge("cat", "cat"),
        lambda: changes.merge("cat", "cow"),
        lambda: changes.merge("cow", "cat"),
        lambda: changes.merge("cat", "ignore"),
        lambda: changes.delete("cat", "dog"),  # type: ignore[arg-type]
        lambda: changes.set_colour("cat", "red"),
    ):
        with pytest.raises(LabelError):
            wrong()
    changes.delete("cat")
    changes.delete("dog")
    with pytest.raises(LabelError, match="only class"):
        changes.delete("wild boar")
    for taken in (lambda: project.add_class("dog"), lambda: project.rename_class("wild boar", " dog ")):
        with pytest.raises(LabelError, match="stays taken"):
            taken()
    with pytest.raises(LabelError, match="no class for"):
        project.set_labels(A, {"dog"})
    assert changes.take_back() == "dog deleted"
    assert changes.take_back() == "cat deleted"
    assert changes.take_back() == changes.last == ""
    assert said(project) == before


def test_what_was_said_and_drawn_since_stays(project: Project, mask: np.ndarray) -> None:
    project.review.accept(A, np.where(mask == 3, 2, mask).astype(np.uint8))
    project.review.accept(B, np.where(mask == 3, 2, mask).astype(np.uint8))
    project.set_labels(B, {"dog"})
    project.class_changes.merge("dog", "wild boar")
    project.set_labels(A, {"cat"})  # no boar after all
    mask[0, 7] = 3
    project.review.accept(B, mask)
    project.class_changes.take_back()
    assert project.catalog.get(A).labels == {"cat"}
    assert project.catalog.get(B).labels == {"dog"}
    np.testing.assert_array_equal(project.masks.read_accepted(B), mask)
    assert set(np.unique(project.masks.read_accepted(A))) == {0, 1, 2, 255}  # type: ignore[arg-type]
    assert project.catalog.get(B).painted is None, "which of both it shows is not known"


def test_older_decisions_are_taken_back_as_the_classes_count_now(project: Project, mask: np.ndarray) -> None:
    mask = np.where(mask == 3, 2, mask).astype(np.uint8)
    project.review.accept(A, mask)
    project.review.accept(A, np.zeros_like(mask))
    project.label_imports.take({C: Said(frozenset({"dog"}))}, "one")
    project.label_imports.take({C: Said(frozenset({"cat"}))}, "two")
    project.class_changes.merge("dog", "wild boar")
    project.review.undo()
    np.testing.assert_array_equal(project.masks.read_accepted(A), np.where(mask == 2, 3, mask))
    assert project.catalog.get(A).painted == (0, 2)
    project.label_imports.take_back()
    assert project.catalog.get(C).labels == {"wild boar"}


def test_doubts_follow(project: Project) -> None:
    project.set_labels(A, {"cat"}, unknown={"dog"})
    project.set_labels(B, {"dog"}, unknown={"wild boar"})
    before = said(project)
    project.class_changes.merge("dog", "wild boar")
    assert (project.catalog.get(A).unknown, project.catalog.get(B).unknown) == ({"wild boar"}, frozenset())
    assert project.catalog.get(B).labels == {"wild boar"}
    project.class_changes.take_back()
    assert said(project) == before


def test_proposals_of_what_changed_are_older_than_the_classes(project: Project) -> None:
    for image_id in (A, B):
        project.catalog.set_score(image_id, 0.5)
    project.class_changes.merge("dog", "wild boar")
    assert [record.stale for record in project.catalog.records()] == [True, False, False, False]


def test_colours_are_kept_and_taken_back(project: Project) -> None:
    palette = project.classes.screen.copy()
    project.class_changes.set_colour("dog", "#FF0080")
    project.class_changes.set_colour("dog", "#00ff80")
    assert project.classes.screen[2].tolist() == [0, 255, 128]
    assert project.classes.palette[2].tolist() == ClassList(("a", "b")).palette[2].tolist(), "files keep VOC's"
    project.rename_class("dog", "hound")
    assert project.classes.colours == {2: "#00ff80"}, "a name does not matter"
    assert project.class_changes.take_back() == "another colour of dog"
    assert project.classes.colours == {2: "#ff0080"}
    project.class_changes.set_colour("hound", "")
    np.testing.assert_array_equal(project.classes.screen, palette)


def test_damaged_records_are_told_or_passed_over(project: Project) -> None:
    project.class_changes.delete("dog")
    project._database.execute("UPDATE journal SET before = '{\"action\": \"gone\"}' WHERE kind = 'classes'", ())
    with pytest.raises(ProjectError, match="damaged"):
        project.class_changes.take_back()
    with project._database.transaction("classes") as connection:
        connection.execute("UPDATE classes SET becomes = 'x', colour = '#12' WHERE position = 1")
        connection.execute("UPDATE classes SET becomes = 1 WHERE position = 0")
    assert (project.classes.current, project.classes.colours) == (("cat", "dog", "wild boar"), {})


# -- properties -----------------------------------------------------------------------------------------------

STEPS = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from((*NAMES, "background", "ignore"))), max_size=3)
VALUES = st.lists(st.sampled_from((0, 1, 2, 3, 4, 255)), min_size=12, max_size=12)
LABELS = st.lists(st.tuples(st.sets(st.sampled_from(NAMES)), st.sampled_from(NAMES)), min_size=3, max_size=3)


@settings(max_examples=25, deadline=None)
@given(VALUES, VALUES, LABELS, STEPS)
def test_changes_and_undo_leave_everything_as_it_was(
    accepted: list[int], drawn: list[int], labels: list[tuple[set[str], str]], steps: list[tuple[str, str]]
) -> None:
    """Masks byte for byte, drafts, labels, doubts; and while it lasts no image shows a class that is gone."""
    with TemporaryDirectory() as made:
        root = Path(made) / "images"
        root.mkdir()
        images = []
        for number, (names, unsure) in enumerate(labels):
            Image.new("RGB", (4, 3), (number, 0, 0)).save(root / f"{number}.png")
            images.append(NewImage(f"{number}.png", frozenset(names), unknown=frozenset({unsure} - names)))
        with Project.create(Path(made) / "project", root, ClassList(NAMES), images) as project:
            project.review.accept("0.png", np.array(accepted, np.uint8).reshape(3, 4))
            project.review.record_stroke("1.png", np.arange(12), np.array(drawn, np.uint8))
            before = files_of(project), said(project), masks(project)
            done = 0
            for name, into in steps:
                changes = project.class_changes
                try:
                    changes.delete(name, into) if into in ("background", "ignore") else changes.merge(name, into)  # type: ignore[arg-type]
                except LabelError:
                    continue
                done += 1
                known = set(project.classes.values())
                assert all(set(np.unique(found)) <= known for found in masks(project) if found is not None)
                for now, _ in said(project):
                    assert now.labels | now.unknown <= set(project.classes.current)
                    assert not now.labels & now.unknown
            assert files_of(project) == before[0]
            for _ in range(done):
                assert project.class_changes.take_back()
            assert (files_of(project), said(project)) == before[:2]
            assert same(masks(project), before[2])


KILLED = """
import sys
from napari_wsss.project.project import Project
project = Project.open(sys.argv[1], take_over=True)
print("open", flush=True)
while True:
    project.class_changes.merge("dog", "wild boar")
    print("merged", flush=True)
    project.class_changes.take_back()
    print("back", flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_killed_in_the_middle_it_is_done_or_not(project: Project, mask: np.ndarray) -> None:
    project.review.accept(A, np.where(mask == 3, 2, mask).astype(np.uint8))
    project.review.record_stroke(B, np.arange(4), np.full(4, 2, np.uint8))
    folder = project.folder
    states = {"back": (said(project), masks(project))}
    project.class_changes.merge("dog", "wild boar")
    states["merged"] = said(project), masks(project)
    project.class_changes.take_back()
    files = files_of(project)
    project.close()
    seen = set()
    for delay in (0.0, 0.003, 0.007, 0.012, 0.02):
        child = subprocess.Popen([sys.executable, "-c", KILLED, str(folder)], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        assert child.stdout.readline() == "open\n"
        try:
            child.wait(delay)
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGKILL)
        child.wait(20)
        child.stdout.close()
        with Project.open(folder, take_over=True) as again:
            now = said(again), masks(again)
            found = [name for name, state in states.items() if state[0] == now[0] and same(state[1], now[1])]
            assert len(found) == 1, "all of it, or nothing"
            seen.add(found[0])
            assert files_of(again) == files
            while again.class_changes.last:
                again.class_changes.take_back()
            assert said(again) == states["back"][0]
    assert seen
    shutil.rmtree(folder)
