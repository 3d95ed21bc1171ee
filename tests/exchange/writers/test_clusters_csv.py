"""Clusters as a table."""

import csv

from napari_wsss.core.progress import finish
from napari_wsss.exchange.export import Entry, ExportOptions, export
from napari_wsss.project.image_clusters import ClusterRow
from tests.exports import CLASSES


def test_a_line_for_each_image_and_class(tmp_path) -> None:
    rows = (ClusterRow("a,b.jpg", 0, "cat 1", 0.25), ClusterRow("a,b.jpg", 1, "red ones", 1.5))
    entries = [Entry("a,b.jpg", lambda: rows), Entry("c.jpg", lambda: None)]
    report = finish(export(entries, CLASSES, tmp_path, ExportOptions(("clusters_csv",))))
    with (tmp_path / "clusters.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.DictReader(file)) == [
            {"image": "a,b.jpg", "class": "cat", "cluster": "cat 1", "distance": "0.25"},
            {"image": "a,b.jpg", "class": "traffic light", "cluster": "red ones", "distance": "1.5"},
        ]
    assert (report.written, report.without) == (("a,b.jpg",), 1)
