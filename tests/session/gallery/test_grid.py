"""Pages of untouched proposals: the bad ones are marked, the rest becomes one undoable step."""

import numpy as np
import pytest

from napari_wsss.core.masks import Mask
from napari_wsss.project.project import Project
from napari_wsss.session.gallery import pictures
from napari_wsss.session.results.machine import proposed
from tests.session.conftest import Sitting
from tests.tiny_project import set_scores

IDS = [f"p{k}.png" for k in range(6)]


@pytest.fixture
def scored(computed: Sitting) -> Sitting:
    set_scores(computed.session.project.catalog, {one: k / 10 for k, one in enumerate(IDS)})
    return computed


def states(sitting: Sitting) -> dict[str, str]:
    return {one: sitting.session.project.catalog.state(one) for one in IDS}


def test_the_surest_untouched_proposals_come_first(scored: Sitting) -> None:
    session = scored.session
    session.navigation.go_to("p1.png")
    scored.paint(2)  # a draft is a person's
    assert session.grid.find()
    assert session.grid.page == ("p0.png", "p2.png", "p3.png", "p4.png", "p5.png")
    assert session.grid.confidence("p2.png") == pytest.approx(0.8)
    assert session.grid.find("class:red")
    assert set(session.grid.page) < set(IDS)
    assert all("red" in session.project.catalog.get(one).labels for one in session.grid.page)


def test_where_a_label_is_in_doubt_nothing_is_sure(scored: Sitting) -> None:
    grid, catalog = scored.session.grid, scored.session.project.catalog
    catalog.set_doubtful("p0.png", catalog.get("p0.png").labels)
    grid.find()
    assert grid.page[-1] == "p0.png"
    assert grid.confidence("p0.png") == 0


def test_what_is_not_marked_is_accepted_as_proposed_in_one_step(scored: Sitting) -> None:
    session = scored.session
    session.grid.find()
    session.grid.toggle("p1.png")
    session.grid.toggle("p4.png")
    session.grid.toggle("p4.png")
    session.navigation.go_to("p2.png")
    expected = session.table.proposal.copy()
    assert session.grid.accept_rest()
    scored.settle()
    assert states(scored) == {one: "todo" if one == "p1.png" else "accepted" for one in IDS}
    np.testing.assert_array_equal(session.project.masks.read_accepted("p2.png"), expected)
    assert session.grid.page == ()
    session.grid.find()
    assert session.grid.page == ()  # put aside for the sitting
    assert session.decisions.undo()
    assert set(states(scored).values()) == {"todo"}


def test_a_proposal_without_a_labelled_class_is_said(scored: Sitting, monkeypatch: pytest.MonkeyPatch) -> None:
    def empty_for_the_first(project: Project, image_id: str) -> Mask | None:
        found = proposed(project, image_id)
        return np.zeros_like(found) if image_id == "p0.png" and found is not None else found

    monkeypatch.setattr(pictures, "proposed", empty_for_the_first)
    grid, labels = scored.session.grid, scored.session.project.catalog.get("p0.png").labels
    grid.find()
    assert grid.text.endswith("Enter accepts 6")
    for image_id in IDS:
        grid.picture(image_id, 64)
    scored.settle()
    assert {one: grid.lacking(one) for one in IDS if grid.lacking(one)} == {
        "p0.png": tuple(name for name in scored.session.classes.names if name in labels)
    }
    assert grid.text.endswith("Enter accepts 6, 1 without a labelled class")
    grid.toggle("p0.png")
    assert grid.text.endswith("Enter accepts 5")


def test_pages_turn_and_keep_their_first_picture_when_resized(scored: Sitting) -> None:
    grid = scored.session.grid
    grid.find()
    grid.side = 1  # smaller than a person can choose, for six images
    assert grid.page == ("p0.png",)
    grid.turn(2)
    grid.toggle(grid.page[0])
    assert (grid.page, grid.marked) == (("p2.png",), {"p2.png"})
    grid.turn(99)
    assert (grid.page, grid.marked) == (("p5.png",), set())
    grid.turn(-99)
    assert grid.page == ("p0.png",)
    grid.resize(9)
    assert grid.side == 6
    grid.resize(1)
    assert grid.side == 3


def test_a_search_that_is_wrong_or_finds_decided_images_is_refused(scored: Sitting) -> None:
    failures = []
    scored.session.signals.failed.connect(failures.append)
    assert not scored.session.grid.find("state:accepted")
    assert not scored.session.grid.find("class:nothing")
    assert "leave `state:` out" in failures[0]
    assert len(failures) == 2


def test_read_only_nothing_is_accepted(scored: Sitting) -> None:
    session, folder, failures = scored.session, scored.session.project.folder, []
    session.close_project()
    session.open_project(folder, read_only=True)
    session.signals.failed.connect(failures.append)
    session.grid.find()
    assert not session.grid.accept_rest()
    assert "read-only" in failures[0]


def test_what_has_no_proposal_of_now_is_said_and_made_on_demand(scored: Sitting) -> None:
    session = scored.session
    session.project.catalog.set_score("p1.png", None)
    session.project.catalog.set_score("p4.png", None)
    session.project.set_labels("p4.png", [])
    session.grid.find()
    assert session.grid.missing == ["p1.png"], "what is not labelled gets no proposal"
    seen = session.grid.page
    assert session.grid.compute_missing()
    scored.settle()
    assert session.grid.page == (*seen, "p1.png")
    assert session.grid.missing == []
    assert not session.grid.compute_missing()
    session.grid.find("score<0.05")
    assert session.grid.missing == []
