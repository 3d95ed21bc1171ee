"""What exports write, our own readers read back: exactly, whatever is in the masks."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from PIL import Image

from napari_wsss.core.classes import IGNORE, ClassList
from napari_wsss.core.inside import writable
from napari_wsss.core.masks import Mask
from napari_wsss.exchange.export import FORMATS, load_format
from napari_wsss.exchange.masks.importing import import_masks
from tests.exports import IDS, exported, sets

SHOWS = ("colours", "preview", "sources")
"""Writers of pictures for people, and of who made which pixel."""
WITHOUT_IGNORE = ("yolo",)
MASKS = [name for name in FORMATS if load_format(name).kind == "masks" and name not in SHOWS]


@st.composite
def nested(draw: st.DrawFn) -> tuple[ClassList, dict[str, Mask]]:
    """Return larger masks of few classes with holes in holes, single pixels and classes that touch."""
    classes = ClassList(["cat", "traffic light"])
    random = np.random.default_rng(draw(st.integers(0, 10**6)))
    height, width = draw(st.integers(1, 120)), draw(st.integers(1, 120))
    mask = np.zeros((height, width), np.uint8)
    for _ in range(draw(st.integers(1, 12))):
        top, left = random.integers(0, height), random.integers(0, width)
        tall, wide = random.integers(1, height + 1), random.integers(1, width + 1)
        mask[top : top + tall, left : left + wide] = random.choice([0, 1, 2, IGNORE])
    few = random.random((height, width)) < draw(st.sampled_from([0, 0.02, 0.5]))
    mask[few] = random.choice([0, 1, 2, IGNORE], int(few.sum()))
    return classes, {IDS[0]: mask}


@pytest.mark.parametrize("name", MASKS)
@given(case=st.one_of(sets(), nested()))
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_masks_come_back_as_they_were(tmp_path_factory: pytest.TempPathFactory, name: str, case) -> None:
    classes, masks = case
    assume(all(writable(name) == name for name in classes.names))  # others are spelled out in lists and in XML
    folder = tmp_path_factory.mktemp("trip")
    images: dict[str, Path] = {}
    for image_id, mask in masks.items():
        images[image_id] = folder / "images" / image_id
        images[image_id].parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", mask.shape[::-1]).save(images[image_id], "PNG")
    exported(folder / "out", masks, name, classes=classes)
    zips = list((folder / "out").glob("*.zip"))
    report = import_masks(zips[0] if zips else folder / "out", images, classes)
    for image_id, mask in masks.items():
        expected = np.where(mask == IGNORE, 0, mask) if name in WITHOUT_IGNORE else mask
        if image_id in report.masks:
            np.testing.assert_array_equal(report.read(image_id), expected)
        else:
            assert not expected.any(), report.summary()
