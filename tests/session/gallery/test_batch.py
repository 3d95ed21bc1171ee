from __future__ import annotations

import numpy as np
import pytest

from napari_wsss.core.errors import ProjectError
from napari_wsss.project.image_clusters import ClusterFacts
from napari_wsss.session.gallery import batch as batch_module
from tests.session.conftest import Sitting
from tests.session.gallery.test_gallery import with_clusters
from tests.tiny_project import set_scores


def test_five_accepts_by_hand_come_first(computed: Sitting) -> None:
    batch = computed.session.gallery.batch
    assert batch.why_not(ClusterFacts(30, 9, 4, None)) == "accept 1 more image of this cluster one by one first"
    assert batch.why_not(ClusterFacts(30, 9, 5, None)) == ""


def test_sure_untouched_images_are_accepted_and_taken_back_in_one_step(computed: Sitting) -> None:
    session, gallery = computed.session, with_clusters(computed)
    project, told = session.project, []
    assert project is not None
    gallery.batch.done.connect(lambda *said: told.append(said))
    set_scores(project.catalog, {"p1.png": 0.05, "p2.png": 0.2, "p4.png": 0.3, "p5.png": 0.05})
    session.navigation.go_to("p5.png")
    computed.paint(2)  # a draft is a person's
    session.navigation.go_to("p2.png")
    computed.paint(2)
    session.decisions.skip()  # also where it was skipped
    assert gallery.batch.would_accept("red 1", 0.75) == ("p1.png",)
    assert project.catalog.state("p2.png") == "skipped"
    project.review.discard_draft("p2.png")
    session.navigation.go_to("p1.png")
    assert gallery.batch.would_accept("red 1", 0.75) == ("p1.png", "p2.png")
    expected = session.table.proposal

    gallery.batch.accept("red 1", 0.75)
    computed.settle()
    assert told == [("red 1", 2, 0)]
    assert [project.catalog.state(one) for one in ("p1.png", "p2.png", "p4.png", "p5.png")] == [
        "accepted",
        "accepted",
        "todo",
        "draft",
    ]
    np.testing.assert_array_equal(session.table.mask, expected)
    assert session.table.mask_is_touched
    assert project.journal.accepted_in_batch("p2.png")  # what the learner weighs
    facts = gallery.rows("red")[0].facts
    assert (facts.accepted, facts.by_hand) == (2, 0)
    assert gallery.undo_text == "batch accepted in red 1"

    gallery.undo()
    assert [project.catalog.state(one) for one in ("p1.png", "p2.png")] == ["todo", "skipped"]
    assert project.masks.read_accepted("p1.png") is None
    assert gallery.undo_text == ""
    with pytest.raises(ProjectError, match="nothing is accepted"):
        gallery.batch.accept("red 1", 0.99)


def test_images_without_a_proposal_are_left_out(computed: Sitting) -> None:
    session, gallery = computed.session, with_clusters(computed)
    assert session.project is not None
    session.project.store.clear("localize")
    set_scores(session.project.catalog, {"p1.png": 0.0})
    gallery.batch.accept("red 1", 0.99)
    computed.settle()
    assert session.project.catalog.state("p1.png") == "todo"
    assert computed.notices[-1].startswith("Accepted 0 images of red 1; 4 left out")


def test_what_is_not_known_yet_is_measured(computed: Sitting) -> None:
    session, gallery = computed.session, with_clusters(computed)
    assert session.project is not None
    session.project.catalog.set_score("p1.png", None)
    assert gallery.batch.measure("red 1") == 1
    computed.settle()
    assert gallery.batch.measure("red 1") == 0
    assert len(gallery.batch.would_accept("red 1", 0.0)) == 4


def test_one_acceptance_at_a_time_waits_for_the_window(computed: Sitting, monkeypatch: pytest.MonkeyPatch) -> None:
    batch, log = computed.session.gallery.batch, []
    read, accept = batch_module.proposed, batch._accept_one
    monkeypatch.setattr(batch_module, "proposed", lambda *given: log.append("read") or read(*given))
    monkeypatch.setattr(batch, "_accept_one", lambda *given: log.append("accept") or accept(*given))
    computed.session.signals.state_changed.connect(lambda _image_id: log.append("told"))
    batch.done.connect(lambda *_: log.append("done"))
    batch.accept_seen(["p0.png", "p1.png", "p2.png"], "all")
    computed.settle()
    # Told one by one, too: of a whole page it would be one long call of the window's thread.
    assert [one for one in log[:9] if one != "read"] == ["accept", "told"] * 3
    assert log.count("read") == 3
    assert log.index("done") > 8
    assert computed.session.project.catalog.counts()["accepted"] == 3
