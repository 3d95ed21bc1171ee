from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_wsss.core.catalog import STATES, ImageRecord
from napari_wsss.core.criteria import Criteria, shuffled
from napari_wsss.core.project import Project

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
)


def fulfils(record: ImageRecord, wanted: Criteria) -> bool:
    score = record.score
    return (
        (wanted.states is None or record.state in wanted.states)
        and (wanted.split is None or record.split == wanted.split)
        and set(wanted.classes) <= record.labels
        and any(wanted.text.lower() in text.lower() for text in (record.id, record.note))
        and (wanted.score_above is None or (score is not None and score > wanted.score_above))
        and (wanted.score_below is None or (score is not None and score < wanted.score_below))
        and (wanted.stale is None or record.stale == wanted.stale)
        and (wanted.disagrees is None or record.disagrees == wanted.disagrees)
    )


@pytest.fixture
def varied(project: Project) -> Project:
    catalog = project.catalog
    catalog.set_state("b.png", "flagged")
    catalog.set_note("b.png", "100 % of the tail_end")
    catalog.set_scores({"a.png": 0.2, "day 1/a.png": 0.9})
    catalog.set_facts("day 1/a.png", stale=True, disagrees=True)
    catalog.set_labels("day 1/ä.jpg", ["wild boar"])
    return project


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
