"""The search line."""

from __future__ import annotations

import pytest

from napari_wsss.core.criteria import Criteria
from napari_wsss.core.errors import ParameterError
from napari_wsss.session.search import parse

NAMES = ("dog", "traffic light")


@pytest.mark.parametrize(
    ("text", "criteria"),
    [
        ("", Criteria()),
        ("state:flagged", Criteria(states=["flagged"])),
        ("state:todo state:draft", Criteria(states=["todo", "draft"])),
        ("class:DOG", Criteria(classes=["dog"])),
        ('class:"traffic light" class:dog', Criteria(classes=["traffic light", "dog"])),
        ("score<0.5", Criteria(score_below=0.5)),
        ("score>.25", Criteria(score_above=0.25)),
        ("split:val is:stale", Criteria(split="val", stale=True)),
        ("is:label-changed", Criteria(label_changed=True)),
        ("night street", Criteria(text="night street")),
        ("name:a:b c:d", Criteria(text="a:b c:d")),
    ],
)
def test_words_become_criteria(text: str, criteria: Criteria) -> None:
    found = parse(text, NAMES)
    assert found == Criteria(**{**vars(criteria), "classes": list(criteria.classes)})


@pytest.mark.parametrize("text", ["state:done", "class:cat", "score<much", "split:x", "is:odd"])
def test_what_is_not_known_is_named(text: str) -> None:
    with pytest.raises(ParameterError, match=text.partition(":")[2] or "score"):
        parse(text, NAMES)
