"""COCO JSON: ``images``, ``categories`` and ``annotations`` with polygons, run lengths or boxes."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from napari_wsss.core.errors import LabelError
from napari_wsss.core.files import text
from napari_wsss.exchange.annotations.annotated import Annotated, Reading, Shape
from napari_wsss.exchange.annotations.plain_json import has_lists, json_or_none, objects, read_json, the_file, the_files
from napari_wsss.exchange.annotations.run_lengths import counts_of
from napari_wsss.exchange.annotations.shapes import Drawing, Polygons, Runs, ring_of
from napari_wsss.exchange.readers.base import Reader
from napari_wsss.exchange.text_files import SPLIT_WORDS, split_name


class Coco(Reader):
    """Instances as `pycocotools` and most tools know them; a crowd region is painted like any other."""

    title = "COCO JSON"
    judge: ClassVar[str] = "pycocotools"

    def recognises(self, source: Path, known: Sequence[str] = ()) -> bool:
        """Tell whether a JSON file, or the only one of a folder, has images, categories and annotations."""
        return _is_coco(the_file(source, ".json", _is_coco))

    def read(self, source: Path, reading: Reading) -> Iterator[Annotated]:
        """Yield every image of the list, or of the lists of a data set; one without annotations says nothing."""
        for path in list(the_files(source, ".json", _is_coco)) or [source]:
            yield from _images(path, reading)


def _images(source: Path, reading: Reading) -> Iterator[Annotated]:
    record = read_json(source)
    if not has_lists(record, "images", "annotations"):
        raise LabelError(f"{source.name} has no lists 'images' and 'annotations'; expected COCO JSON.")
    split = next((split_name(word) for word in re.split(r"[^a-z]+", source.stem.lower()) if word in SPLIT_WORDS), "")
    names = {_key(one): text(one, "name").strip() for one in objects(record, "categories")}
    reading.declare(list(names.values()))
    of_image: dict[Any, list[Shape]] = defaultdict(list)
    for number, one in enumerate(objects(record, "annotations")):
        place = f"{source.name} annotation {one.get('id', number)}"
        label = names.get(_hashable(one.get("category_id")), "")
        if not label:
            reading.unreadable.append(f"{place}: category {one.get('category_id')!r} is not in the list")
            continue
        try:
            of_image[_hashable(one.get("image_id"))].append(Shape(label, drawing_of(one.get("segmentation"))))
        except ValueError as reason:
            reading.unreadable.append(f"{place}: {reason}")
    for image in objects(record, "images"):
        name = text(image, "file_name")
        yield Annotated((name,), f"{source.name} {name!r}", shapes=tuple(of_image.get(_key(image), ())), split=split)


def _is_coco(path: Path) -> bool:
    return has_lists(json_or_none(path), "images", "annotations", "categories")


def drawing_of(segmentation: Any) -> Drawing | None:
    """Return what COCO's field *segmentation* draws: polygons, or run lengths down the columns; None for nothing.

    Raises
    ------
    ValueError
        When it is neither.
    """
    if not segmentation:
        return None
    if isinstance(segmentation, list):
        return Polygons([ring_of(part) for part in segmentation])
    if not isinstance(segmentation, Mapping):
        raise ValueError("a segmentation that is neither polygons nor run lengths")
    size = segmentation.get("size")
    if not (isinstance(size, list) and len(size) == 2 and all(isinstance(side, int) for side in size)):
        raise ValueError(f"run lengths of the size {size!r}; expected [height, width]")
    return Runs(counts_of(segmentation.get("counts")), (size[0], size[1]), by_column=True, whole=True)


def _key(record: Mapping[str, Any]) -> Any:
    return _hashable(record.get("id"))


def _hashable(value: Any) -> Any:
    return value if isinstance(value, int | str) else None
