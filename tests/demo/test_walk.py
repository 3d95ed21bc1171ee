"""The demonstration walks through all pages of a real window, opened by napari's reader, and writes its pictures."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from demo import walk
from demo.stations import STATIONS
from demo.walk import Walk
from napari_wsss.project.project import Project
from napari_wsss.widgets.dock import dock_of

pytestmark = pytest.mark.gui


@pytest.fixture
def config(tmp_path, monkeypatch):
    """Keep the list of recent projects out of the person's home."""
    from napari_wsss.session import recent

    monkeypatch.setattr(recent, "user_config_path", lambda *_, **__: tmp_path / "config")


@pytest.mark.usefixtures("config")
def test_a_project_dropped_on_napari_is_walked_through(make_napari_viewer, model_folder, tmp_path, qtbot, monkeypatch):
    monkeypatch.setattr(walk, "SETTLING", 0.1)
    viewer = make_napari_viewer(show=True)
    [image] = viewer.open(str(model_folder), plugin="napari-wsss")
    qtbot.waitUntil(lambda: dock_of(viewer) is not None and bool(dock_of(viewer).session.shown_id), timeout=20000)
    dock = dock_of(viewer)
    assert dock.sync.layers[0] is image
    assert len(viewer.layers) == 5
    stations = [station for station in STATIONS if station.name != "clusters"]  # a child process finds them
    Walk(viewer, dock, tmp_path / "pictures").run(stations)
    pictures = sorted((tmp_path / "pictures").glob("*.png"))
    assert [path.stem[3:] for path in pictures] == [station.name for station in stations]
    seen = [np.asarray(Image.open(path).convert("RGB")) for path in pictures]
    assert all(picture.std() > 10 for picture in seen)
    assert not any(np.array_equal(first, second) for first, second in pairwise(seen))
    dock.shut_down()
    with Project.open(model_folder, read_only=True) as project:
        assert project.catalog.counts()["accepted"] == 1


def test_a_project_must_be_named(capsys):
    with pytest.raises(SystemExit):
        walk.main([])
    assert "--project" in capsys.readouterr().err
