"""The note of what was committed last says a number or nothing."""

from __future__ import annotations

from pathlib import Path

from napari_wsss.project.kept.revision_note import RevisionNote


def test_a_note_that_is_torn_or_no_file_says_nothing(tmp_path: Path) -> None:
    note = RevisionNote(tmp_path / "project.sqlite")
    assert note.read() == 0
    note.write(17)
    assert note.read() == 17
    note.write(9)
    assert note.read() == 9
    for content in (b"", b"12", b"x" * 20, b"1" * 500):
        note.path.write_bytes(content)
        assert note.read() == 0
    note.path.unlink()
    note.path.mkdir()
    note.write(3)
    assert note.read() == 0
