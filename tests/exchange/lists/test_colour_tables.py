"""Tables of colours in the shapes that data sets have, and what is none of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import LabelError
from napari_wsss.exchange.labels import read_labels
from napari_wsss.exchange.lists.class_lists import ValueNames, read_value_names
from napari_wsss.exchange.lists.colour_tables import colour_table_in, is_colour_table, read_colour_table
from napari_wsss.exchange.masks.importing import MaskChoices, import_masks

CLASSES = ClassList(("Road", "Sign Symbol"))
ROAD, SIGN = (128, 64, 128), (192, 128, 128)
WRITTEN = {
    "label_colors.txt": "128 64 128\tRoad\n192 128 128\tSign Symbol\n0 0 0\tVoid\n",
    "palette.txt": "# classes\nRoad 128 64 128\nSign Symbol 192 128 128\nVoid 0 0 0\n",
    "LabelColours.txt": "Road,128,64,128\nSign Symbol,192,128,128\nVoid,0,0,0\n",
    "class_dict.csv": "name,r,g,b\nRoad,128,64,128\nSign Symbol,192,128,128\nVoid,0,0,0\n",
    "labels.csv": "\ufeffid;Label;Red;Green;Blue\n7;Road;128;64;128\n20;Sign Symbol;192;128;128\n0;Void;0;0;0\n",
    "anything.tsv": "colour\tclass\n#804080\tRoad\n#C08080\tSign Symbol\n#000\tVoid\n".replace("#000\t", "0 0 0\t"),
    "kitti.csv": 'name,color\nRoad,"(128, 64, 128)"\nSign Symbol,"[192, 128, 128]"\nVoid,"(0, 0, 0)"\n',
    "class_colors.csv": "Road,128,64,128\nSign Symbol,192,128,128\nVoid,0,0,0\n",
}


def listed_in(folder: Path) -> ValueNames:
    found = read_value_names([folder])
    assert found is not None
    return found


@pytest.mark.parametrize("name", WRITTEN)
def test_coloured_masks_become_classes(tmp_path: Path, name: str) -> None:
    (tmp_path / "masks").mkdir()
    (tmp_path / name).write_text(WRITTEN[name], encoding="utf-8")
    picture = np.array([[ROAD, SIGN, (0, 0, 0)], [ROAD, ROAD, ROAD]], np.uint8)
    Image.fromarray(picture).save(tmp_path / "masks" / "x_L.png")
    Image.fromarray(picture).save(tmp_path / "masks" / "y_gtFine_color.png")
    images = {name: tmp_path / name for name in ("x.png", "y_leftImg8bit.png")}
    for image in images.values():
        Image.new("RGB", (3, 2)).save(image)
    report = import_masks(tmp_path / "masks", images, CLASSES)
    assert set(report.masks) == set(images), str(report)
    for image_id in images:
        np.testing.assert_array_equal(report.read(image_id), [[1, 2, 255], [1, 1, 1]])
    assert any(name in note for note in report.notes)


def test_what_is_no_class_is_counted_and_can_be_ignored(tmp_path: Path) -> None:
    (tmp_path / "masks").mkdir()
    (tmp_path / "class_dict.csv").write_text("name,r,g,b\nRoad,128,64,128\nhorse,1,2,3\nVoid,0,0,0\n")
    Image.fromarray(np.array([[ROAD, (1, 2, 3)]], np.uint8)).save(tmp_path / "masks" / "x.png")
    Image.new("RGB", (2, 1)).save(tmp_path / "x.png")
    images = {"x.png": tmp_path / "x.png"}
    refused = import_masks(tmp_path / "masks", images, CLASSES)
    assert refused.unknown == {"horse": 1}
    assert "x.png paints 'horse', which is no class here (by class_dict.csv)" in refused.wrong_values
    taken = import_masks(tmp_path / "masks", images, CLASSES, choices=MaskChoices(unknown="ignore"))
    np.testing.assert_array_equal(taken.read("x.png"), [[1, 255]])


def test_masks_of_numbers_mean_what_the_table_numbers(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text(WRITTEN["labels.csv"], encoding="utf-8")
    found = listed_in(tmp_path).to_classes(np.array([[7, 20, 0]], np.uint8), CLASSES)
    np.testing.assert_array_equal(found, [[1, 2, 255]])


def test_a_table_that_numbers_some_lines_keeps_their_numbers(tmp_path: Path) -> None:
    """Cityscapes numbers number plates with -1, and several colours mean more than one name."""
    lines = "name,id,r,g,b\nunlabeled,0,0,0,0\nego vehicle,1,0,0,0\ncar,26,0,0,142\nlicense plate,-1,0,0,142\n"
    (tmp_path / "colors.csv").write_text(lines)
    found = listed_in(tmp_path)
    assert found.names[26] == "car"
    assert found.colours == {(0, 0, 0): 0, (0, 0, 142): 26}
    assert "car, license plate" in " ".join(found.shared)


def test_what_is_wrong_is_said_with_its_line(tmp_path: Path) -> None:
    for name, text in (
        ("label_colors.txt", "128 64 128 Road\n300 0 0 Sign\n"),
        ("class_dict.csv", "name,r,g,b\nRoad,128,64,128\nSign,192,,128\n"),
        ("colors.txt", "128 64 128 Road\nSign\n"),
    ):
        path = tmp_path / name
        path.write_text(text)
        assert is_colour_table(path)
        with pytest.raises(LabelError, match=r"line \d, .*Sign.*0 to 255"):
            read_colour_table(path)
    (tmp_path / "colors.txt").write_text("".join(f"{k} {k} {k} class {k}\n" for k in range(256)))
    (tmp_path / "class_dict.csv").unlink()
    with pytest.raises(LabelError, match="256 lines"):
        read_value_names([tmp_path])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("labels.csv", "name,r,g,b\na.jpg,1,0,1\nb.jpg,0,0,1\n"),
        ("labels.csv", "image,labels\na.jpg,cat\n"),
        ("classes.csv", "cat\ndog\n"),
        ("colors.txt", "a.jpg red\n"),
        ("list.txt", "128 64 128 Road\n"),
        ("table.csv", "cat,1,2,3\n"),
        ("colors.csv", ""),
        ("colors.csv", '"\n'),
        (".colors.txt", "128 64 128 Road\n"),
        ("colors.png", "128 64 128 Road\n"),
    ],
)
def test_other_files_are_none(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert not is_colour_table(tmp_path / name)
    assert colour_table_in(tmp_path) is None
    with pytest.raises(LabelError, match="no table of colours"):
        read_colour_table(tmp_path / name)


def test_bytes_that_are_no_text_are_none(tmp_path: Path) -> None:
    (tmp_path / "colors.txt").write_bytes(bytes(range(256)) * 4)
    assert not is_colour_table(tmp_path / "colors.txt")


def test_the_table_of_labels_beside_it_is_found(tmp_path: Path, pictures) -> None:  # type: ignore[no-untyped-def]
    root = pictures(["a.jpg", "b.jpg"])
    (root / "class_dict.csv").write_text(WRITTEN["class_dict.csv"])
    (root / "train.csv").write_text("image,label\na.jpg,Road\nb.jpg,Sign Symbol\n")
    report = read_labels(root)
    assert report.kind == "csv"
    assert report.classes == ("Road", "Sign Symbol")
    assert set(report.labels["a.jpg"]) == {"Road"}
