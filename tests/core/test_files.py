from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from napari_wsss.core.files import array_header, publish, publish_bytes, publish_folder, publish_json


def test_publish_replaces_the_whole_file_and_makes_folders(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "file.bin"
    for content in (b"first, longer", b"second"):
        with publish(path) as file:
            file.write(content)
        assert path.read_bytes() == content
    assert [entry.name for entry in path.parent.iterdir()] == ["file.bin"]


def test_an_error_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    path.write_bytes(b"old")

    def fail() -> None:
        with publish(path) as file:
            file.write(b"half of the n")
            raise RuntimeError("disk full")

    with pytest.raises(RuntimeError, match="disk full"):
        fail()
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file.bin"]


def test_readers_see_the_old_content_until_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    path.write_bytes(b"old")
    with publish(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"


def test_whole_contents_and_records_are_published(tmp_path: Path) -> None:
    publish_bytes(tmp_path / "new" / "a.bin", b"abc")
    publish_json(tmp_path / "b.json", {"é": float("nan")}, indent=1)

    assert (tmp_path / "new" / "a.bin").read_bytes() == b"abc"
    assert (tmp_path / "b.json").read_text() == '{\n "\\u00e9": NaN\n}'
    assert not list(tmp_path.rglob("*.tmp"))


def test_headers_of_arrays_are_read_by_many_threads_at_once() -> None:
    """Python's parser, which numpy reads them with, is not safe for that before 3.11.8."""
    content = io.BytesIO()
    np.save(content, np.zeros((3, 4), np.uint16))
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: array_header(io.BytesIO(content.getvalue())), range(400)))
    assert set(found) == {((3, 4), False, np.dtype(np.uint16))}


def test_a_folder_is_published_whole_or_not_at_all(tmp_path: Path) -> None:
    with publish_folder(tmp_path / "in" / "a") as folder:
        (folder / "x").write_text("1")
        assert not (tmp_path / "in" / "a").exists()
    assert (tmp_path / "in" / "a" / "x").read_text() == "1"
    with pytest.raises(ZeroDivisionError), publish_folder(tmp_path / "in" / "b") as folder:
        (folder / "x").write_text(str(1 / 0))
    assert [path.name for path in (tmp_path / "in").iterdir()] == ["a"]
