"""What holds for every format that exports write."""

from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import pytest

from napari_wsss.core.progress import finish
from napari_wsss.core.registry import method_title
from napari_wsss.exchange.data_card import CARD, CARD_TEXT
from napari_wsss.exchange.export import FORMATS, Entry, ExportOptions, ExportReport, export, load_format
from napari_wsss.exchange.writers.base import Content, Kind
from napari_wsss.project.image_clusters import ClusterRow
from napari_wsss.project.records import ImageRecord
from tests.exports import IDS, MASK, SPLITS, person_made, some_maps
from tests.exports import MORE_CLASSES as CLASSES

LABELS = ImageRecord("a.jpg", "a.jpg", frozenset({"cat"}), "todo", "train", "")
pytestmark = pytest.mark.parametrize("name", FORMATS)


def entries_for(name: str, ids: Sequence[str]) -> list[Entry]:
    """Return images that hand out what the format takes."""
    rows: Content = (ClusterRow(ids[0], 0, "cat 1", 0.5),)
    contents: dict[Kind, Content] = {
        "masks": person_made(MASK),
        "maps": some_maps(),
        "clusters": rows,
        "labels": LABELS,
    }
    content = contents[load_format(name).kind]
    return [Entry(one, lambda: content, IDS.index(one) + 1, split=SPLITS.get(one, "")) for one in ids]


def one_export(folder: Path, name: str, ids: Sequence[str] = IDS, *more: Entry, dry_run: bool = False) -> ExportReport:
    """Export these images, and more entries, in one format."""
    options = ExportOptions((name,), dry_run=dry_run)
    return finish(export([*entries_for(name, ids), *more], CLASSES, folder, options))


def files(folder: Path) -> dict[str, bytes]:
    """Return every file by its path, the data cards apart."""
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if name not in (CARD, CARD_TEXT)}


def test_it_says_what_it_is(name: str) -> None:
    writer = load_format(name)
    assert writer.title
    assert writer.kind in get_args(Kind)
    assert writer.__doc__
    assert method_title("exchange.writers", name) in (writer.title, name.replace("_", " "))


def test_the_same_again_writes_nothing(name: str, tmp_path: Path) -> None:
    before = one_export(tmp_path, name)
    assert before.files["new"] > len([CARD, CARD_TEXT])
    assert before.written == IDS
    again = one_export(tmp_path, name)
    assert again.files == {**before.files, "new": 0, "kept": before.files["new"]}


def test_fewer_images_leave_what_they_alone_would_have_made(name: str, tmp_path: Path) -> None:
    one_export(tmp_path / "out", name)
    fewer = one_export(tmp_path / "out", name, IDS[:1])
    one_export(tmp_path / "new", name, IDS[:1])
    assert fewer.files["new"] == 0
    assert files(tmp_path / "out") == files(tmp_path / "new")


def test_the_same_files_come_out_in_another_folder(name: str, tmp_path: Path) -> None:
    for folder in ("one", "two"):
        one_export(tmp_path / folder, name)
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_a_dry_run_writes_nothing_and_says_the_same(name: str, tmp_path: Path) -> None:
    dry = one_export(tmp_path / "out", name, dry_run=True)
    assert not (tmp_path / "out").exists()
    wet = one_export(tmp_path / "out", name)
    assert (dry.written, dry.files) == (wet.written, wet.files)


def test_an_image_without_content_leaves_no_trace(name: str, tmp_path: Path) -> None:
    one_export(tmp_path / "new", name, IDS[:1])
    report = one_export(tmp_path / "out", name, IDS[:1], Entry(IDS[1], lambda: None))
    assert report.without == 1
    assert files(tmp_path / "out") == files(tmp_path / "new")
