from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_wsss.project.criteria import ORDERS, Criteria, shuffled
from napari_wsss.project.listing.reading import Fact
from napari_wsss.project.project import Project
from napari_wsss.project.records import ImageRecord
from napari_wsss.project.states import STATES, UNDECIDED
from tests.tiny_project import set_scores

criteria = st.builds(
    Criteria,
    states=st.none() | st.sets(st.sampled_from(STATES)),
    split=st.none() | st.sampled_from(["", "train", "val"]),
    classes=st.sets(st.sampled_from(["cat", "dog", "wild boar"]), max_size=2),
    text=st.sampled_from(["", "DAY", "a.p", "%", "_", "tail", "ä"]),
    score_above=st.none() | st.floats(0, 1),
    score_below=st.none() | st.floats(0, 1),
    stale=st.none() | st.booleans(),
    disagrees=st.none() | st.booleans(),
    changed_above=st.none() | st.sampled_from([0.0, 0.5]),
    edited_below=st.none() | st.sampled_from([0.2, 1.0]),
    borrowed_from=st.none() | st.sampled_from(["", "A.P", "zebra"]),
)


def between(value: float | None, above: float | None, below: float | None) -> bool:
    if above is None and below is None:
        return True
    return value is not None and (above is None or value > above) and (below is None or value < below)


def fulfils(record: ImageRecord, wanted: Criteria) -> bool:
    return (
        (wanted.states is None or record.state in wanted.states)
        and (wanted.split is None or record.split == wanted.split)
        and set(wanted.classes) <= record.labels
        and any(wanted.text.lower() in text.lower() for text in (record.id, record.note))
        and between(record.score, wanted.score_above, wanted.score_below)
        and between(record.changed, wanted.changed_above, None)
        and between(record.edited, None, wanted.edited_below)
        and (
            wanted.borrowed_from is None
            or (record.borrowed_from != "" and wanted.borrowed_from.lower() in record.borrowed_from.lower())
        )
        and (wanted.stale is None or record.stale == wanted.stale)
        and (wanted.disagrees is None or record.disagrees == wanted.disagrees)
    )


@pytest.fixture
def varied(project: Project) -> Project:
    catalog = project.catalog
    catalog.set_state("b.png", "flagged")
    catalog.set_note("b.png", "100 % of the tail_end")
    set_scores(catalog, {"a.png": 0.2, "day 1/a.png": 0.9})
    catalog.set_facts("day 1/a.png", stale=True, disagrees=True)
    catalog.set_labels("day 1/ä.jpg", ["wild boar"])
    catalog.set_changes({"a.png": 0.3, "b.png": 0.8})
    catalog.set_mask_facts("a.png", 0.1, None)
    catalog.set_borrowed(["b.png"], "a.png")
    return project


@pytest.fixture
def clustered(varied: Project) -> Project:
    put_into_clusters(
        varied,
        ("a.png", "cat", "cat 1", 0.4),
        ("b.png", "cat", "cat 1", 0.2),
        ("day 1/a.png", "cat", "night", 0.3),
        ("a.png", "dog", "dog 1", 0.1),
    )
    return varied


def put_into_clusters(project: Project, *rows: tuple[str, str, str, float]) -> None:
    """Write (image, class, cluster, distance) into the catalog's table."""
    classes = {name: position for position, name in enumerate(project.classes.names)}
    with project._database.transaction() as connection:
        for image, name, cluster, distance in rows:
            values = (project.catalog.number(image), classes[name], cluster, distance)
            connection.execute("INSERT INTO image_clusters VALUES (?, ?, ?, ?)", values)


@given(criteria)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_sql_says_what_the_criteria_mean(varied: Project, wanted: Criteria) -> None:
    expected = [record.id for record in varied.catalog.records() if fulfils(record, wanted)]
    assert varied.catalog.find(wanted) == expected
    assert varied.catalog.count(wanted) == len(expected)


