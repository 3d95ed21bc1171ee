"""The generated sample data set: pictures, exact masks and image-level labels in a VOC-style folder.

Its fault is built in: a classifier needs only the small patterned heads of the creatures, so its activation maps leave
out their larger plain bodies. No download, no foreign pictures. May import `core` and `sample_pictures` only.
"""

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from napari_wsss.core.masks import write_mask
from napari_wsss.sample.pictures import CLASSES, SampleObject, draw_picture

README = """# Generated sample pictures

Made by `napari_wsss.sample`; no photograph is part of them, and the same seed makes the same bytes.

- `JPEGImages/*.jpg`; `SegmentationClass/*.png` (exact; palette-indexed: 0 background, then `classes.txt`);
  `ImageSets/train.txt`, `val.txt`; `labels.csv` (image-level labels); `objects.csv` (every object; not for training).
- The patterned head is what tells the classes apart; the larger plain body looks alike in all of them. A classifier
  trained on `labels.csv` lights up heads only: the fault of activation maps that the rest of the tool is for.
- Each class has two looks: a round body with four legs, and a long one with fins and a tail.
- `ringhead` is mostly on water, where the others are seldom without it.
"""


@dataclass(frozen=True)
class SampleReport:
    """What `generate_sample` wrote: the folder, the class names, image counts by split and class, and every object."""

    folder: Path
    classes: tuple[str, ...]
    splits: dict[str, int]
    class_images: dict[str, int]
    objects: tuple[SampleObject, ...] = field(repr=False)

    def summary(self) -> str:
        """Return in one sentence what was written."""
        splits = " and ".join(f"{count} {split}" for split, count in self.splits.items())
        classes = ", ".join(f"{name} {count}" for name, count in self.class_images.items())
        return f"{splits} images with {len(self.objects)} objects in {self.folder} (images per class: {classes})"


def generate_sample(folder: Path, *, images: int = 300, size: int = 160, seed: int = 0) -> SampleReport:
    """Write generated pictures, image-level labels and exact masks in the VOC layout.

    Parameters
    ----------
    folder : Path
        Receives `JPEGImages`, `SegmentationClass`, `ImageSets`, `labels.csv`, `objects.csv`, `classes.txt` and
        `README.md`; made when missing, files of the same names are replaced.
    images : int
        How many pictures; every fifth belongs to the split `val`. Picture i does not depend on this number.
    size : int
        Height and width in pixels, at least 64.
    seed : int
        The same seed writes the same bytes.

    Returns
    -------
    SampleReport

    Raises
    ------
    ValueError
        When fewer than one image or less than 64 pixels are asked for.
    """
    if images < 1 or size < 64:
        raise ValueError(f"{images} images of {size} pixels were asked for; give at least 1 image and 64 pixels.")
    folder = Path(folder)
    for part in ("JPEGImages", "SegmentationClass", "ImageSets"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    splits = {f"shapes_{index:04d}": "val" if index % 5 == 4 else "train" for index in range(images)}
    objects: list[SampleObject] = []
    for index, name in enumerate(splits):
        picture = draw_picture(name, index, size=size, seed=seed)
        Image.fromarray(picture.pixels).save(folder / "JPEGImages" / f"{name}.jpg", quality=92, subsampling=0)
        write_mask(folder / "SegmentationClass" / f"{name}.png", picture.values, CLASSES)
        objects += picture.objects
    labels = _labels(objects)
    _write_lists(folder, splits, labels)
    _write_objects(folder / "objects.csv", objects)
    return SampleReport(
        folder=folder,
        classes=CLASSES.names,
        splits=dict(Counter(splits.values())),
        class_images={name: sum(name in present for present in labels.values()) for name in CLASSES.names},
        objects=tuple(objects),
    )


def _labels(objects: Iterable[SampleObject]) -> dict[str, tuple[str, ...]]:
    """Return the names of the classes in each image, in class order."""
    present: dict[str, set[str]] = {}
    for item in objects:
        present.setdefault(item.image, set()).add(item.name)
    return {image: CLASSES.names_of(CLASSES.indices(names)) for image, names in present.items()}


def _write_lists(folder: Path, splits: dict[str, str], labels: dict[str, tuple[str, ...]]) -> None:
    for split in ("train", "val"):
        names = [f"{name}\n" for name, belongs in splits.items() if belongs == split]
        _write_text(folder / "ImageSets" / f"{split}.txt", "".join(names))
    _write_text(folder / "classes.txt", "\n".join(("background", *CLASSES.names)) + "\n")
    _write_text(folder / "README.md", README)
    columns = {name: [int(c in labels[name]) for c in CLASSES.names] for name in splits}
    rows = [[name, split, " ".join(labels[name]), *columns[name]] for name, split in splits.items()]
    _write_csv(folder / "labels.csv", ["image", "split", "labels", *CLASSES.names], rows)


def _write_objects(path: Path, objects: Iterable[SampleObject]) -> None:
    header = ["image", "class", "look", "ground", "row", "column", "scale", "angle", "pixels", "head_pixels"]
    rows = [[o.image, o.name, o.look, o.ground, *o.centre, o.scale, o.angle, o.pixels, o.head_pixels] for o in objects]
    _write_csv(path, header, rows)


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
