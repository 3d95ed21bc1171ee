"""CVAT's XML for images, after its documentation."""

import numpy as np
import pytest

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import LabelError
from napari_wsss.exchange.annotations.annotated import Reading
from napari_wsss.exchange.annotations.painting import Rules, painted
from napari_wsss.exchange.reading import reader_of

XML = """<?xml version="1.0" encoding="utf-8"?>
<annotations>
  <version>1.1</version>
  <meta><task><labels>
    <label><name>dog</name><attributes/></label><label><name>cat</name></label>
  </labels></task></meta>
  <image id="0" name="day 1/a.jpg" subset="Train" width="20" height="18">
    <tag label="wet" source="manual"/>
    <mask label="cat" source="manual" occluded="0" z_order="2" left="2" top="1" width="13" height="15"
      rle="3, 5, 7, 7, 5, 9, 3, 11, 2, 11, 2, 12, 1, 12, 1, 26, 1, 12, 1, 12, 2, 11, 3, 9, 5, 7, 7, 5, 3"/>
    <polygon label="dog" z_order="1" points="0.00,0.00;20.00,0.00;20.00,18.00;0.00,18.00"/>
    <ellipse label="dog" z_order="3" cx="18" cy="16" rx="1.5" ry="1"/>
    <box label="bird" xtl="1" ytl="1" xbr="2" ybr="2"/>
    <polyline label="cat" points="1,2;3,4"/>
    <polygon label="cat" points="nonsense"/>
  </image>
  <image id="1" name="b.jpg" width="20" height="18"/>
</annotations>"""


def test_tags_objects_and_their_order(tmp_path, read):
    (tmp_path / "annotations.xml").write_text(XML)
    (first, second), reading = read("cvat", tmp_path / "annotations.xml")
    assert first.classes == {"wet", "cat", "dog", "bird"}
    assert (first.names, first.split, second.classes) == (("day 1/a.jpg",), "train", None)
    assert (reading.classes, len(reading.unreadable)) == (("dog", "cat"), 1)
    mask = painted(first, (18, 20), Rules(ClassList(["cat", "dog"])))
    assert int((mask == 1).sum()) == sum([5, 7, 9, 11, 11, 12, 12, 26, 12, 12, 11, 9, 7, 5])
    assert (mask[16, 17], mask[0, 0]) == (2, 2)
    assert set(np.unique(mask)) == {1, 2}


@pytest.mark.parametrize("inside", ["<annotation/>", "<annotations><track/></annotations>", "<annotations>"])
def test_what_is_no_such_file_is_refused(tmp_path, inside):
    (tmp_path / "a.xml").write_text(inside)
    with pytest.raises(LabelError, match=r"a\.xml"):
        list(reader_of("cvat").read(tmp_path / "a.xml", Reading()))


def test_the_files_of_a_folder_are_splits(tmp_path, read):
    for split, name in (("train", "a"), ("val", "b"), ("more", "c")):
        image = f'<image id="0" name="{name}.jpg"><tag label="cat"/></image>'
        (tmp_path / f"{split}.xml").write_text(f"<annotations>{image}</annotations>")
    found, _ = read("cvat", tmp_path)
    assert {one.names[0]: one.split for one in found} == {"a.jpg": "train", "b.jpg": "val", "c.jpg": ""}
    assert all(one.classes == {"cat"} for one in found)
