"""LabelMe's XML, laid out as Datumaro writes it."""

import json
import os
import subprocess
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_wsss.core.classes import ClassList
from napari_wsss.exchange.annotations.painting import Rules, Unusable, painted
from napari_wsss.exchange.labels import read_labels

JUDGE = Path(__file__).parents[1] / "writers" / "datumaro_judge.py"
CLASSES = ClassList(["cat", "dog"])
SQUARE = "".join(f"<pt><x>{x:.2f}</x><y>{y:.2f}</y></pt>" for x, y in ((1, 0), (4, 0), (4, 2), (1, 2)))


def thing(name: str, inside: str, deleted: int = 0) -> str:
    return f"<object><name>{name}</name><deleted>{deleted}</deleted><id>%d</id>{inside}</object>"


def written(root: Path, *objects: str, name: str = "a", subset: str = "train") -> Path:
    path = root / "Annotations" / subset / f"{name}.xml"
    path.parent.mkdir(parents=True, exist_ok=True)
    said = f"<filename>{name}.jpg</filename><folder>{subset}</folder><source><sourceImage/></source>"
    said += "<imagesize><nrows>3</nrows><ncols>5</ncols></imagesize>"
    things = "".join(one % at for at, one in enumerate(objects))
    path.write_text(f"<annotation>{said}{things}</annotation>", encoding="utf-8")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return an export of two images; the first has a polygon, a mask, a box and what was deleted."""
    mask = np.array([[0, 0, 0, 0], [255, 203, 0, 153]], np.uint8)[np.eye(3, 5, dtype=int)]
    (tmp_path / "Masks/train").mkdir(parents=True)
    Image.fromarray(mask).save(tmp_path / "Masks/train/a_mask_1.png")
    written(
        tmp_path,
        thing("cat", f"<polygon>{SQUARE}<username/></polygon>"),
        thing("dog", "<segm><mask>a_mask_1.png</mask><box/></segm>"),
        thing("dog", f"<type>bounding_box</type><polygon>{SQUARE}</polygon>"),
        thing("horse", f"<polygon>{SQUARE}</polygon>", deleted=1),
    )
    written(tmp_path, name="b")
    return tmp_path


def test_polygons_masks_and_boxes(folder, read):
    (first, second), reading = read("labelme_xml", folder)
    assert (first.names[0], first.split, first.classes) == ("train/a.jpg", "train", {"cat", "dog"})
    assert second.classes == frozenset()
    assert not reading.unreadable
    assert painted(first, (3, 5), Rules(CLASSES)).tolist() == [[2, 1, 1, 1, 0], [0, 2, 1, 1, 0], [0, 0, 2, 0, 0]]
    with pytest.raises(Unusable, match="drawn on 5x3") as error:
        painted(first, (5, 5), Rules(CLASSES))
    assert error.value.kind == "wrong_size"


def test_one_file_by_itself(folder, read):
    (first,), _ = read("labelme_xml", folder / "Annotations/train/a.xml")
    assert painted(first, (3, 5), Rules(CLASSES))[0, 0] == 2


@pytest.mark.slow
def test_datumaro_finds_the_same_pixels(folder, read):
    judge = os.environ.get("WSSS_DATUMARO")
    if not judge:
        pytest.skip("WSSS_DATUMARO names no Python with Datumaro, whose packages conflict with ours")
    done = subprocess.run([judge, str(JUDGE), str(folder), "label_me"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    theirs = {name: digests for name, _, digests in json.loads(done.stdout.splitlines()[-1])["items"]}
    (first, _), _ = read("labelme_xml", folder)
    ours = {shape.label: shape.drawing.inside((3, 5)) for shape in first.shapes if shape.drawing}
    assert theirs == {"a": {name: sha256(where.tobytes()).hexdigest() for name, where in ours.items()}, "b": {}}


def test_masks_that_lie_elsewhere_or_nowhere_are_said(tmp_path, read):
    for mask in ("../../secret.png", "gone.png"):
        written(tmp_path, thing("cat", f"<segm><mask>{mask}</mask></segm>"), name=Path(mask).stem)
    (gone, secret), reading = read("labelme_xml", tmp_path)
    assert not secret.shapes
    assert "secret.png" in reading.unreadable[0]
    with pytest.raises(Unusable, match=r"gone\.png") as error:
        painted(gone, (3, 5), Rules(CLASSES))
    assert error.value.kind == "unreadable"


def test_it_is_not_taken_for_voc_and_voc_not_for_it(folder, pictures):
    report = read_labels(pictures(["a.jpg", "b.jpg"]), folder)
    assert (report.kind, report.labels) == ("labelme_xml", {"a.jpg": {"cat", "dog"}, "b.jpg": frozenset()})
    assert report.splits == {"a.jpg": "train", "b.jpg": "train"}
    for path in (folder / "Annotations").rglob("*.xml"):
        path.unlink()
    box = "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox>"
    written(folder, thing("cat", box), subset=".")
    assert read_labels(pictures(["a.jpg"]), folder).kind == "voc"
