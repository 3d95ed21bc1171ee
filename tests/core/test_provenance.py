from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from napari_wsss.core.provenance import KEY_LENGTH, Provenance

values = st.dictionaries(
    st.sampled_from(["alpha", "steps", "scales"]), st.integers() | st.lists(st.floats(0, 1), max_size=3)
)
leaves = st.builds(
    Provenance,
    step=st.sampled_from(["localize.cam", "refine.dense_crf"]),
    parameters=values,
    weights=st.sampled_from(["", "abc"]),
)
trees = st.recursive(
    leaves, lambda inner: st.builds(Provenance, st.just("x"), parents=st.lists(inner, max_size=2).map(tuple))
)


@given(trees, trees)
def test_keys_are_equal_exactly_when_everything_is(first: Provenance, second: Provenance) -> None:
    same = json.dumps(first.to_dict(), sort_keys=True) == json.dumps(second.to_dict(), sort_keys=True)
    assert (first.key == second.key) == same
    assert len(first.key) == KEY_LENGTH


@given(trees)
def test_json_round_trip_keeps_the_key(provenance: Provenance) -> None:
    again = Provenance.from_dict(json.loads(json.dumps(provenance.to_dict())))
    assert again == provenance
    assert again.key == provenance.key


def test_order_of_parameters_does_not_matter_but_parents_do() -> None:
    assert Provenance("s", {"a": 1, "b": 2}).key == Provenance("s", {"b": 2, "a": 1}).key
    parent = Provenance("localize.cam", weights="abc")
    child = Provenance("refine.dense_crf", parents=(parent,))
    assert child.key != Provenance("refine.dense_crf").key
    assert child.key != Provenance("refine.dense_crf", parents=(Provenance("localize.cam", weights="abd"),)).key
