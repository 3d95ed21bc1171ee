"""VOC as torchvision reads it, and with the names that lie beside the masks."""

import numpy as np
from hypothesis import given, settings
from PIL import Image

from napari_wsss.core.inside import writable
from napari_wsss.exchange.lists.class_lists import read_value_names
from tests.exports import CLASSES, IDS, MASK, exported, sets


def as_torchvision_reads_it(root, split: str) -> dict[str, np.ndarray]:
    """Return name -> mask as ``torchvision.datasets.VOCSegmentation`` finds them; the image of each exists."""
    names = (root / f"ImageSets/Segmentation/{split}.txt").read_text(encoding="utf-8").splitlines()
    assert all((root / "JPEGImages" / f"{name}.jpg").is_file() for name in names)
    return {name: np.array(Image.open(root / "SegmentationClass" / f"{name}.png")) for name in names}


@given(sets())
@settings(max_examples=20, deadline=None)
def test_values_and_names_come_back(tmp_path_factory, given) -> None:
    classes, masks = given
    out = tmp_path_factory.mktemp("voc")
    exported(out, masks, "voc", classes=classes)
    for image_id, mask in masks.items():
        with Image.open(out / "SegmentationClass" / f"{image_id[:-4]}.png") as image:
            assert image.mode == "P"
            np.testing.assert_array_equal(np.array(image), mask)
    spelt = {value: writable(classes.name_of(value)) for value in range(1, len(classes) + 1)}
    listed = (out / "classes.txt").read_text(encoding="utf-8").split("\n")[1:-1]
    assert listed == list(spelt.values())


def test_every_image_is_in_exactly_one_list(tmp_path) -> None:
    exported(tmp_path, dict.fromkeys(IDS, MASK), "voc")
    lists = {path.stem: path.read_text(encoding="utf-8") for path in (tmp_path / "ImageSets/Segmentation").iterdir()}
    assert lists == {"train": "a\n", "val": "day 1/ü & <b>\n", "default": "day 1/c\n"}


def test_torchvision_reads_it(tmp_path) -> None:
    Image.new("RGB", (4, 3)).save(tmp_path / "a.jpg")
    exported(tmp_path / "out", {"a.jpg": MASK}, "voc", photos=tmp_path, images="copy")
    np.testing.assert_array_equal(as_torchvision_reads_it(tmp_path / "out", "train")["a"], MASK)


def test_colours_mean_the_classes(tmp_path) -> None:
    exported(tmp_path, {"a.jpg": MASK}, "voc")
    assert (tmp_path / "labelmap.txt").read_text().splitlines()[1:] == [
        "background:0,0,0::",
        "cat:128,0,0::",
        "traffic light:0,128,0::",
        "ignore:224,224,192::",
    ]
    (tmp_path / "classes.txt").unlink()
    assert read_value_names([tmp_path]).classes == CLASSES.names


def test_a_colon_in_a_name_is_told(tmp_path) -> None:
    from napari_wsss.core.classes import ClassList

    report = exported(tmp_path, {"a.jpg": MASK}, "voc", classes=ClassList(["a:b", "c"]))
    assert "'a:b' holds a colon" in report.summary()
