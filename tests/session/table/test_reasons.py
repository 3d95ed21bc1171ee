"""Why an image is shown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from napari_wsss.project.catalog import Catalog
from napari_wsss.project.records import ImageRecord
from napari_wsss.session.table.reasons import edited_text, reasons

PLAIN = ImageRecord("a.png", "a.png", frozenset({"cat"}), "todo")
RICH = replace(PLAIN, score=0.41, changed=0.344, disagrees=True, borrowed_from="b.png", stale=True)


class _Clusters(Catalog):
    """A catalog that knows the places of one image only."""

    def __init__(self, places: dict[str, int]) -> None:
        self._places = places

    def places_in_clusters(self, image_id: str) -> dict[str, int]:
        return self._places


@pytest.mark.parametrize(
    ("order", "first"),
    [
        ("uncertainty", "unsure 41 %"),
        ("changed", "changed 34 % by the last model"),
        ("disagrees", "model disagrees"),
        ("flagged", "model disagrees"),
        ("file", "model disagrees"),
    ],
)
def test_what_the_queue_is_sorted_by_comes_first(order: str, first: str) -> None:
    found = reasons(RICH, order, _Clusters({}))
    assert found[0] == first
    assert sorted(found) == sorted(reasons(RICH, "file", _Clusters({})))
    assert "from b.png" in found
    assert "older than the model" in found


@pytest.mark.parametrize(
    ("places", "text"),
    [
        ({"cat 3": 0}, ("cluster cat 3, nearest to its centre",)),
        ({"cat 3": 5, "dog 1": 1}, ("cluster dog 1, 2nd nearest to its centre",)),
        ({"cat 3": 21}, ("cluster cat 3, 22nd nearest to its centre",)),
        ({"cat 3": 11}, ("cluster cat 3, 12th nearest to its centre",)),
        ({}, ()),
    ],
)
def test_diverse_images_stand_for_their_cluster(places: dict[str, int], text: tuple[str, ...]) -> None:
    assert reasons(PLAIN, "diversity", _Clusters(places)) == text
    assert reasons(PLAIN, "file", _Clusters(places)) == ()


def test_accepted_images_are_not_blamed_for_older_proposals() -> None:
    accepted: dict[str, Any] = {"state": "accepted", "label_changed": True}
    assert reasons(replace(RICH, **accepted), "file", _Clusters({})) == (
        "model disagrees",
        "changed 34 % by the last model",
        "from b.png",
    )


@pytest.mark.parametrize(
    ("edited", "text"), [(None, ""), (0.0, "edited 0 %"), (0.001, "edited < 1 %"), (1, "edited 100 %")]
)
def test_edit_fraction(edited: float | None, text: str) -> None:
    assert edited_text(replace(PLAIN, edited=edited)) == text


def test_how_far_mask_and_model_differ_is_said_where_it_was_measured() -> None:
    assert reasons(RICH, "differs", _Clusters({}), {"a.png": 0.43})[0] == "masks differ 43 %"
    assert "masks differ 43 %" in reasons(RICH, "file", _Clusters({}), {"a.png": 0.43})
    assert not any("differ" in text for text in reasons(RICH, "differs", _Clusters({}), {"b.png": 0.43}))
