"""Every column of an image's row is a field of its record."""

from __future__ import annotations

from dataclasses import fields

from napari_wsss.project.listing.rows import COLUMNS, record_of
from napari_wsss.project.project import Project
from napari_wsss.project.records import ImageRecord
from tests.tiny_project import IDS


def test_a_record_holds_what_its_row_says(project: Project) -> None:
    project.catalog.set_note(IDS[0], "look here")
    project.catalog.set_facts(IDS[0], disagrees=True)
    rows = project._database.rows(f"SELECT {COLUMNS} FROM images ORDER BY number")
    records = [record_of(row) for row in rows]
    assert [record.id for record in records] == list(IDS)
    assert records[0].labels == {"cat", "dog"}
    assert (records[0].note, records[0].disagrees, records[0].split) == ("look here", True, "train")
    assert records[0] == project.catalog.get(IDS[0])
    assert {field.name for field in fields(ImageRecord)} >= {"labels", "clusters", "unknown", "mismatch"}
