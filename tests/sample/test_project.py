"""The generated data set: the same bytes for a seed, and lists, labels and masks that agree."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_wsss.core.masks import read_mask
from napari_wsss.sample.project import CLASSES, generate_sample


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_same_seed_same_bytes_other_seed_other_pictures(tmp_path: Path) -> None:
    first, second, other = (
        files(generate_sample(tmp_path / name, images=3, size=64, seed=seed).folder)
        for name, seed in (("a", 0), ("b", 0), ("c", 1))
    )
    assert first == second
    assert first["JPEGImages/shapes_0000.jpg"] != other["JPEGImages/shapes_0000.jpg"]


def test_a_picture_does_not_depend_on_how_many_there_are(tmp_path: Path, sample_folder: Path) -> None:
    few = files(generate_sample(tmp_path, images=2, size=96).folder)
    many = files(sample_folder)
    assert all(few[name] == many[name] for name in few if name.startswith(("JPEGImages", "SegmentationClass")))


def test_image_level_labels_are_the_classes_in_the_masks(sample_folder: Path) -> None:
    for row in rows(sample_folder / "labels.csv"):
        values = np.unique(read_mask(sample_folder / "SegmentationClass" / f"{row['image']}.png"))
        assert set(row["labels"].split()) == {CLASSES.name_of(int(v)) for v in values if v}
        assert row["labels"].split() == [name for name in CLASSES.names if row[name] == "1"]


def test_masks_are_palette_pictures_of_the_images_size(sample_folder: Path) -> None:
    for path in sorted((sample_folder / "SegmentationClass").iterdir()):
        with Image.open(path) as mask, Image.open(sample_folder / "JPEGImages" / f"{path.stem}.jpg") as image:
            assert (mask.mode, mask.size, image.mode) == ("P", (96, 96), "RGB")
            assert mask.size == image.size
            palette = mask.getpalette()
            assert palette is not None
            assert len(palette) == 3 * 256


def test_splits_cover_every_picture_once(sample_folder: Path) -> None:
    lists = {split: (sample_folder / "ImageSets" / f"{split}.txt").read_text().split() for split in ("train", "val")}
    assert {split: len(names) for split, names in lists.items()} == {"train": 8, "val": 2}
    assert sorted(lists["train"] + lists["val"]) == sorted(p.stem for p in (sample_folder / "JPEGImages").iterdir())
    assert {row["image"]: row["split"] for row in rows(sample_folder / "labels.csv")} == {
        name: split for split, names in lists.items() for name in names
    }


def test_objects_add_up_to_the_masks(sample_folder: Path) -> None:
    objects = rows(sample_folder / "objects.csv")
    for path in (sample_folder / "SegmentationClass").iterdir():
        of_image = [row for row in objects if row["image"] == path.stem]
        assert sum(int(row["pixels"]) for row in of_image) == np.count_nonzero(read_mask(path))


def test_report_counts_what_was_written(tmp_path: Path) -> None:
    report = generate_sample(tmp_path, images=5, size=64)
    labels = rows(tmp_path / "labels.csv")
    assert report.splits == {"train": 4, "val": 1}
    assert report.class_images == {name: sum(row[name] == "1" for row in labels) for name in CLASSES.names}
    assert len(report.objects) == len(rows(tmp_path / "objects.csv"))
    assert "4 train and 1 val images" in report.summary()
    assert (tmp_path / "classes.txt").read_text().split() == ["background", *report.classes]


@pytest.mark.parametrize(("images", "size"), [(0, 160), (3, 32)])
def test_impossible_wishes_are_refused(tmp_path: Path, images: int, size: int) -> None:
    with pytest.raises(ValueError, match="give at least 1 image and 64 pixels"):
        generate_sample(tmp_path / "none", images=images, size=size)
    assert not (tmp_path / "none").exists()
