"""Names and entries that no project can hold: named, and everything else is used."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image

from napari_wsss.core.classes import ClassList
from napari_wsss.core.progress import finish
from napari_wsss.exchange.labels import read_labels
from napari_wsss.exchange.new_images import find_new_images
from napari_wsss.pipeline.run import proposal, propose
from napari_wsss.project.project import Project
from napari_wsss.project.records import NewImage
from napari_wsss.session.exporting import export_project
from tests.session.conftest import CLASSES, _colours_on_the_shelf, colours_plan, write_checkpoint, write_picture

__all__ = ["_colours_on_the_shelf"]

posix = pytest.mark.skipif(sys.platform != "linux", reason="other file systems refuse names that are no text")
BYTES = {
    "not UTF-8": b"bad\xff\xfe.jpg",
    "line break": b"a\nb.jpg",
    "backslash": b"a\\b.jpg",
    "long": b"a" * 251 + b".jpg",
}


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """Return a folder of one usable picture among everything that is none."""
    folder = tmp_path / "images"
    folder.mkdir()
    Image.new("RGB", (8, 6)).save(folder / "ok.jpg")
    content = (folder / "ok.jpg").read_bytes()
    for name in BYTES.values():
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(content)
    (folder / ("b" * 240 + ".jpg")).write_bytes(content)
    (folder / "self.jpg").symlink_to("self.jpg")
    (folder / "broken.jpg").symlink_to("nowhere")
    os.mkfifo(folder / "pipe.jpg")
    with closing(socket.socket(socket.AF_UNIX)) as made, contextlib.chdir(folder):  # its path may be 107 bytes long
        made.bind("socket.jpg")
    (folder / "folder.jpg").mkdir()
    return folder


@posix
def test_odd_entries_are_named_and_the_rest_makes_a_project(odd: Path, tmp_path: Path) -> None:
    report = read_labels(odd)
    assert set(report.images) == {"ok.jpg", "b" * 240 + ".jpg"}
    said = "\n".join(report.unreadable)
    for word in ("self.jpg", "pipe.jpg", "socket.jpg", "broken.jpg", "bad\\udcff", "a\\nb", "backslash", "longer than"):
        assert word in said, word
    said.encode()
    with Project.create(
        tmp_path / "p", odd, ClassList(("cat",)), [report.new_image(one) for one in report.images]
    ) as made:
        import numpy as np

        for image_id in report.images:
            made.review.accept(image_id, np.zeros((6, 8), np.uint8))
            assert made.masks.accepted_path(image_id).is_file(), "written, however long its name"
        assert find_new_images(made).images == ()
        left_out = find_new_images(made).left_out
        assert len(left_out) == len(BYTES) + 4
        exported = finish(export_project(made, tmp_path / "out"))
        assert len(exported.written) == 2


ODD_BUT_USABLE = ("-dash.jpg", "a b#%?&.jpg", "Ünïcödé 图.jpg", "'quote\".jpg", "in it/..two.jpg", "x" * 240 + ".jpg")


@posix
@pytest.mark.usefixtures("_colours_on_the_shelf")
def test_odd_names_go_through_maps_proposals_and_an_export(tmp_path: Path) -> None:
    for number, name in enumerate(ODD_BUT_USABLE):
        write_picture(tmp_path / "images" / name, number)
    images = [NewImage(name, frozenset({"red"})) for name in ODD_BUT_USABLE]
    with Project.create(tmp_path / "p", tmp_path / "images", CLASSES, images) as made:
        write_checkpoint(made.folder)
        made.set_plan(colours_plan())
        assert finish(propose(made, made.catalog.ids(), "cpu")).failed == {}
        for name in ODD_BUT_USABLE:
            values = proposal(made, name)
            assert values is not None
            assert values.any()
            made.review.accept(name, values)
        report = finish(export_project(made, tmp_path / "out"))
    assert report.written == ODD_BUT_USABLE
    assert not report.left_out


@posix
def test_a_report_can_be_had_whole(odd: Path) -> None:
    report = read_labels(odd)
    whole = report.whole()
    assert all(entry.splitlines()[0] in whole for entry in report.unreadable)
    record = json.loads(report.as_json())
    assert record["unreadable"] == list(report.unreadable)
    assert record["images"] == list(report.images)
    assert record["images_root"] == str(odd)
