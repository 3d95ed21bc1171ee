from __future__ import annotations

from dataclasses import replace

from napari_wsss.project.image_clusters import ClusterFacts
from napari_wsss.widgets.clusters.accept import AcceptBox
from tests.tiny_project import set_scores
from tests.widgets.clustered import cluster


def test_it_says_what_would_be_accepted_and_why_not_yet(session, settle, qtbot):
    gallery = cluster(session, settle)
    box = AcceptBox(session)
    qtbot.addWidget(box)
    set_scores(session.project.catalog, {f"p{number}.png": number / 10 for number in range(6)})
    box.show_row(gallery.rows("red")[0])
    assert "1 of 4 images. Not yet: accept 5 more images" in box.remark.text()
    assert not box.accept.isEnabled()

    box.show_row(replace(gallery.rows("red")[0], facts=ClusterFacts(4, 5, 5, None)))
    box.slider.setValue(75)
    assert box.remark.text().startswith("Would accept 2 of 4 images; drafts")
    box.accept.click()
    settle(session)
    assert [session.project.catalog.state(f"p{n}.png") for n in (1, 2, 4)] == ["accepted", "accepted", "todo"]
    box.slider.setValue(100)
    assert not box.accept.isEnabled()
