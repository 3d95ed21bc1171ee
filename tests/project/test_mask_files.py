"""Files follow what was decided; until they do, the database holds their content."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from napari_wsss.project import mask_files
from napari_wsss.project.database import Database, create_file
from napari_wsss.project.mask_files import MaskFiles, accepted_name
from napari_wsss.project.schema import build


def test_a_decided_file_is_read_before_and_after_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    create_file(tmp_path / "project.sqlite", build)
    with closing(Database(tmp_path / "project.sqlite")) as database:
        files = MaskFiles(tmp_path, database)
        name = accepted_name("day 1/a.png")
        path = files.path(name)
        assert path == tmp_path / "masks" / "day 1" / "a.png.png"
        assert (files.exists(name), files.contents(name)) == (False, [None])
        with database.transaction():
            files.decide({name: b"mask"})

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(mask_files, "publish_bytes", full)
            assert files.settle() == 1
        assert (files.exists(name), files.contents(name), path.exists()) == (True, [b"mask"], False)
        assert files.settle() == 0
        assert path.read_bytes() == b"mask"
        files.decide({name: None})
        assert (files.exists(name), files.contents(name)) == (False, [None])
        files.decided_elsewhere(name)
        assert files.contents(name) == [b"mask"]
        files.decide({name: None})
        assert (files.settle(), path.exists()) == (0, False)
