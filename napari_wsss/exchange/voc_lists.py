"""The lists of a VOC-style folder (``ImageSets``): which image is in which split, and 1/0/-1 lists per class."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from napari_wsss.exchange.label_report import LabelCollector
from napari_wsss.exchange.text_files import SPLIT_WORDS, read_text, split_name

FLAGS = {"1": True, "0": True, "-1": False}
"""0 marks an object as difficult: it is there, and the labels of published methods count it."""


@dataclass(frozen=True)
class ListLine:
    """One line of a list: where it stands, its image entry, and the other words."""

    place: str
    entry: str
    rest: tuple[str, ...]


def read_lists(root: Path, into: LabelCollector) -> dict[str, set[str]]:
    """Record the splits of ``ImageSets`` and return image id -> classes from per-class lists.

    ``ImageSets/*.txt`` come first, then ``Segmentation``, then ``Main``: an image keeps the split of the first folder
    that names it. A second word ending in ``.png`` (the psa way, ``/JPEGImages/x.jpg /SegmentationClass/x.png``) is
    the image's mask. Lists of other things (``trainval``, ``all``) give no split.
    """
    flagged: dict[str, set[str]] = {}
    sets = root / "ImageSets"
    for folder in (sets, sets / "Segmentation", sets / "Main"):
        already = set(into.splits)
        for path in sorted(folder.glob("*.txt")) if folder.is_dir() else []:
            lines = list(_lines(path, root))
            if lines and all(line.rest and line.rest[0] in FLAGS for line in lines):
                _read_class_list(path, lines, into, flagged)
            else:
                _read_split_list(path, lines, into, already)
    return flagged


def _read_split_list(path: Path, lines: list[ListLine], into: LabelCollector, already: set[str]) -> None:
    split = split_name(path.stem.split("_")[0])
    gives_split = split in SPLIT_WORDS.values()
    for line in lines:
        id_ = into.match(line.entry, line.place)
        if id_ is None:
            continue
        if gives_split and id_ not in already:
            into.put_split(id_, split, line.place)
        if line.rest and line.rest[0].endswith(".png"):
            mask = into.index.root.parent / line.rest[0].lstrip("/")
            if mask.is_file():
                into.masks.setdefault(id_, mask)


def _read_class_list(path: Path, lines: list[ListLine], into: LabelCollector, flagged: dict[str, set[str]]) -> None:
    """Read ``cat_train.txt``: every image is named, with 1, 0 (difficult) or -1."""
    name, _, split = path.stem.rpartition("_")
    for line in lines:
        match = into.index.find(line.entry)
        if match.id is None:
            if split != "trainval":  # the same image stands in train or val as well: say it once
                into.match(line.entry, line.place)
            continue
        classes = flagged.setdefault(match.id, set())
        if FLAGS[line.rest[0]]:
            classes.add(name or path.stem)


def _lines(path: Path, root: Path) -> Iterator[ListLine]:
    text, _ = read_text(path)
    place = path.relative_to(root).as_posix()
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if words:
            yield ListLine(f"{place} line {number}", words[0], tuple(words[1:]))
