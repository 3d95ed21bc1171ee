"""What a record of an image may hold."""

from __future__ import annotations

import pytest

from napari_wsss.core.errors import LabelError, ProjectError
from napari_wsss.project.records import NewImage, check_new


@pytest.mark.parametrize("image_id", ["", "/a.png", "../a.png", "a/../b.png", "a\\b.png", "./a.png"])
def test_ids_are_plain_relative_paths(image_id: str) -> None:
    with pytest.raises(ProjectError, match="plain path"):
        check_new(NewImage(image_id), {})


def test_labels_and_splits_of_new_images_are_known() -> None:
    check_new(NewImage("day 1/a.png", frozenset({"cat"}), "val"), {"cat": 0})
    with pytest.raises(LabelError, match="wolf"):
        check_new(NewImage("a.png", frozenset({"wolf"})), {"cat": 0})
    with pytest.raises(ProjectError, match="test"):
        check_new(NewImage("a.png", split="test"), {})
