"""The image on the table: what is drawn, copied and accepted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_wsss.project.project import Project
from napari_wsss.session.results.machine import Machine, Picture
from napari_wsss.session.table.canvas import Canvas, open_canvas
from tests.session.conftest import HEIGHT, WIDTH

PROPOSAL = np.array([[1, 1, 0], [2, 2, 0]], np.uint8)


def canvas(mask: list[list[int]], proposal: np.ndarray | None = PROPOSAL, touched: bool = True) -> Canvas:
    picture = Picture("a.png", np.zeros((2, 3, 3), np.uint8), "", Machine(proposal=proposal))
    return Canvas(picture, np.array(mask, np.uint8), touched)


@pytest.mark.parametrize(
    ("class_value", "only_empty", "expected"),
    [
        (None, False, [[1, 1, 0], [2, 2, 0]]),
        (None, True, [[3, 1, 0], [2, 2, 3]]),
        (1, False, [[1, 1, 0], [0, 0, 3]]),
        (1, True, [[3, 1, 0], [0, 0, 3]]),
        (2, False, [[3, 0, 0], [2, 2, 3]]),
    ],
)
def test_copying_the_proposal(class_value: int | None, only_empty: bool, expected: list[list[int]]) -> None:
    table = canvas([[3, 0, 0], [0, 0, 3]])
    chosen = table.copied_pixels(class_value, only_empty)
    np.testing.assert_array_equal(table.copy_of_proposal(chosen), expected)
    np.testing.assert_array_equal(table.mask, [[3, 0, 0], [0, 0, 3]])


def test_copying_without_a_proposal_changes_nothing() -> None:
    table = canvas([[3, 0, 0], [0, 0, 3]], proposal=None)
    np.testing.assert_array_equal(table.copy_of_proposal(table.copied_pixels(None, False)), table.mask)


def test_what_a_person_erased_is_not_empty() -> None:
    table = canvas([[3, 0, 0], [0, 0, 3]])
    erased = np.array([[False, True, False], [False, False, False]])
    np.testing.assert_array_equal(table.copied_pixels(None, True, erased), [[False, False, True], [True, True, False]])


def test_accepting_means_the_mask_once_touched_else_the_proposal() -> None:
    empty = [[0, 0, 0], [0, 0, 0]]
    touched, untouched, nothing = canvas(empty), canvas(empty, touched=False), canvas(empty, None, touched=False)
    assert touched.mask_to_accept() is touched.mask
    assert untouched.mask_to_accept() is PROPOSAL
    assert nothing.mask_to_accept() is None


def test_replacing_the_machines_results_leaves_the_mask() -> None:
    table = canvas([[3, 0, 0], [0, 0, 3]])
    before = table.mask
    table.set_machine(Machine())
    assert table.mask is before
    assert table.machine.proposal is None


def test_a_mask_of_another_size_is_not_shown_and_said(project_folder: Path) -> None:
    with Project.open(project_folder) as project:
        project.review.accept("p0.png", np.ones((HEIGHT, WIDTH), np.uint8))
        picture = Picture("p0.png", np.zeros((5, 7, 3), np.uint8), "", Machine())
        table, drawn, warning = open_canvas(project, picture)
    assert drawn.values is table.mask
    assert table.mask.shape == (5, 7)
    assert not table.touched
    assert "32x24" in warning
    assert "7x5" in warning
