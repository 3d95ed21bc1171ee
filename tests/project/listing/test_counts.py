"""Counts that are kept, against the labels themselves."""

from __future__ import annotations

from napari_wsss.project.durable.check import check
from napari_wsss.project.listing.counts import miscounted, recount
from napari_wsss.project.project import Project
from tests.tiny_project import IDS


def test_triggers_keep_them_right(project: Project) -> None:
    assert list(miscounted(project._database)) == []
    project.set_labels(IDS[1], {"dog"})
    project.catalog.set_state(IDS[0], "flagged")
    project.set_labels(IDS[2], set())
    assert list(miscounted(project._database)) == []


def test_what_is_wrong_is_told_and_counted_again(project: Project) -> None:
    database = project._database
    database.execute("UPDATE images SET label_count = 7 WHERE id = ?", (IDS[1],))
    database.execute("UPDATE class_counts SET many = many + 2 WHERE class = 0")
    of_images, of_classes = miscounted(database)
    assert "1 images" in of_images
    assert IDS[1] in of_images
    assert "it is 6, and 4 have it" in of_classes
    recount(database)
    assert list(miscounted(database)) == []
    assert project.catalog.class_counts()["cat"] == 4


def test_a_check_finds_and_repairs_them(project: Project) -> None:
    project._database.execute("UPDATE class_counts SET many = 0")
    folder = project.folder
    project.close()
    assert [finding.kind for finding in check(folder) if finding.kind == "counts"] == ["counts"]
    assert [one.repaired for one in check(folder, repair=True) if one.kind == "counts"] == [True]
    assert not [finding for finding in check(folder) if finding.kind == "counts"]
    with Project.open(folder) as opened:
        assert opened.catalog.class_counts() == {"cat": 4, "dog": 1, "wild boar": 0}
