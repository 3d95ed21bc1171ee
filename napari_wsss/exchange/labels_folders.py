"""Image-level labels from sub-folder names: ``cat/1.jpg`` is a cat, ``train/cat/1.jpg`` a cat for training."""

from collections.abc import Sequence
from pathlib import PurePosixPath

from napari_wsss.exchange.label_report import LabelCollector, LabelReport
from napari_wsss.exchange.matching import ImageIndex
from napari_wsss.exchange.text_files import SPLIT_WORDS, split_name
from napari_wsss.pixels.images import content_hash

UNLABELLED = frozenset({"unlabelled", "unlabeled", "unknown", "unsorted"})


def read_folders(index: ImageIndex, known: Sequence[str] = (), also: Sequence[str] = ()) -> LabelReport:
    """Return one label per image: the name of the first folder below the image folder (below the split folder).

    Images directly in the image folder, or in one called *unlabelled*, count as not labelled yet; a folder
    called *background*, *negative* or *none* means none of the classes; a name of the class list is always a class.
    One picture lying in two class folders is reported.
    """
    into = LabelCollector(index, known, also)
    with_splits = has_split_folders(index.ids)
    nested = False
    for id_ in index.ids:
        folders = list(PurePosixPath(id_).parts[:-1])
        if with_splits:
            into.put_split(id_, split_name(folders.pop(0)), id_)
        nested |= len(folders) > 1
        if folders and (folders[0] in into.names or folders[0].casefold() not in UNLABELLED):
            into.extend(id_, into.classes_in(folders[0], "/"), id_)
    if nested:
        into.notes.append("deeper folders are not labels: the first folder names the class")
    into.duplicates += _copies(index, into)
    return into.report("folders", "the names of sub-folders")


def has_split_folders(ids: Sequence[str]) -> bool:
    """Return True when every image lies in a first folder called train, val, test or the like."""
    firsts = {PurePosixPath(id_).parts[0].casefold() if "/" in id_ else "" for id_ in ids}
    return bool(firsts) and firsts <= SPLIT_WORDS.keys()


def _copies(index: ImageIndex, into: LabelCollector) -> list[str]:
    """Return a sentence for each picture that lies, byte for byte, under one name in folders of different classes."""
    by_name: dict[str, list[str]] = {}
    for id_ in into.labels:
        by_name.setdefault(PurePosixPath(id_).name, []).append(id_)
    sentences = []
    for ids in by_name.values():
        first_of: dict[tuple[int, str], str] = {}
        sizes = [(index.root / id_).stat().st_size for id_ in ids]
        for id_, size in zip(ids, sizes, strict=True):
            if sizes.count(size) == 1:
                continue
            first = first_of.setdefault((size, content_hash(index.root / id_)), id_)
            if into.labels[first] != into.labels[id_]:
                sentences.append(f"{id_!r} is the same picture as {first!r}: two images with one label each")
    return sentences
