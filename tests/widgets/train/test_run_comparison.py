"""Runs side by side: the better score is bold, names are harmless, the plot holds every run's curve."""

from __future__ import annotations

import json

from napari_wsss.session.runs.compared import RunTable
from napari_wsss.session.runs.folders import RunInfo
from napari_wsss.widgets.controls.charts import picture_of
from napari_wsss.widgets.train.run_comparison import NOTHING, RunComparison, as_html


def test_the_table_marks_the_best_score():
    html = as_html(RunTable(("a", "<b>"), (("miou", ("0.5", "0.6")), ("epochs", ("5", "9"))), (1, None)))
    assert "<td><b>0.6</b>" in html
    assert "<td>5&nbsp;" in html
    assert "&lt;b&gt;" in html
    assert as_html(RunTable(("a", "b"), (), ())) == NOTHING


def test_it_is_there_only_while_runs_are_compared(qtbot, tmp_path):
    shown = RunComparison()
    qtbot.addWidget(shown)
    runs = []
    for name, epochs in (("a", 5), ("b", 9)):
        folder = tmp_path / name
        folder.mkdir()
        events = [{"done": k, "metrics": {"loss": 1 / (k + epochs)}} for k in range(3)]
        events.append({"done": 3, "metrics": {"miou": 0.5}})
        (folder / "events.jsonl").write_text("\n".join(map(json.dumps, events)))
        runs.append(RunInfo(folder, "segmentation", "done", config={"optimisation": {"epochs": epochs}}))
    assert shown.isHidden()
    shown.show_runs(runs)
    assert not shown.isHidden()
    assert set(shown.plot.series) == {"a loss", "b loss", "a miou", "b miou"}
    assert "epochs" in shown.table.text()
    assert len(shown.plot.axes.plotItem.curves) == 4
    assert not picture_of(shown.plot).isNull()
    shown.clear()
    assert shown.isHidden()
    assert not shown.plot.series
