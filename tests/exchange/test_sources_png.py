"""An export says who made which pixel when it is asked to."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import ProjectError
from napari_wsss.core.masks import encode_mask, read_mask
from napari_wsss.core.sources import Source, Sources
from napari_wsss.exchange.masks_png import ExportOptions, export_masks
from napari_wsss.exchange.sources_png import read_sources
from napari_wsss.project.sourced_masks import SourcedMask, encode_sourced

CLASSES = ClassList(["cat", "dog"])
MASK = np.array([[0, 1, 2, 255], [0, 0, 1, 1]], np.uint8)
MADE_BY = np.array([[0, 1, 2, 2], [0, 0, 1, 1]], np.uint8)
SOURCE = Source("proposal", "abc", "cam", "training/classifier-1/best.safetensors", {"threshold": 0.4})


def test_sources_lie_beside_the_masks(tmp_path):
    one, old = tmp_path / "one.png", tmp_path / "old.png"
    one.write_bytes(encode_sourced(SourcedMask(MASK, Sources(MADE_BY, (SOURCE,))), CLASSES))
    old.write_bytes(encode_mask(MASK, CLASSES))
    entries = [("one.jpg", one), ("sub/old.jpg", old), ("array.jpg", MASK)]
    export_masks(entries, CLASSES, tmp_path / "without")
    assert not (tmp_path / "without" / "sources").exists()
    out = tmp_path / "out"
    export_masks(entries, CLASSES, out, ExportOptions(sources=True))
    np.testing.assert_array_equal(read_mask(out / "sources" / "one.png"), MADE_BY)
    assert (read_mask(out / "sources" / "sub" / "old.png") == 1).all()
    assert not (out / "sources" / "array.png").exists()
    with (out / "sources" / "sources.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["mask"], row["value"], row["share"], row["who"]) for row in rows] == [
        ("one", "0", "0.375000", "nothing drawn"),
        ("one", "1", "0.375000", "a person"),
        ("one", "2", "0.250000", "proposal of classifier-1 at threshold 0.40"),
        ("sub/old", "1", "1.000000", "a person"),
    ]
    assert Source.from_dict(json.loads(rows[2]["details"])) == SOURCE
    with pytest.raises(ProjectError, match="gone"):
        read_sources(tmp_path / "gone.png")
