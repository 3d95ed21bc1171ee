"""Every page is photographed in both themes and sizes; one that scrolls sideways is named."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from qtpy.QtWidgets import QTextEdit

from demo import pages
from napari_wsss.session.session import Session
from napari_wsss.widgets.dock import WsssDock
from napari_wsss.widgets.pages import PAGES

pytestmark = pytest.mark.gui


def test_pages_are_photographed_and_looked_at(make_napari_viewer, model_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(pages, "SETTLING", 0.1)
    monkeypatch.setattr(pages, "SIZES", ((1280, 720),))
    viewer = make_napari_viewer(show=True)
    dock = WsssDock(viewer, Session(config_folder=tmp_path / "config"))
    viewer.window.add_dock_widget(dock, name="WSSS", area="right", add_vertical_stretch=False)
    dock.open_project(model_folder, read_only=True)
    (tmp_path / "shots").mkdir()
    assert list(pages.shoot(viewer, dock, tmp_path / "shots")) == []
    shots = sorted((tmp_path / "shots").glob("*.png"))
    assert len(shots) == 2 * len(PAGES)
    seen = [Image.open(tmp_path / "shots" / f"review_{theme}_1280.png") for theme in ("light", "dark")]
    light, dark = map(np.asarray, seen)
    assert light.mean() > dark.mean()
    wide = QTextEdit(dock)
    wide.setLineWrapMode(QTextEdit.LineWrapMode.NoWrap)
    wide.setPlainText("x" * 999)
    wide.setFixedSize(100, 100)
    wide.show()
    pages.settle(dock)
    assert pages.sideways(dock) == ["QTextEdit"]
    dock.shut_down()
