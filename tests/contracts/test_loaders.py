"""Whatever lies where one of our small files is expected: a sentence or nothing, never a traceback, never a wait."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sqlite3
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import save

from napari_wsss.clusters.edits import edits_of
from napari_wsss.clusters.found import Clusters, no_clusters, read_clusters, write_clusters
from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import WsssError
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.masks import encode_mask, read_mask
from napari_wsss.core.plan import Plan
from napari_wsss.core.progress import finish, read_reports
from napari_wsss.core.provenance import Provenance
from napari_wsss.core.sources import PERSON, Sources
from napari_wsss.exchange.annotations.annotated import Reading
from napari_wsss.exchange.annotations.painting import Rules, painted
from napari_wsss.exchange.csv_table import read_table
from napari_wsss.exchange.labels_voc import object_names
from napari_wsss.exchange.maps.importing import fitted
from napari_wsss.exchange.matching import ImageIndex
from napari_wsss.exchange.reading import reader_of
from napari_wsss.exchange.text_files import read_text
from napari_wsss.pipeline.apply import model_changes
from napari_wsss.pipeline.companions import companions_per_class
from napari_wsss.pipeline.plan_history import last_change
from napari_wsss.pipeline.saliency_folder import read_saliency
from napari_wsss.pixels.images import content_hash, image_size, read_image
from napari_wsss.pixels.instance_masks import read_instances
from napari_wsss.processes.identity import Process
from napari_wsss.processes.lock import is_held
from napari_wsss.project.project import Project
from napari_wsss.project.results.array_files import packed, read_arrays
from napari_wsss.project.results.kept_maps import arrays_of
from napari_wsss.project.results.store import ResultStore
from napari_wsss.project.sourced_masks import SourcedMask, decode_sourced, encode_sourced
from napari_wsss.project.strokes import pack, unpack
from napari_wsss.session.models import history
from napari_wsss.session.own_keys import OwnKeys
from napari_wsss.session.pictures.drawing import kept_picture, small_picture
from napari_wsss.session.recent import RecentProjects
from napari_wsss.session.review.last_decisions import last_decisions
from napari_wsss.session.runs.folders import read_run, runs_in, unreadable_in
from napari_wsss.weights.read import read

STEP, CLASSES = Provenance("localize.cam"), ClassList(("cat", "dog"))
MASK = np.arange(48, dtype=np.uint8).reshape(6, 8) % 3
FEW = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


def pixels(kind: str, **how: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((6, 8, 3), np.uint8)).save(buffer, kind, **how)
    return buffer.getvalue()


def tiff() -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.zeros((6, 8, 5), np.float64))
    return buffer.getvalue()


def maps() -> bytes:
    return packed("hash", arrays_of(ActivationMaps(np.zeros((1, 6, 8), np.float32), (0,))))


def clusters(folder: Path) -> bytes:
    write_clusters(folder / "sound.npz", Clusters((no_clusters("cat", 2),), 2, STEP))
    return (folder / "sound.npz").read_bytes()


def lock() -> bytes:
    return json.dumps({**Process.this().to_dict(), "token": "1"}).encode()


def text(record: object) -> Callable[[Path], bytes]:
    return lambda _: json.dumps(record).encode()


RUN = {"recipe": "classifier", "state": "running", "started": 1.0, "pid": 3, "config": {"a": 1}, "figures": {"x": 0.5}}
ANNOTATION = b"<annotation><object><name>cat</name></object></annotation>"
INDEX = ImageIndex(Path("/images"), ("a.jpg", "b.jpg"))
Loader = tuple[str, Callable[[Path], bytes], Callable[[Path], object]]


def reads(name: str) -> Callable[[Path], object]:
    """Return a function that reads, paints and measures all that a source says, by one reader."""

    def read(path: Path) -> None:
        reader, reading = reader_of(name), Reading(CLASSES.names)
        reader.recognises(path, CLASSES.names)
        for said in reader.read(path if path.suffix != ".txt" else path.parents[1], reading):
            with contextlib.suppress(WsssError):  # each image by itself
                painted(said, (6, 8), Rules(CLASSES), {"cat"})
            with contextlib.suppress(WsssError):
                if said.maps is not None:
                    fitted(said.maps(), CLASSES.names, CLASSES, {"cat"})

    return read


def npy(record: object) -> Callable[[Path], bytes]:
    buffer = io.BytesIO()
    np.save(buffer, np.asarray(record) if not isinstance(record, dict) else np.array(record, dtype=object))
    return lambda _: buffer.getvalue()


RING = [[0.0, 0.0], [8.0, 0.0], [8.0, 6.0]]
FLAT = [0.0, 0.0, 8.0, 0.0, 8.0, 6.0]
RLE = {"size": [6, 8], "counts": "0`1"}
IMAGE = {"id": 1, "file_name": "a.jpg"}
DRAWN = [{"image_id": 1, "category_id": 1, "segmentation": one} for one in ([FLAT], RLE)]
CVAT = b"""<annotations><image name="a.jpg" width="8" height="6"><tag label="cat"/>
<polygon label="cat" points="0,0;8,0;8,6" z_order="1"/>
<mask label="dog" rle="1,2,1" left="0" top="0" width="2" height="2"/></image></annotations>"""
ITEM = {"id": "a", "annotations": [{"type": "polygon", "label_id": 0, "points": FLAT}]}
RESULT = {"value": {"points": RING, "polygonlabels": ["cat"]}}
TASK = {
    "data": {"image": "a.jpg"},
    "annotations": [{"result": [RESULT, {"value": {"rle": [1, 2], "brushlabels": ["cat"]}}]}],
}
LABELME = {"imagePath": "a.jpg", "shapes": [{"label": "cat", "points": RING}], "flags": {}}
OBJECTS = {"info": {"description": "ISAT", "name": "a.jpg"}, "objects": [{"category": "cat", "segmentation": RING}]}
OF_TOOLS: dict[str, Loader] = {
    "coco": (
        "a.json",
        text({"images": [IMAGE], "annotations": DRAWN, "categories": [{"id": 1, "name": "cat"}]}),
        reads("coco"),
    ),
    "cvat": ("a.xml", lambda _: CVAT, reads("cvat")),
    "datumaro": (
        "a.json",
        text({"categories": {"label": {"labels": [{"name": "cat"}]}}, "items": [ITEM]}),
        reads("datumaro"),
    ),
    "label_studio": ("a.json", text([TASK]), reads("label_studio")),
    "labelme": ("a.json", text(LABELME), reads("labelme")),
    "isat": ("a.json", text(OBJECTS), reads("isat")),
    "yolo": ("labels/a.txt", lambda p: yolo(p), reads("yolo")),
    "label_lists": ("a.json", text({"a.jpg": ["cat"]}), reads("label_lists")),
    "class_arrays": ("a.npy", npy({"a": np.array([1, 0])}), reads("class_arrays")),
    "pictures": ("a.npy", npy(MASK), reads("pictures")),
    "cellpose": ("a_seg.npy", npy({"masks": MASK.astype(np.uint16)}), reads("cellpose")),
    "map_arrays": ("a.npy", npy({"keys": np.array([0]), "high_res": np.ones((1, 6, 8))}), reads("map_arrays")),
    "map_tiff": ("a.tif", lambda _: tiff(), reads("map_tiff")),
}


def yolo(folder: Path) -> bytes:
    (folder / "classes.txt").write_text("cat\n")
    return b"0 0 0 1 0 1 1\n0 0.5 0.5 0.1 0.1\n"


LOADERS: dict[str, Loader] = {
    "run": (
        "t/r/run.json",
        text(RUN),
        lambda p: (runs_in(p.parents[1]), unreadable_in(p.parents[1]), read_run(p.parent)),
    ),
    "reports": ("events.jsonl", lambda _: b'{"stage": "x", "done": 1, "metrics": {"loss": 1}}\n' * 3, read_reports),
    "heartbeat": (
        "r/heartbeat",
        text({"host": "other", "time": 1}),
        lambda p: run_with_heartbeat(p.parent),
    ),
    "lock": ("project.lock", lambda _: lock(), lambda p: is_held(p.parent)),
    "keys": ("keys.json", text({"next": "W"}), lambda p: OwnKeys(p.parent).keys),
    "recent": ("recent.json", text([{"folder": "/x", "image_id": "a"}]), lambda p: RecentProjects(p.parent).all()),
    "mask": ("mask.png", lambda _: encode_mask(MASK, CLASSES), read_mask),
    "sourced mask": (
        "mask.png",
        lambda _: encode_sourced(SourcedMask(MASK, Sources.uniform(MASK.shape, PERSON)), CLASSES),
        lambda p: decode_sourced(p.read_bytes()) if p.is_file() else None,
    ),
    "maps": ("m.npz", lambda _: maps(), lambda p: StoreAt(p).read_maps(STEP, "a.png", "hash")),
    "features": ("m.npz", lambda _: maps(), lambda p: StoreAt(p).read_features(STEP, "a.png", "hash")),
    "stored mask": ("m.png", lambda _: encode_mask(MASK), lambda p: StoreAt(p).read_mask(STEP, "a.png", "hash")),
    "clusters": ("clusters.npz", clusters, read_clusters),
    "kept picture": ("p.jpg", lambda _: pixels("JPEG", comment=b"key"), lambda p: kept_picture(p, "key")),
    "JPEG": ("p.jpg", lambda _: pixels("JPEG"), lambda p: (image_size(p), read_image(p))),
    "PNG": ("p.png", lambda _: pixels("PNG"), lambda p: (image_size(p), read_image(p))),
    "TIFF": ("p.tif", lambda _: tiff(), lambda p: (image_size(p), read_image(p))),
    "WebP": ("p.webp", lambda _: pixels("WEBP"), lambda p: (image_size(p), read_image(p))),
    "BMP": ("p.bmp", lambda _: pixels("BMP"), lambda p: (image_size(p), read_image(p))),
    "thumbnail": ("p.jpg", lambda _: pixels("JPEG"), small_picture),
    "hash": ("p.jpg", lambda _: pixels("JPEG"), content_hash),
    "saliency": ("p.png", lambda _: pixels("PNG"), lambda p: read_saliency(p, 6, 8)),
    "table": ("l.csv", lambda _: b"image,labels\na.jpg,cat\nb.jpg,dog\n", lambda p: read_table(p, INDEX)),
    "list": ("l.txt", lambda _: b"a.jpg cat\n", read_text),
    "annotation": ("a.xml", lambda _: ANNOTATION, lambda p: names_or_nothing(p)),
    **{f"reader {name}": sound for name, sound in OF_TOOLS.items()},
    "regions": ("r.tif", lambda _: tiff_of_regions(), lambda p: read_instances(p, (6, 8))),
    "weights": ("w.safetensors", lambda _: weights_file("safetensors"), read),
    "weights of torch": ("w.pth", lambda _: weights_file("torch"), read),
    "weights of an old torch": ("w.pth", lambda _: weights_file("old torch"), read),
    "head of a checkpoint": ("c.safetensors", lambda _: head_of_checkpoint(), companions_per_class),
}


class StoreAt(ResultStore):
    """A store that finds every result in one file."""

    def __init__(self, path: Path) -> None:
        super().__init__(path.parent)
        self._path = path

    def path(self, provenance: Provenance, image_id: str, suffix: str = ".npz") -> Path:
        return self._path


def names_or_nothing(path: Path) -> object:
    try:
        return object_names(path)
    except (OSError, ValueError):  # what the reader of a folder names
        return None


def tiff_of_regions() -> bytes:
    stream = io.BytesIO()
    tifffile.imwrite(stream, np.arange(48, dtype=np.uint16).reshape(6, 8))
    return stream.getvalue()


def weights_file(kind: str) -> bytes:
    state = {"conv.weight": torch.arange(6.0).reshape(3, 2), "steps": torch.tensor(3)}
    if kind == "safetensors":
        return save(state)
    stream = io.BytesIO()
    torch.save(state, stream, _use_new_zipfile_serialization=kind == "torch")
    return stream.getvalue()


def head_of_checkpoint() -> bytes:
    head = json.dumps({"__metadata__": {"napari-wsss": json.dumps({"parameters": {"companions": 2}})}}).encode()
    return len(head).to_bytes(8, "little") + head


def every_reader_of_runs(folder: Path) -> None:
    runs_in(folder.parent)
    unreadable_in(folder.parent)
    read_run(folder)


def run_with_heartbeat(folder: Path) -> None:
    (folder / "run.json").write_text(json.dumps({"state": "running", "process": {"host": "other", "pid": 1}}))
    assert read_run(folder) is not None


NAMES = st.sampled_from([*RUN, "x", "time", "host"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*RUN, "x", "time", "host"]), inner, max_size=4)
    ),
    max_leaves=8,
)


@st.composite
def damages(draw: st.DrawFn) -> Callable[[bytes], bytes]:
    """Draw what happens to a sound file."""
    kind = draw(st.sampled_from(["garbage", "cut", "flipped", "deep", "types", "doubled", "sound"]))
    place, value = draw(st.floats(0, 0.999)), draw(st.integers(0, 255))
    garbage, record = draw(st.binary(max_size=200)), draw(JSON)

    def flipped(content: bytes) -> bytes:
        at = int(place * len(content))
        return content[:at] + bytes([value]) + content[at + 1 :]

    return {
        "garbage": lambda _: garbage,
        "cut": lambda content: content[: int(place * len(content))],
        "flipped": flipped,
        "deep": lambda _: b"[" * 50_000 + b"]" * 50_000 if value % 2 else b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        "types": lambda _: json.dumps(record).encode(),
        "doubled": lambda content: content + content,
        "sound": lambda content: content,
    }[kind]


@pytest.mark.parametrize("name", LOADERS)
@FEW
@given(damage=damages())
def test_a_loader_says_a_sentence_or_nothing(tmp_path: Path, name: str, damage: Callable[[bytes], bytes]) -> None:
    where, sound, load = LOADERS[name]
    path = tmp_path / where
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(damage(sound(tmp_path)))
    try:
        load(path)
    except WsssError:
        return


@pytest.mark.parametrize("name", LOADERS)
def test_a_file_cut_short_or_overwritten_anywhere_is_no_traceback(tmp_path: Path, name: str) -> None:
    where, sound, load = LOADERS[name]
    path = tmp_path / where
    path.parent.mkdir(parents=True, exist_ok=True)
    content = sound(tmp_path)
    # Most of what a file says of itself stands at its beginning and end, and formats count in 1 to 8 bytes.
    places = {
        *range(0, len(content), max(1, len(content) // 40)),
        *range(len(content))[:12],
        *range(len(content))[-12:],
    }
    for at in sorted(places):
        for damaged in (
            content[:at],
            content[:at] + b"\xff" + content[at + 1 :],
            content[:at] + b"\0" + content[at + 1 :],
        ):
            path.write_bytes(damaged)
            with contextlib.suppress(WsssError):
                load(path)


@pytest.mark.parametrize("name", LOADERS)
def test_a_loader_reads_what_is_sound_and_waits_for_no_pipe(tmp_path: Path, name: str) -> None:
    where, sound, load = LOADERS[name]
    path = tmp_path / where
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(sound(tmp_path))
    load(path)
    path.unlink()
    if not hasattr(os, "mkfifo"):
        return
    os.mkfifo(path)
    try:
        load(path)
    except (WsssError, OSError):
        return


STRANGE: list[Any] = [None, True, -1, 10**30, 1e308, float("nan"), "x", "", "\0", [], {}, [[None]], [1, "a"], {"a": []}]


def with_parts_replaced(record: Any) -> Iterator[Any]:
    """Yield a record with every single part of it replaced by every strange value."""
    yield from STRANGE
    if isinstance(record, dict | list):
        for key in record if isinstance(record, dict) else range(len(record)):
            for inner in with_parts_replaced(record[key]):
                changed = record.copy()
                changed[key] = inner
                yield changed


@pytest.mark.parametrize("name", [name for name, (file, *_) in OF_TOOLS.items() if file.endswith(".json")])
def test_annotations_with_any_part_replaced_are_a_sentence(tmp_path: Path, name: str) -> None:
    where, sound, load = OF_TOOLS[name]
    for record in with_parts_replaced(json.loads(sound(tmp_path))):
        (tmp_path / where).write_text(json.dumps(record))
        with contextlib.suppress(WsssError):
            load(tmp_path / where)


@FEW
@given(damage=damages())
def test_a_damaged_stroke_is_a_sentence(damage: Callable[[bytes], bytes]) -> None:
    content = damage(pack(np.arange(5), np.ones(5, np.uint8), np.ones(5, np.uint8)))
    try:
        indices, values, sources = unpack(content)
    except WsssError:
        return
    assert indices.shape == values.shape == sources.shape


@FEW
@given(record=JSON)
def test_a_plan_of_other_types_is_refused_by_what_reads_it(record: object) -> None:
    try:
        Plan.from_dict(record)  # type: ignore[arg-type]
    except (ValueError, TypeError, KeyError, AttributeError):
        return


SHAPES = ['{"edit": 3, "places": 7}', '{"action": "accept", "state": []}']
KINDS = ("plan", "cluster", "labels", "draft", "note", "undo", "mask", "state")
BAD = ["{", "[]", "7", "null", '"x"', "[" * 50_000, "{}", *SHAPES]


@pytest.mark.parametrize("bad", BAD)
def test_a_damaged_journal_is_read_without_what_is_damaged(project: Project, bad: str) -> None:
    project.close()
    with sqlite3.connect(project.folder / "project.sqlite") as connection:
        for kind in KINDS:
            connection.execute(
                "INSERT INTO journal (time, image, kind, before, after) VALUES (1, 1, ?, ?, ?)", (kind, bad, bad)
            )
    connection.close()
    with Project.open(project.folder) as opened:
        assert edits_of(opened) == ()
        assert len(opened.journal.recent(20)) == len(KINDS)
        model_changes(opened)
        last_change(opened)
        last_decisions(opened, 10)
        opened.journal.steps()
        finish(history.History().read(opened.journal))
        with contextlib.suppress(WsssError):
            opened.review.undo()


def test_arrays_that_would_fill_the_memory_are_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.npz"
    np.savez_compressed(path, image=np.asarray("hash"), scores=np.zeros(50_000_000, np.uint8))
    assert path.stat().st_size < 200_000
    with pytest.raises(ValueError, match="unpack"):
        read_arrays(path, most=10_000_000)
    assert str(read_arrays(path, only="image")["image"]) == "hash"


@pytest.mark.parametrize("shape", [(10**6, 10**6), (-1, 5), (2**62, 4)])
def test_a_header_that_lies_about_its_array_is_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    import zipfile

    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "<f4", "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(tmp_path / "lie.npz", "w") as archive:
        archive.writestr("scores.npy", head.getvalue() + b"1234")
    with pytest.raises(ValueError, match=r"header|shape"):
        read_arrays(tmp_path / "lie.npz")


def png_of(width: int, height: int) -> bytes:
    """Return a PNG of some bytes whose header tells of this size."""
    sound = pixels("PNG")
    head = b"IHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big") + sound[24:29]
    return sound[:12] + head + zlib.crc32(head).to_bytes(4, "big") + sound[33:]


def tiff_of(side: int) -> bytes:
    """Return a TIFF of 64-bit floats whose header tells of this width and height."""
    content = bytearray(tiff())
    first = int.from_bytes(content[4:8], "little")
    for entry in range(first + 2, first + 2 + 12 * int.from_bytes(content[first : first + 2], "little"), 12):
        if int.from_bytes(content[entry : entry + 2], "little") in (256, 257, 278):
            long = (4).to_bytes(2, "little") + (1).to_bytes(4, "little")
            content[entry + 2 : entry + 12] = long + side.to_bytes(4, "little")
    return bytes(content)


BOMBS = {"p.png": png_of(60_000, 60_000), "p.tif": tiff_of(200_000)}


@pytest.mark.parametrize("name", BOMBS)
def test_pictures_that_would_fill_the_memory_are_not_unpacked(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(BOMBS[name])
    for load in (read_image, image_size, small_picture):
        with pytest.raises(WsssError):
            load(tmp_path / name)
    with pytest.raises(WsssError):
        read_mask(tmp_path / name)


@pytest.mark.parametrize("table", [7, [3], [{"kind": 3}], [{"kind": "label", "checkpoint": 3}], {"a": 1}])
def test_a_stroke_with_a_damaged_table_is_a_sentence(project: Project, table: object) -> None:
    project.close()
    with sqlite3.connect(project.folder / "project.sqlite") as connection:
        connection.execute(
            "INSERT INTO journal (time, image, kind, after, pixels) VALUES (1, 1, 'stroke', ?, ?)",
            (json.dumps({"table": table}), pack(np.arange(2), np.ones(2, np.uint8), np.ones(2, np.uint8))),
        )
    connection.close()
    with Project.open(project.folder) as opened, pytest.raises(WsssError):
        opened.masks.read_working("a.png")


def test_a_mask_with_endless_sources_is_refused() -> None:
    from napari_wsss.core.sources import decode_sources

    packing = zlib.compressobj(1)
    first, next_ = (packing.compress(bytes(2**20)) + packing.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    with pytest.raises(WsssError, match="more than"):  # a flush forgets what was before: every mebibyte is packed alike
        decode_sources(first + next_ * 2**10)
