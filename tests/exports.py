"""Sets of masks to export: classes with any names, up to 254 of them, any sizes, ignored pixels."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from napari_wsss.core.classes import BACKGROUND_NAMES, MOST_CLASSES, ClassList
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.masks import Mask
from napari_wsss.core.progress import finish
from napari_wsss.core.sources import PERSON, Sources
from napari_wsss.exchange.export import Entry, ExportOptions, ExportReport, export
from napari_wsss.exchange.lists.class_lists import IGNORE_NAMES
from napari_wsss.project.sourced_masks import SourcedMask

IDS = ("a.jpg", "day 1/ü & <b>.png", "day 1/c.jpg")
SPLITS = {IDS[0]: "train", IDS[1]: "val"}
CLASSES = ClassList(["cat", "traffic light"])
MORE_CLASSES = ClassList([*CLASSES.names, "wild boar"])
MASK = np.array([[0, 1, 2, 255], [0, 0, 1, 1], [2, 2, 2, 0]], np.uint8)
_NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12).map(str.strip).filter(bool)


@st.composite
def sets(draw: st.DrawFn) -> tuple[ClassList, dict[str, Mask]]:
    """Return classes, and a mask with any of their values for each of `IDS`."""
    words = BACKGROUND_NAMES | IGNORE_NAMES
    odd = draw(st.lists(_NAMES.filter(lambda name: name.casefold() not in words), min_size=1, max_size=4, unique=True))
    count = draw(st.sampled_from([len(odd), len(odd) + 3, MOST_CLASSES]))
    names = dict.fromkeys([*odd, *(f"class {k}" for k in range(MOST_CLASSES))])
    classes = ClassList(list(names)[:count])
    random = np.random.default_rng(draw(st.integers(0, 10**6)))
    size = st.integers(1, 20)
    found = {}
    for image_id in IDS:
        few = random.choice(classes.values(), draw(st.integers(1, 4)))
        found[image_id] = random.choice(few, (draw(size), draw(size))).astype(np.uint8)
    return classes, found


def person_made(values: Mask) -> SourcedMask:
    """Return a mask that a person made."""
    return SourcedMask(values, Sources.uniform(values.shape, PERSON))


def entry(image_id: str, values: Mask, folder: Path | None = None, number: int = 0) -> Entry:
    """Return what hands out a mask that a person made."""
    content = person_made(values)
    image = None if folder is None else folder / image_id
    return Entry(image_id, lambda: content, number, "", SPLITS.get(image_id, ""), image, {"state": "accepted"})


def exported(
    folder: Path,
    masks: Mapping[str, Mask],
    *formats: str,
    classes: ClassList = CLASSES,
    photos: Path | None = None,
    **how: Any,
) -> ExportReport:
    """Export masks by image id and return the report; `how` are further `ExportOptions`, `photos` the image files."""
    entries = [entry(one, mask, photos, place) for place, (one, mask) in enumerate(masks.items(), 1)]
    return finish(export(entries, classes, folder, ExportOptions(formats or ("voc",), **how)))


def filled(where: Mapping[int, np.ndarray], size: tuple[int, int]) -> Mask:
    """Return the mask whose values are here and there; everywhere else is background, no pixel is claimed twice."""
    mask = np.zeros(size, np.uint8)
    for value, inside in where.items():
        assert not mask[inside].any()
        mask[inside] = value
    return mask


def some_maps() -> ActivationMaps:
    """Return the maps (2, 5, 9) of the first and third of three classes."""
    scores = np.random.default_rng(0).random((2, 5, 9)).astype(np.float32)
    return ActivationMaps(scores, (0, 2), 1 - scores.max(0))


def exported_maps(folder: Path, maps: Mapping[str, ActivationMaps], name: str) -> ExportReport:
    """Export maps by image id in one format and return the report."""
    entries = [Entry(one, partial(maps.get, one)) for one in maps]
    return finish(export(entries, MORE_CLASSES, folder, ExportOptions((name,))))
