"""Image-level labels as a table."""

import csv

from napari_wsss.core.progress import finish
from napari_wsss.exchange.export import Entry, ExportOptions, export
from napari_wsss.exchange.labels import read_labels
from napari_wsss.project.records import ImageRecord
from tests.exports import CLASSES
from tests.session.conftest import write_picture


def test_a_line_for_each_image_that_is_read_back(tmp_path) -> None:
    names = ("a.png", "b.png", "c.png")
    for seed, name in enumerate(names):
        write_picture(tmp_path / "photos" / name, seed)
    records = [
        ImageRecord("a.png", "a.png", frozenset({"cat", "traffic light"}), "todo", "val", ""),
        ImageRecord("b.png", "b.png", frozenset(), "todo", "train", "", negative=True),
        ImageRecord("c.png", "c.png", frozenset({"cat"}), "todo", "", "", unknown=frozenset({"traffic light"})),
    ]
    entries = [Entry(one.id, lambda one=one: one) for one in records]
    report = finish(export(entries, CLASSES, tmp_path / "out", ExportOptions(("labels_csv",))))
    assert (report.written, report.what) == (names, "image-level labels")
    with (tmp_path / "out/labels.csv").open(encoding="utf-8", newline="") as file:
        assert [row["labels"] for row in csv.DictReader(file)] == ["cat;traffic light", "none", "cat"]
    again = read_labels(tmp_path / "photos", tmp_path / "out/labels.csv", also=CLASSES.names)
    for record in records:
        told = again.new_image(record.id)
        assert (told.labels, told.negative, told.unknown) == (record.labels, record.negative, record.unknown)
