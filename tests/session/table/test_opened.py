"""Parts find the table of the open project, or hear that there is none."""

from __future__ import annotations

import pytest

from napari_wsss.core.errors import ProjectError
from napari_wsss.session.table.opened import Opened
from tests.session.conftest import Sitting


def test_without_a_project_it_says_what_to_do() -> None:
    opened = Opened()
    assert opened.or_none is None
    with pytest.raises(ProjectError, match="Open one, or create one"):
        _ = opened.table


def test_a_table_is_whole_while_its_project_is_open_and_never_again(sitting: Sitting) -> None:
    session = sitting.session
    opened, table = session._opened, session.table
    assert table is not None
    assert opened.table is table
    assert opened.holds(table)
    folder = table.project.folder
    assert session.close_project()
    assert session.table is None
    assert not opened.holds(table)
    session.open_project(folder)
    assert session.table is not None
    assert session.table is not table
    assert not opened.holds(table), "an answer for the sitting before is too late"
