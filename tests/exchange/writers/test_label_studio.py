"""Label Studio's brush masks, unpacked by the description of their format, and the configuration they need."""

import json
from xml.etree import ElementTree

import numpy as np
from hypothesis import given, settings

from napari_wsss.core.classes import IGNORE
from napari_wsss.core.inside import writable
from tests.exports import IDS, MASK, exported, filled, sets
from tests.pixels.test_run_lengths import unpacked


@given(sets())
@settings(max_examples=12, deadline=None)
def test_masks_come_back_and_every_label_is_configured(tmp_path_factory, given) -> None:
    classes, masks = given
    out = tmp_path_factory.mktemp("studio")
    exported(out, masks, "label_studio", classes=classes)
    configured = [one.get("value") for one in ElementTree.parse(out / "label_config.xml").iter("Label")]
    assert configured[: len(classes)] == [writable(name) for name in classes.names]
    tasks = json.loads((out / "tasks.json").read_text(encoding="utf-8"))
    for task, mask in zip(tasks, masks.values(), strict=True):
        found = {}
        for region in task["annotations"][0]["result"]:
            (name,) = region["value"]["brushlabels"]
            value = IGNORE if name == "ignore" and name not in classes.names else classes.mask_value(name)
            size = region["original_height"], region["original_width"]
            found[value] = unpacked(region["value"]["rle"]).reshape(*size, 4)[..., 3] == 255
        np.testing.assert_array_equal(filled(found, mask.shape), mask)


def test_images_are_asked_for_by_their_place(tmp_path) -> None:
    exported(tmp_path, {IDS[1]: MASK}, "label_studio")
    (task,) = json.loads((tmp_path / "tasks.json").read_text())
    assert task["data"]["image"] == "/data/local-files/?d=images/day%201/%C3%BC%20%26%20%3Cb%3E.png"
