from __future__ import annotations

from napari_wsss.widgets.controls.listening import let_go
from napari_wsss.widgets.review import cluster_line as module
from napari_wsss.widgets.review.cluster_line import ClusterLine
from tests.widgets.clustered import cluster


def test_it_names_the_clusters_and_gives_the_own_proposal_back(session, settle, qtbot):
    line = ClusterLine(session)
    qtbot.addWidget(line)
    assert line.isHidden()
    cluster(session, settle)
    assert line.text.text() == "Cluster: red 2"
    assert line.own.isHidden()
    session.project.catalog.set_borrowed(["p1.png"], "p0.png")
    session.navigation.go_to("p1.png")
    assert line.text.text() == "Cluster: red 1 · proposal from p0.png"
    line.own.click()
    assert session.table.record.borrowed_from == ""
    assert line.text.text() == "Cluster: red 1"
    let_go(line)


def test_it_says_why_an_undecided_image_has_its_proposal(session, qtbot, monkeypatch):
    said = []
    monkeypatch.setattr(module, "why_proposal", lambda project, plan, labels: said.append(labels) or "by the learner")
    line = ClusterLine(session)
    qtbot.addWidget(line)
    assert line.why.text() == "by the learner"
    line.why.setText("a reason of many words, " * 9)
    assert line.why.sizeHint().height() < 2 * line.fontMetrics().lineSpacing(), "the classes below are to be seen"
    assert not line.isHidden()
    assert line.text.isHidden()
    assert said == [frozenset({"red", "green"})]
    session.decisions.accept(and_next=False)
    line.refresh()
    assert line.isHidden(), "what a person decided needs no reason"
    let_go(line)
