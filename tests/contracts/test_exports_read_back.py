"""What exports write is read back by the readers of other tools' formats: the same masks, whatever is in them."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_wsss.core.masks import Mask
from napari_wsss.exchange.export import formats_of
from napari_wsss.exchange.masks.importing import import_masks
from tests.exports import CLASSES, IDS, exported

NOT_READ = {
    "preview": "colours to look at",
    "sources": "who made the pixels",
    "colours": "no list says what its colours mean",
    "cvat_masks": "a zip file",
}
WITHOUT_IGNORE = ("yolo",)


def some_mask(name: str) -> Mask:
    mask = np.zeros((20, 30), np.uint8)
    mask[3:9, 4:15], mask[8:18, 10:25], mask[12:14, 12:16] = 1, 2, 0
    mask[0:2, 0:5] = 0 if name in WITHOUT_IGNORE else 255
    return mask


def photographs(folder: Path, shape: tuple[int, ...]) -> dict[str, Path]:
    for image_id in IDS:
        (folder / image_id).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.zeros((*shape, 3), np.uint8)).save(folder / image_id, "PNG")
    return {image_id: folder / image_id for image_id in IDS}


@pytest.mark.parametrize("name", [name for name in formats_of("masks") if name not in NOT_READ])
def test_masks_come_back(tmp_path: Path, name: str) -> None:
    mask = some_mask(name)
    images = photographs(tmp_path / "photos", mask.shape)
    exported(tmp_path / "out", dict.fromkeys(IDS, mask), name, photos=tmp_path / "photos")
    report = import_masks(tmp_path / "out", images, CLASSES)
    assert set(report.masks) == set(IDS), report.whole()
    assert not report.unreadable + report.unmatched
    for image_id in IDS:
        np.testing.assert_array_equal(report.read(image_id), mask)
