"""Names and entries that no project can hold: named, and everything else is used."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from PIL import Image

from napari_wsss.core.classes import ClassList
from napari_wsss.core.progress import finish
from napari_wsss.exchange.labels import read_labels
from napari_wsss.exchange.new_images import find_new_images
from napari_wsss.project.project import Project
from napari_wsss.session.exporting import export_project

posix = pytest.mark.skipif(os.name != "posix", reason="such names are a POSIX matter")
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
    (folder / "folder.jpg").mkdir()
    return folder


@posix
def test_odd_entries_are_named_and_the_rest_makes_a_project(odd: Path, tmp_path: Path) -> None:
    report = read_labels(odd)
    assert set(report.images) == {"ok.jpg", "b" * 240 + ".jpg"}
    said = "\n".join(report.unreadable)
    for word in ("self.jpg", "pipe.jpg", "broken.jpg", "bad\\udcff", "a\\nb", "backslash", "longer than"):
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
        assert len(left_out) == len(BYTES) + 3
        exported = finish(export_project(made, tmp_path / "out"))
        assert len(exported.written) == 2


@posix
def test_a_report_can_be_had_whole(odd: Path) -> None:
    report = read_labels(odd)
    whole = report.whole()
    assert all(entry.splitlines()[0] in whole for entry in report.unreadable)
    record = json.loads(report.as_json())
    assert record["unreadable"] == list(report.unreadable)
    assert record["images"] == list(report.images)
    assert record["images_root"] == str(odd)
