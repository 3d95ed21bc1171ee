"""An export says who made which pixel when it is asked to."""

import csv
import json

import numpy as np

from napari_wsss.core.masks import read_mask
from napari_wsss.core.progress import finish
from napari_wsss.core.sources import Source, Sources
from napari_wsss.exchange.export import Entry, ExportOptions, export
from napari_wsss.project.sourced_masks import SourcedMask
from tests.exports import CLASSES, MASK, entry, exported

MADE_BY = np.array([[0, 1, 2, 2], [0, 0, 1, 1], [1, 1, 1, 1]], np.uint8)
SOURCE = Source("proposal", "abc", "cam", "training/classifier-1/best.safetensors", {"threshold": 0.4})


def test_sources_lie_beside_the_masks(tmp_path) -> None:
    made = SourcedMask(MASK, Sources(MADE_BY, (SOURCE,)))
    entries = [Entry("one.jpg", lambda: made), entry("sub/old.jpg", MASK)]
    exported(tmp_path / "without", {"one.jpg": MASK})
    assert not (tmp_path / "without" / "sources").exists()
    out = tmp_path / "out"
    finish(export(entries, CLASSES, out, ExportOptions(("voc", "sources"))))
    np.testing.assert_array_equal(read_mask(out / "sources" / "one.png"), MADE_BY)
    assert (read_mask(out / "sources" / "sub" / "old.png") == 1).all()
    assert (out / "SegmentationClass/one.png").is_file(), "sources lie beside, the other format keeps the folder"
    with (out / "sources" / "sources.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["mask"], row["value"], row["share"], row["who"]) for row in rows] == [
        ("one", "0", "0.250000", "nothing drawn"),
        ("one", "1", "0.583333", "a person"),
        ("one", "2", "0.166667", "proposal of classifier-1 at threshold 0.40"),
        ("sub/old", "1", "1.000000", "a person"),
    ]
    assert Source.from_dict(json.loads(rows[2]["details"])) == SOURCE
