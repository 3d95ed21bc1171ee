"""Dropping a project opens the dock on it, photographs begin a new one; nothing else is claimed."""

from __future__ import annotations

import numpy as np
import pytest

from napari_wsss.session.dropped import Dropped
from napari_wsss.widgets import reader
from napari_wsss.widgets.layers import looks
from napari_wsss.widgets.layers.viewer_sync import ViewerSync
from napari_wsss.widgets.reader import get_reader
from tests.session.conftest import write_picture


@pytest.fixture
def opened(monkeypatch):
    """Collect what the dock would open, without a window."""
    calls = []
    monkeypatch.setattr(reader, "_open_dock", calls.append)
    return calls


@pytest.mark.parametrize("name", ["", "project.sqlite"])
def test_a_project_is_read_and_opened(project_folder, opened, qtbot, name):
    path = project_folder / name
    read = get_reader(str(path))
    [(pixels, options, kind)] = read(str(path))
    assert (kind, pixels.shape, pixels.dtype) == ("image", (24, 32, 3), np.uint8)
    assert options["metadata"] == {looks.TAG: "image"}
    qtbot.waitUntil(lambda: opened == [project_folder], timeout=20000)


def test_other_things_are_left_to_other_readers(tmp_path, project_folder):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "data.sqlite").write_bytes(b"")
    (tmp_path / "labels.csv").write_text("image,label\n")
    assert get_reader(str(tmp_path / "data")) is None
    assert get_reader(str(tmp_path / "data" / "data.sqlite")) is None
    assert get_reader(str(tmp_path / "labels.csv")) is None
    assert get_reader(str(tmp_path / "missing")) is None
    assert get_reader([str(project_folder)]) is None


def test_a_folder_of_photographs_begins_a_project(tmp_path, monkeypatch, qtbot):
    begun = []
    monkeypatch.setattr(reader, "_begin_in_dock", begun.append)
    write_picture(tmp_path / "photos" / "a.png", 1)
    assert get_reader(tmp_path / "photos")(tmp_path / "photos") == [(None,)]
    qtbot.waitUntil(lambda: begun == [Dropped("images", tmp_path / "photos")], timeout=20000)


def test_the_dock_takes_the_readers_layer_over(viewer, session, project_folder):
    [(pixels, options, _)] = reader._first_image(project_folder)
    layer = viewer.add_image(pixels, **options)
    sync = ViewerSync(viewer, session)
    assert sync.layers[0] is layer
    assert [found.name for found in viewer.layers] == ["image", "cam · red", "cam · green", "proposal", "mask"]
    sync.close()
