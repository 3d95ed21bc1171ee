from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_wsss.core.errors import ProjectError
from napari_wsss.core.inside import below, found_below, has_file, is_below, is_link, not_through_links, why_not_plain

LEAVING = ["", ".", "..", "../a", "/etc/passwd", "a/../../b", "a\\b", "a\0b", "a/.."]


@pytest.mark.parametrize("stored", LEAVING)
def test_what_leaves_the_folder_is_refused(tmp_path: Path, stored: str) -> None:
    with pytest.raises(ProjectError, match="outside"):
        below(tmp_path, stored)
    assert why_not_plain(stored)
    assert not has_file(tmp_path, stored)


@given(st.text(max_size=40) | st.lists(st.sampled_from(["..", ".", "a", "", "\\", "b"])).map("/".join))
def test_whatever_is_not_refused_lies_below(stored: str) -> None:
    folder = Path("/somewhere/project")
    try:
        path = below(folder, stored)
    except ProjectError:
        return
    assert Path(os.path.normpath(path)) != folder
    assert os.path.normpath(path).startswith(f"{folder}/")


@pytest.mark.parametrize(
    "name", ["a.png", "day 1/ä.jpg", "emoji \U0001f469\u200d\U0001f52c.jpg", "a\u00a0b.png", "b" * 251]
)
def test_usual_names_are_plain(name: str) -> None:
    assert why_not_plain(name) == ""


@pytest.mark.parametrize(
    ("name", "word"),
    [("a\nb.jpg", "line break"), ("a\udcff.jpg", "UTF-8"), ("a\\b.jpg", "backslash"), ("b" * 252, "longer")],
)
def test_names_that_cannot_be_used_say_why(name: str, word: str) -> None:
    assert word in why_not_plain(name)


def test_links_on_the_way_are_refused(tmp_path: Path) -> None:
    project, outside = tmp_path / "project", tmp_path / "outside"
    (project / "real").mkdir(parents=True)
    outside.mkdir()
    (project / "linked").symlink_to(outside)
    (project / "broken").symlink_to(outside / "gone")
    for path in (project / "linked", project / "linked" / "a" / "b.png", project / "broken"):
        with pytest.raises(ProjectError, match="is a link"):
            not_through_links(project, path)
    assert not_through_links(project, project / "real" / "a" / "b.png").name == "b.png"
    with pytest.raises(ProjectError, match="outside"):
        not_through_links(project, outside)


def test_a_link_above_the_project_is_the_person_s_own(tmp_path: Path) -> None:
    (tmp_path / "disk" / "project").mkdir(parents=True)
    (tmp_path / "home").symlink_to(tmp_path / "disk")
    project = tmp_path / "home" / "project"
    assert not_through_links(project, project / "masks") == project / "masks"
    assert is_below(project, tmp_path / "disk" / "project" / "a")
    assert is_link(tmp_path / "home")


def test_absolute_places_must_lie_below(tmp_path: Path) -> None:
    inside = tmp_path / "project" / "training" / "a"
    inside.mkdir(parents=True)
    project = tmp_path / "project"
    assert found_below(project, str(inside)) == found_below(project, "training/a")
    for stored in (str(tmp_path), "..", "/etc", "a\0"):
        with pytest.raises(ProjectError, match="outside"):
            found_below(project, stored)