def test_score_orders_put_unscored_images_last(varied: Project) -> None:
    assert varied.catalog.find(Criteria(), "score_ascending")[:2] == ["a.png", "day 1/a.png"]
    assert varied.catalog.find(Criteria(), "score_descending")[:2] == ["day 1/a.png", "a.png"]


def test_random_order_is_the_same_for_the_same_seed(varied: Project) -> None:
    orders = [tuple(varied.catalog.find(Criteria(), "random", seed)) for seed in (1, 1, 2, 3, 4, 5)]
    assert orders[0] == orders[1]
    assert len(set(orders)) > 2
    assert all(sorted(order) == sorted(varied.catalog.ids()) for order in orders)


def test_shuffled_numbers_fit_sqlite_and_spread() -> None:
    places = [shuffled(number, seed) for seed in (0, 7) for number in range(2000)]
    assert len(set(places)) == len(places)
    assert 0 <= min(places) <= max(places) < 2**63
    first_halves = Counter(place >> 62 for place in places[:2000])
    assert 900 < first_halves[0] < 1100


@pytest.mark.parametrize(
    ("clusters", "found"),
    [
        (["1"], ["a.png", "b.png"]),
        (["dog 1"], ["a.png"]),
        (["NIGHT"], ["day 1/a.png"]),
        (["night", "Dog 1"], ["a.png", "day 1/a.png"]),
        (["7"], []),
    ],
)
def test_clusters_are_found_by_name_or_number(clustered: Project, clusters: list[str], found: list[str]) -> None:
    assert clustered.catalog.find(Criteria(clusters=clusters)) == found


def test_the_diverse_order_goes_round_the_clusters(clustered: Project) -> None:
    undecided = Criteria(states=UNDECIDED)
    # First the nearest of each cluster, then the second nearest, images without a cluster last.
    clustered.catalog.restore_state("b.png", "todo")
    found = clustered.catalog.find(undecided, "diversity")
    assert found == ["b.png", "day 1/a.png", "a.png", "day 1/ä.jpg"]
    clustered.catalog.restore_state("b.png", "accepted")  # a decided image takes no one's place
    assert clustered.catalog.find(Criteria(), "diversity") == ["a.png", "day 1/a.png", "day 1/ä.jpg", "b.png"]


def test_every_order_holds_every_image_once(clustered: Project) -> None:
    for order in ORDERS:
        assert sorted(clustered.catalog.find(Criteria(), order)) == sorted(clustered.catalog.ids())
    assert clustered.catalog.find(Criteria(), "changed")[:1] == ["a.png"]  # b.png is flagged
    assert clustered.catalog.find(Criteria(), "disagrees")[:2] == ["day 1/a.png", "a.png"]


@pytest.mark.parametrize("order", ["undecided first", "uncertainty", "diversity", "changed"])
@pytest.mark.parametrize("state", UNDECIDED)
def test_what_is_undecided_goes_before_what_is_decided(project: Project, order: str, state: str) -> None:
    catalog = project.catalog
    *others, last = catalog.ids()
    for image_id in others:
        catalog.restore_state(image_id, "accepted")
    catalog.restore_state(last, state)
    assert catalog.find(Criteria(), order)[0] == last


def test_places_in_clusters_count_from_the_centre(clustered: Project) -> None:
    assert clustered.catalog.places_in_clusters("a.png") == {"cat 1": 1, "dog 1": 0}
    assert clustered.catalog.places_in_clusters("day 1/ä.jpg") == {}


def test_it_is_known_whether_there_is_anything_to_sort_by(project: Project) -> None:
    facts: tuple[Fact, ...] = ("score", "changed", "disagrees", "clusters")
    assert not any(project.catalog.knows(fact) for fact in facts)
    project.catalog.set_score("a.png", 0.0)
    project.catalog.set_changes({"a.png": 0.0})
    project.catalog.set_facts("a.png", disagrees=True)
    put_into_clusters(project, ("a.png", "cat", "1", 0.0))
    assert all(project.catalog.knows(fact) for fact in facts)
