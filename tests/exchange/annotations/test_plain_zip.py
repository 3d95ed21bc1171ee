"""Archives: what other tools export is read as if it were unpacked; what was made to do harm does none."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path

import numpy as np
import pytest

from napari_wsss.core.errors import LabelError
from napari_wsss.exchange.annotations import plain_zip
from napari_wsss.exchange.annotations.plain_zip import names_in, unpacked
from napari_wsss.exchange.labels import read_labels
from napari_wsss.exchange.masks.importing import import_masks
from tests.exports import CLASSES, MASK, exported

TOOLS = ("coco", "cvat_images", "cvat_masks", "datumaro", "label_studio", "labelme", "voc", "yolo")


def packed(path: Path, files: dict[str, bytes | str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("wrapping", ["", "job_7/"])
@pytest.mark.parametrize("tool", TOOLS)
def test_what_a_tool_exports_gives_labels_and_masks(tmp_path, pictures, tool, wrapping):
    root = pictures(["a.jpg", "b.jpg"])
    exported(tmp_path / "out", {"a.jpg": MASK, "b.jpg": np.where(MASK == 2, 0, MASK)}, tool, photos=root)
    archive = tmp_path / "out" / "cvat-masks.zip"
    if tool != "cvat_masks":
        files = {path.relative_to(tmp_path / "out"): path for path in (tmp_path / "out").rglob("*") if path.is_file()}
        archive = packed(tmp_path / "job.zip", {f"{wrapping}{name}": path.read_bytes() for name, path in files.items()})
    report = import_masks(archive, {one: root / one for one in ("a.jpg", "b.jpg")}, CLASSES)
    assert set(report.masks) == {"a.jpg", "b.jpg"}, report.summary()
    seen = {int(value) for value in np.unique(report.read("a.jpg"))}
    assert seen >= {0, 1, 2}
    labels = read_labels(root, archive, also=CLASSES.names).labels
    assert labels == {"a.jpg": set(CLASSES.names), "b.jpg": {"cat"}}


def test_a_table_in_an_archive_is_read_too(tmp_path, pictures):
    root = pictures(["a.jpg"])
    report = read_labels(root, packed(tmp_path / "t.zip", {"any.csv": "image,label\na.jpg,cat\n"}))
    assert report.labels == {"a.jpg": {"cat"}}


def test_it_is_unpacked_once_and_again_when_it_changed(tmp_path):
    archive = packed(tmp_path / "a.zip", {"x.json": "[]", "y.txt": ""})
    first = unpacked(archive)
    assert unpacked(archive) == first
    assert first.name == "a.zip"
    packed(archive, {"x.json": "[1, 2]", "y.txt": ""})
    assert (unpacked(archive) / "x.json").read_text() == "[1, 2]"
    assert (first / "x.json").read_text() == "[]"  # whoever found masks there still reads them


def test_what_is_no_archive_is_left_alone(tmp_path):
    (tmp_path / "folder.zip").mkdir()
    for path in (tmp_path, tmp_path / "folder.zip", tmp_path / "missing.zip", tmp_path / "a.json"):
        assert unpacked(path) == path


@pytest.mark.parametrize("name", ["../evil.json", "/etc/evil.json", "a/../../evil.json", "a\\evil.json", "a//b.json"])
def test_no_path_leaves_the_folder(tmp_path, name):
    (tmp_path / "in").mkdir()
    archive = packed(tmp_path / "in" / "bad.zip", {name: "{}"})
    with pytest.raises(LabelError, match="outside"):
        unpacked(archive)
    assert [path.name for path in tmp_path.rglob("*")] == ["in", "bad.zip"]


def test_photographs_hidden_files_and_links_stay_in_it(tmp_path):
    link = zipfile.ZipInfo("link.json")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    archive = packed(
        tmp_path / "a.zip", {"images/a.jpg": b"x", "__MACOSX/._a.json": b"x", ".h/b.json": b"x", "c.json": "[]"}
    )
    with zipfile.ZipFile(archive, "a") as more:
        more.writestr(link, "/etc/passwd")
    assert names_in(archive) == ("c.json",)
    assert [path.name for path in unpacked(archive).rglob("*")] == ["c.json"]


@pytest.mark.parametrize("limit", ["MOST_UNPACKED", "MOST_RATIO", "MOST_ENTRIES"])
def test_nothing_grows_beyond_what_it_may(tmp_path, monkeypatch, limit):
    archive = packed(tmp_path / "bomb.zip", {f"{k}.json": b"0" * 10**6 for k in range(3)})
    monkeypatch.setattr(plain_zip, "FREE_BYTES", 10**6)
    monkeypatch.setattr(plain_zip, limit, 2)
    with pytest.raises(LabelError, match=r"expected|would become"):
        unpacked(archive)


def test_an_entry_that_lies_about_its_size_is_no_more_than_it_says(tmp_path):
    archive = packed(tmp_path / "a.zip", {"a.json": b"1" * 5000})
    content = archive.read_bytes().replace((5000).to_bytes(4, "little"), (50).to_bytes(4, "little"))
    archive.write_bytes(content)
    with pytest.raises(LabelError, match="cannot be read"):
        unpacked(archive)


@pytest.mark.parametrize("damage", ["cut", "twice", "encrypted", "none at all"])
def test_what_is_damaged_is_said(tmp_path, damage):
    archive = packed(tmp_path / "a.zip", {"a.json": "[1]", "b.json": "[2]"})
    content = archive.read_bytes()
    if damage == "cut":
        archive.write_bytes(content[: len(content) // 2])
    elif damage == "twice":
        archive.write_bytes(content.replace(b"b.json", b"a.json"))
    elif damage == "encrypted":
        archive.write_bytes(content.replace(b"PK\1\2\x14\3\x14\0\0\0", b"PK\1\2\x14\3\x14\0\1\0"))
    else:
        archive.write_bytes(b"no archive")
    with pytest.raises(LabelError, match=r"a\.zip"):
        unpacked(archive)


def test_names_of_old_programs_are_read_as_label_files_are(tmp_path, pictures):
    archive = packed(tmp_path / "a.zip", {"photos/XXXXXX.json": "{}", "b.json": "{}"})
    archive.write_bytes(archive.read_bytes().replace(b"XXXXXX", "猫和狗".encode("gb18030")))
    assert names_in(archive) == ("photos/猫和狗.json", "b.json")
