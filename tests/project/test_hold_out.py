from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_wsss.core.errors import ParameterError
from napari_wsss.project.hold_out import choose_held_out
from napari_wsss.project.project import Project

labels = st.dictionaries(
    st.integers(0, 10**6).map("{}.png".format), st.frozensets(st.sampled_from(["cat", "dog", "cow"])), max_size=60
)


@given(labels, st.floats(0, 1), st.integers(0, 5))
def test_share_is_right_and_order_does_not_matter(found: dict[str, frozenset[str]], share: float, seed: int) -> None:
    chosen = choose_held_out(found, share, seed)
    assert abs(len(chosen) - share * len(found)) <= 1
    items = list(found.items())
    random.Random(seed).shuffle(items)
    assert choose_held_out(dict(items), share, seed) == chosen


def test_every_class_has_about_the_share() -> None:
    found = {f"{i}.png": frozenset({"common"} if i % 10 else {"common", "rare"}) for i in range(400)}
    chosen = choose_held_out(found, 0.25, 0)
    rare = [image_id for image_id in found if "rare" in found[image_id]]
    assert len(chosen) == 100
    assert len(chosen & set(rare)) == 10
    assert choose_held_out(found, 0.25, 1) != chosen


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_impossible_shares_are_refused(share: float) -> None:
    with pytest.raises(ParameterError, match="0 to 1"):
        choose_held_out({}, share, 0)


def test_project_assigns_once_and_for_good(project: Project) -> None:
    project.hold_out(0.34, seed=1)
    first = {record.id: record.split for record in project.catalog.records()}
    assert first["a.png"] == "train", "it had its split already"
    assert sorted(first.values()) == ["train", "train", "train", "val"]
    assert project.hold_out(1.0, seed=2) == 0
    assert {record.id: record.split for record in project.catalog.records()} == first
