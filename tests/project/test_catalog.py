from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import numpy as np
import pytest

from napari_wsss.core.errors import LabelError, ProjectError
from napari_wsss.project.catalog import Catalog
from napari_wsss.project.criteria import FACTS, ORDERS, Criteria, Order
from napari_wsss.project.listing import reading as module
from napari_wsss.project.listing.reading import Fact
from napari_wsss.project.project import Project
from napari_wsss.project.records import NewImage, possible_classes
from napari_wsss.project.states import MOVES, STATES, UNDECIDED
from tests.tiny_project import IDS, put_split, set_scores


def test_records_come_in_the_order_they_were_given(project: Project) -> None:
    records = list(project.catalog.records())
    assert tuple(record.id for record in records) == IDS
    assert records[0].labels == {"cat", "dog"}
    assert (records[0].path, records[0].state, records[0].split) == ("a.png", "todo", "train")
    assert len(project.catalog) == 4
    assert "day 1/a.png" in project.catalog
    assert "a.PNG" not in project.catalog


def test_two_files_of_one_stem_are_two_images(project: Project) -> None:
    project.catalog.set_state("a.png", "flagged")
    assert project.catalog.get("day 1/a.png").state == "todo"


def test_pages_are_read_through_and_may_change_meanwhile(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAGE", 3)
    project.add_images(NewImage(f"new/{i}.png") for i in range(10))
    seen = []
    for image_id in project.catalog.ids(states=["todo"]):
        project.catalog.set_state(image_id, "skipped")
        seen.append(image_id)
    assert seen == list(project.catalog.ids())
    assert project.catalog.counts()["skipped"] == 14


def test_ids_by_state_split_and_label(project: Project) -> None:
    catalog = project.catalog
    catalog.set_state("b.png", "accepted")
    put_split(project, "b.png", "val")
    assert list(catalog.ids(states=["accepted", "flagged"])) == ["b.png"]
    assert list(catalog.ids(states=[])) == []
    assert list(catalog.ids(split="train")) == ["a.png"]
    assert list(catalog.ids(label="dog")) == ["a.png"]
    assert list(catalog.ids(label="no such class")) == []
    assert [record.id for record in catalog.records(states=UNDECIDED, split="", label="cat")] == list(IDS[2:])


def test_places_and_neighbours(project: Project) -> None:
    catalog = project.catalog
    assert [catalog.at(catalog.position(image_id)) for image_id in IDS] == list(IDS)
    assert catalog.neighbour(IDS[0]) == IDS[1]
    assert catalog.neighbour(IDS[3]) is None
    assert catalog.neighbour(IDS[0], -1) is None
    assert catalog.neighbour(IDS[0], 2) == IDS[2]
    catalog.set_state(IDS[1], "excluded")
    assert catalog.neighbour(IDS[0], states=UNDECIDED) == IDS[2]
    assert catalog.neighbour(IDS[2], -1, UNDECIDED) == IDS[0]
    with pytest.raises(ProjectError, match="4"):
        catalog.at(4)


def test_counts_name_every_state_and_class(project: Project) -> None:
    project.catalog.set_state("a.png", "skipped")
    assert project.catalog.counts() == {**dict.fromkeys(STATES, 0), "todo": 3, "skipped": 1}
    assert project.catalog.class_counts() == {"cat": 4, "dog": 1, "wild boar": 0}
    assert project.catalog.class_counts("skipped") == {"cat": 1, "dog": 1, "wild boar": 0}


@pytest.mark.parametrize("now", STATES)
@pytest.mark.parametrize("then", [*STATES, "nonsense"])
def test_only_permitted_moves_are_made(project: Project, now: str, then: str) -> None:
    project.catalog.restore_state("a.png", now)
    if then == now or then in MOVES[now]:
        project.catalog.set_state("a.png", then)
        assert project.catalog.state("a.png") == then
    else:
        with pytest.raises(ProjectError, match=f"is {now} and cannot become"):
            project.catalog.set_state("a.png", then)
        assert project.catalog.state("a.png") == now


def test_every_state_can_be_reached_and_left() -> None:
    assert set(MOVES) == set(STATES)
    assert set().union(*MOVES.values()) == set(STATES)
    assert all(moves and state not in moves for state, moves in MOVES.items())


def test_setters_change_one_image(project: Project) -> None:
    catalog = project.catalog
    catalog.set_note("b.png", "blurred")
    catalog.set_score("b.png", 0.5)
    catalog.set_facts("b.png", stale=True, disagrees=True)
    catalog.set_facts("b.png", disagrees=False)
    catalog.set_labels("b.png", ["dog", "wild boar"])
    changed = catalog.get("b.png")
    assert (changed.note, changed.score) == ("blurred", 0.5)
    assert (changed.stale, changed.disagrees, changed.label_changed) == (True, False, False)
    assert changed.labels == {"dog", "wild boar"}
    others = [record for record in catalog.records() if record.id != "b.png"]
    assert all(not record.note and not record.stale and "cat" in record.labels for record in others)


def test_a_new_model_makes_undecided_proposals_stale(project: Project) -> None:
    project.catalog.set_state("a.png", "accepted")
    assert project.catalog.mark_stale() == 3
    assert [record.stale for record in project.catalog.records()] == [False, True, True, True]


def test_unknown_names_change_nothing(project: Project) -> None:
    with pytest.raises(LabelError, match="wolf"):
        project.catalog.set_labels("a.png", ["dog", "wolf"])
    assert project.catalog.get("a.png").labels == {"cat", "dog"}
    for ask in (project.catalog.get, project.catalog.state, project.catalog.position, project.catalog.neighbour):
        with pytest.raises(ProjectError, match=r"'z\.png'"):
            ask("z.png")
    with pytest.raises(ProjectError, match="test"):
        project.catalog.add([NewImage("new.png", split="test")])


def test_renamed_class_keeps_its_images(project: Project) -> None:
    project.catalog.rename_class("dog", "hound")
    assert project.catalog.get("a.png").labels == {"cat", "hound"}
    with pytest.raises(LabelError, match="already"):
        project.catalog.rename_class("cat", "hound")
    with pytest.raises(LabelError, match="no class 'dog'"):
        project.catalog.rename_class("dog", "wolf")


def test_names_of_classes_that_are_gone_are_those_they_became(project: Project) -> None:
    project.add_class("calf")
    project.class_changes.merge("calf", "dog")
    project.class_changes.merge("dog", "cat")
    project.class_changes.delete("wild boar")
    assert project.catalog.names_now({"calf", "dog"}) == {"cat"}
    assert project.catalog.names_now({"wild boar"}) == frozenset()
    assert project.catalog.names_now({"wolf"}) == {"wolf"}, "no class at all: said by who checks"
    assert project.catalog.class_counts() == {"cat": 4}
    with pytest.raises(LabelError):
        project.catalog.set_labels("a.png", ["dog"])


def test_labels_with_any_characters_are_kept_apart(project: Project) -> None:
    project.add_class("a,b; c|d")
    project.catalog.set_labels("b.png", ["a,b; c|d", "cat"])
    assert project.catalog.get("b.png").labels == {"a,b; c|d", "cat"}


def test_what_machine_and_person_differ_in_is_kept(project: Project) -> None:
    first, second = list(project.catalog.ids())[:2]
    project.catalog.set_mask_facts(first, 0.3, None)
    project.catalog.set_changes({first: 0.5, second: None})
    project.catalog.set_borrowed([second], first)
    one, two = project.catalog.get(first), project.catalog.get(second)
    assert (one.edited, one.changed, one.borrowed_from) == (0.3, 0.5, "")
    assert (two.edited, two.changed, two.borrowed_from) == (None, None, first)


def test_labelled_none_and_not_labelled_yet_are_two_facts(project: Project) -> None:
    catalog = project.catalog
    for image_id in (IDS[0], IDS[3]):
        project.set_labels(image_id, ("cat",))
    for image_id in IDS[1:3]:
        project.set_labels(image_id, ())
    project.set_labels(IDS[2], (), negative=True)
    assert [catalog.get(image_id).labelled for image_id in IDS] == [True, False, True, True]
    assert catalog.find(Criteria(negative=True)) == [IDS[2]]
    assert catalog.find(Criteria(unlabelled=True)) == [IDS[1]]
    assert possible_classes(catalog.get(IDS[1]), project.classes) == tuple(range(len(project.classes)))
    assert possible_classes(catalog.get(IDS[2]), project.classes) == ()
    project.set_labels(IDS[2], ("cat",))
    assert not catalog.get(IDS[2]).negative
    with pytest.raises(LabelError, match="and none of the classes"):
        project.set_labels(IDS[2], ("cat",), negative=True)


def test_the_same_share_of_images_labelled_none_is_held_out(project: Project) -> None:
    project.add_images(NewImage(f"none/{i}.png", negative=True) for i in range(10))
    project.add_images(NewImage(f"open/{i}.png") for i in range(10))
    project.hold_out(0.5)
    held_out = list(project.catalog.ids(split="val"))
    assert 4 <= sum(one.startswith("none/") for one in held_out) <= 6
    assert 4 <= sum(one.startswith("open/") for one in held_out) <= 6


def test_a_class_may_be_unknown_of_an_image(project: Project) -> None:
    project.set_labels("a.png", ["cat"], unknown=["dog"])
    record, classes = project.catalog.get("a.png"), project.classes
    assert (record.labels, record.unknown, record.labels_text) == ({"cat"}, {"dog"}, "cat, dog unknown")
    assert possible_classes(record, classes) == classes.indices(["cat", "dog"])
    assert project.catalog.find(Criteria(unknown=True)) == ["a.png"]
    project.set_labels("a.png", ["cat", "dog"])
    assert not project.catalog.get("a.png").unknown, "what is labelled is known"
    project.set_labels("a.png", ["dog"], unknown=["cat"])
    project.set_labels("a.png", [])
    assert not project.catalog.get("a.png").tells, "nothing is known of an image that is not labelled"
    assert [entry.after for entry in project.journal.recent(4, ("labels",))[::-1]] == [
        {"labels": ["cat"], "unknown": ["dog"]},
        ["cat", "dog"],
        {"labels": ["dog"], "unknown": ["cat"]},
        [],
    ]


def test_where_a_class_is_only_unknown_the_others_are_known(project: Project) -> None:
    project.set_labels("a.png", [], unknown=["dog"])
    record = project.catalog.get("a.png")
    assert record.tells
    assert not record.labelled, "there is nothing to draw yet"
    assert possible_classes(record, project.classes) == project.classes.indices(["dog"])


@pytest.mark.parametrize(("labels", "negative"), [(["dog"], False), ([], True)])
def test_two_words_about_one_class_are_refused(project: Project, labels: list[str], negative: bool) -> None:
    with pytest.raises(LabelError, match="dog"):
        project.set_labels("a.png", labels, negative=negative, unknown=["dog"])
    with pytest.raises(LabelError, match="dog"):
        project.add_images([NewImage("new.png", frozenset(labels), negative=negative, unknown=frozenset({"dog"}))])


def test_an_unknown_class_may_be_painted_or_not(project: Project, mask: np.ndarray) -> None:
    cat, dog = (project.classes.mask_value(name) for name in ("cat", "dog"))
    project.set_labels("a.png", ["cat"], unknown=["dog"])
    for painted, differs in (([cat], False), ([cat, dog], False), ([dog], True), ([], True)):
        values = np.zeros_like(mask)
        values.ravel()[: len(painted)] = painted
        project.review.accept("a.png", values)
        assert project.catalog.get("a.png").mismatch is differs, painted


# -- very many images -----------------------------------------------------------------------------------------


def scanned(project: Project, ask: Callable[[], object]) -> list[str]:
    """Return which whole tables SQLite says that it goes through for the queries of `ask`."""
    asked: list[tuple[str, Any]] = []
    rows = project._database.rows

    def noted(sql: str, parameters: Any = ()) -> list[Any]:
        asked.append((sql, parameters))
        return rows(sql, parameters)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(project._database, "rows", noted)
        ask()
    plans = [row[-1] for sql, values in asked for row in rows(f"EXPLAIN QUERY PLAN {sql}", values)]
    assert asked
    return [plan for plan in plans if plan.startswith("SCAN") and "images" in plan and "INDEX" not in plan]


@pytest.mark.parametrize(
    "ask",
    [
        len,
        Catalog.counts,
        Catalog.class_counts,
        lambda catalog: catalog.class_counts("accepted"),
        lambda catalog: [catalog.knows(fact) for fact in get_args(Fact)],
        lambda catalog: catalog.neighbour(IDS[1], 1, UNDECIDED),
        lambda catalog: catalog.at(2),
        lambda catalog: catalog.block(0, 16, Criteria(states=UNDECIDED)),
        lambda catalog: [
            catalog.count(Criteria(**{fact: True}))
            for fact in (*FACTS, "unknown", "unlabelled", "mismatch", "doubtful")
        ],
        lambda catalog: catalog.count(Criteria(unlabelled=False)),
        lambda catalog: [catalog.count(one) for one in (Criteria(split="val"), Criteria(classes=("cat",)))],
        lambda catalog: [catalog.count(one) for one in (Criteria(edited_above=0.5), Criteria(borrowed_from="a"))],
        lambda catalog: catalog.count(Criteria(text="a")),
        lambda catalog: [catalog.numbers(Criteria(states=UNDECIDED), order) for order in ORDERS],
        lambda catalog: catalog.count(Criteria(states=UNDECIDED)),
        lambda catalog: catalog.ids_of([1, 3]),
    ],
)
def test_what_a_gesture_asks_does_not_go_through_all_images(project: Project, ask: Callable[[Catalog], object]) -> None:
    assert scanned(project, lambda: ask(project.catalog)) == []


def test_going_through_all_images_would_be_noticed(project: Project) -> None:
    assert scanned(project, lambda: project.catalog.find(Criteria(), "score_ascending"))


def test_indexes_are_made_for_projects_that_lack_them(project: Project) -> None:
    folder = project.folder
    for (name,) in project._database.rows("SELECT name FROM sqlite_master WHERE name = 'images_by_score'"):
        project._database.execute(f"DROP INDEX {name}")
    assert scanned(project, lambda: project.catalog.knows("score"))
    project.close()
    with Project.open(folder) as opened:
        assert not scanned(opened, lambda: opened.catalog.knows("score"))


def test_numbers_are_the_same_images_as_ids(project: Project) -> None:
    catalog = project.catalog
    set_scores(catalog, {IDS[0]: 0.1, IDS[2]: 0.9})
    catalog.set_state(IDS[3], "excluded")
    for criteria in (Criteria(), Criteria(states=UNDECIDED), Criteria(classes=("dog",)), Criteria(split="none")):
        for order in get_args(Order):
            numbers = catalog.numbers(criteria, order, 3)
            assert numbers.dtype == np.int32
            assert catalog.ids_of(numbers) == catalog.find(criteria, order, 3)
    assert catalog.ids_of([2, 99, 1]) == [IDS[1], IDS[0]]
