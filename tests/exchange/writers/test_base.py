"""What every format can rely on."""

import numpy as np
import pytest

from napari_wsss.core.classes import IGNORE, ClassList
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.sources import PERSON, Sources
from napari_wsss.exchange.export_folder import ExportFolder
from napari_wsss.exchange.writers.base import Item, regions
from napari_wsss.exchange.writers.grey import Grey
from napari_wsss.project.sourced_masks import SourcedMask
from tests.exports import MASK


def item(content: object) -> Item:
    return Item("day 1/a.jpg", 1, "day 1/a", content)


def test_an_item_hands_out_what_it_is_of() -> None:
    one = item(SourcedMask(MASK, Sources.uniform(MASK.shape, PERSON)))
    np.testing.assert_array_equal(one.values, MASK)
    assert [value for value, _ in regions(one)] == [1, 2, IGNORE]
    assert (one.suffix, one.subset) == (".jpg", "default")
    for wrong in ("maps", "clusters"):
        with pytest.raises(TypeError, match="SourcedMask"):
            getattr(one, wrong)
    with pytest.raises(TypeError, match="ActivationMaps"):
        _ = item(ActivationMaps.empty(2, 3)).values


def test_background_and_ignore_are_never_called_like_a_class(tmp_path) -> None:
    writer = Grey(ExportFolder(tmp_path), ClassList.stored(["ignore", "background", "cat"]))
    names = [writer.name_of(value) for value in (0, 1, 2, 3, IGNORE)]
    assert names == ["__background__", "ignore", "background", "cat", "__ignore__"]


def test_ignore_is_a_value_where_it_occurs(tmp_path) -> None:
    writer = Grey(ExportFolder(tmp_path), ClassList(["cat", "dog"]))
    assert writer.values == [1, 2]
    writer.take(item(SourcedMask(MASK, Sources.uniform(MASK.shape, PERSON))))
    assert writer.values == [1, 2, IGNORE]


def test_colours_are_those_of_the_palette(tmp_path) -> None:
    writer = Grey(ExportFolder(tmp_path), ClassList(["cat", "dog"]))
    assert (writer.colour(1), writer.web_colour(2)) == ((128, 0, 0), "#008000")
