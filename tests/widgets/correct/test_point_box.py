"""The box says what answers, takes the tool up, and remembers the files that were chosen."""

from __future__ import annotations

from pathlib import Path

import pytest
from qtpy.QtWidgets import QFileDialog

from napari_wsss.widgets import preferences
from napari_wsss.widgets.correct.point_box import PointBox
from tests.promptable.tiny_pair import write_pair


@pytest.fixture
def kept(monkeypatch):
    """Return what is kept as preferences."""
    found = {}
    monkeypatch.setattr(preferences, "keep", lambda group, name, value: found.update({(group, name): value}))
    return found


@pytest.fixture
def box(session, sync, actions, kept, qtbot):
    made = PointBox(session, sync, actions)
    qtbot.addWidget(made)
    return made


def test_it_takes_the_tool_up_and_puts_it_away(box, sync, session):
    assert "(X)" in box.tools["things"].text()
    box.tools["things"].click()
    assert sync.pointing.is_on
    assert box.tools["things"].isChecked()
    sync.mask.mode = "paint"
    assert not box.tools["things"].isChecked()
    box.tools["wand"].click()
    assert sync.pointing.mode == "wand"
    box.tools["regions"].click()
    assert (box.tools["wand"].isChecked(), box.tools["regions"].isChecked()) == (False, True)
    session.close_project()
    assert not box.tools["things"].isEnabled()


def test_instance_masks_are_asked_for_their_folder(box, session, tmp_path, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    box._on_kind("instances")
    assert session.regions.folder == tmp_path
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "")
    box._on_kind("instances")  # cancelled
    assert session.regions.folder == tmp_path
    assert box.kind.currentData() == "instances"
    box._on_kind("superpixels")
    assert session.regions.folder is None


def test_regions_of_the_segmenter_want_a_segmenter(box, session, tmp_path):
    box._on_kind("segmenter")
    assert box.kind.currentData() == "superpixels"
    session.segmenter.use(write_pair(tmp_path))
    box._on_kind("segmenter")
    assert (box.kind.currentData(), session.regions.kind) == ("segmenter", "segmenter")


def test_files_are_looked_into_used_and_remembered(box, session, kept, tmp_path, settle, monkeypatch):
    pair = write_pair(tmp_path)
    named = [str(path) for path in reversed(pair)]
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: (named, ""))
    assert box.said.text().startswith("Colours and maps answer")
    assert box.drop.isHidden()
    box.choose.click()
    settle(session)
    assert session.segmenter.pair == pair
    assert "encoder.onnx" in box.said.text()
    assert [Path(path) for path in kept.values()] == list(pair)
    box.drop.click()
    assert session.segmenter.pair is None
    assert set(kept.values()) == {""}
