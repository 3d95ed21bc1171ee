from __future__ import annotations

from pathlib import Path

import pytest

from napari_wsss.core.classes import ClassList
from napari_wsss.project.ordering.samples import SAMPLE, share_holding
from napari_wsss.project.project import Project
from napari_wsss.project.records import NewImage


@pytest.mark.parametrize("count", [0, 3, 1000])
def test_it_is_the_share_of_all_where_ids_are_mixed(tmp_path: Path, count: int) -> None:
    """Of few images exactly, of many about; characters that mean something to SQLite are looked for as they are."""
    images = [NewImage(f"{'%_'[at // 3 % 2]}{at:04d}.png") for at in range(count)]
    with Project.create(tmp_path / "project", tmp_path, ClassList(("cat",)), images) as project:
        for text in ("%", "_", ".PNG", "nowhere"):
            whole = sum(text.lower() in image.id for image in images) / max(count, 1)
            found = share_holding(project._database, count, text)
            assert found == pytest.approx(whole, abs=0.2 if count > SAMPLE else 0)
