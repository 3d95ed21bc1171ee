from __future__ import annotations

from tests.session.conftest import Sitting
from tests.session.gallery.test_gallery import with_clusters


def test_the_queue_follows_clusters_only_where_it_asks_for_them(computed: Sitting) -> None:
    session = computed.session
    with_clusters(computed)
    told: list[int] = []
    session.signals.queue_changed.connect(lambda: told.append(1))
    session.following.clusters_moved()
    assert not told
    session.navigation.set_search("cluster:1")
    session.following.clusters_moved()
    assert len(told) == 2


def test_replaced_proposals_and_labels_reach_whoever_shows_them(computed: Sitting) -> None:
    session, told = computed.session, []
    session.signals.maps_ready.connect(told.append)
    session.signals.labels_changed.connect(told.append)
    session.navigation.go_to("p0.png")
    session.following.proposals_were_replaced(["p0.png", "p2.png"])
    assert told == ["p0.png", "p2.png"]
    session.following.labels_were_edited(["p3.png"])
    computed.settle()
    assert "p3.png" in told[2:]
