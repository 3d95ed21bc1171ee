"""Every reader: garbage is a sentence or nothing, and a foreign source is not its own."""

import json
import os
from pathlib import Path

import pytest

from napari_wsss.core.errors import LabelError
from napari_wsss.exchange.annotations.annotated import Reading
from napari_wsss.exchange.reading import reader_names, reader_of

GARBAGE = {
    "empty.json": b"",
    "deep.json": b"[" * 50_000,
    "list.json": b"[1, null, [], {}]",
    "object.json": json.dumps({"images": 3, "annotations": {}, "shapes": None, "items": 1}).encode(),
    "empty.npy": b"",
    "x_seg.npy": b"\x93NUMPY",
    "a.xml": b"<annotations><image/></annotations",
    "a.png": b"\x89PNG",
    "labels.txt": b"\xff\xfe\x00",
}


@pytest.mark.parametrize("name", reader_names())
def test_garbage_is_a_sentence_or_nothing(tmp_path: Path, name: str) -> None:
    reader = reader_of(name)
    for file, content in GARBAGE.items():
        (tmp_path / file).write_bytes(content)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "store.zarr" / "labels").mkdir(parents=True)
    for source in (tmp_path, tmp_path / "gone", *sorted(tmp_path.iterdir())):
        assert reader.recognises(source, ("cat",)) in (True, False)
        try:
            list(reader.read(source, Reading()))
        except LabelError:
            continue


@pytest.mark.parametrize("name", reader_names())
def test_a_reader_says_what_it_gives(name: str) -> None:
    assert reader_of(name).title
    assert reader_of(name).gives in ("labels", "masks", "labels and masks", "maps")
