"""The search line."""

from __future__ import annotations

import pytest

from napari_wsss.core.errors import ParameterError
from napari_wsss.project.criteria import Criteria
from napari_wsss.session.table.search import KEYS, completions, parse

NAMES = ("dog", "traffic light")
CLUSTERS = ("dog 1", "dog 4", "dog night", "traffic light 1")


@pytest.mark.parametrize(
    ("text", "criteria"),
    [
        ("", Criteria()),
        ("state:flagged", Criteria(states=["flagged"])),
        ("state:todo state:draft", Criteria(states=["todo", "draft"])),
        ("state:undecided", Criteria(states=["todo", "draft", "skipped"])),
        ("class:DOG", Criteria(classes=["dog"])),
        ('class:"traffic light" class:dog', Criteria(classes=["traffic light", "dog"])),
        ('cluster:4 cluster:"Dog night"', Criteria(clusters=["4", "Dog night"])),
        ("score<0.5", Criteria(score_below=0.5)),
        ("score>.25", Criteria(score_above=0.25)),
        ("changed:>20% changed<60%", Criteria(changed_above=0.2, changed_below=0.6)),
        ("edited:>0,1", Criteria(edited_above=0.1)),
        ("edited:>10%", Criteria(edited_above=0.1)),
        ("split:val is:stale", Criteria(split="val", stale=True)),
        ("split:none", Criteria(split="")),
        ("is:label-changed", Criteria(label_changed=True)),
        ("is:negative is:Unlabelled", Criteria(negative=True, unlabelled=True)),
        ("from:day1/a.png", Criteria(borrowed_from="day1/a.png")),
        ("from:any", Criteria(borrowed_from="")),
        ("night street", Criteria(text="night street")),
        ("name:a:b c:d", Criteria(text="a:b c:d")),
    ],
)
def test_words_become_criteria(text: str, criteria: Criteria) -> None:
    found = parse(text, NAMES, CLUSTERS)
    lists = {"classes": list(criteria.classes), "clusters": list(criteria.clusters)}
    assert found == Criteria(**{**vars(criteria), **lists})


def test_names_that_differ_in_case_only_are_told_apart() -> None:
    assert list(parse("class:Na", ("NA", "Na")).classes) == ["Na"]


def test_bounds_with_equals_include_their_number() -> None:
    found = parse("score>=20% score<=80%", NAMES)
    assert found.score_above is not None
    assert found.score_below is not None
    assert 0.19 < found.score_above < 0.2 < 0.8 < found.score_below < 0.81


@pytest.mark.parametrize(
    "text", ["state:done", "class:cat", "score<much", "changed>20", "edited:10%", "split:x", "is:odd", "cluster:9"]
)
def test_what_is_not_known_is_named(text: str) -> None:
    with pytest.raises(ParameterError, match=text.partition(":")[2] or text):
        parse(text, NAMES, CLUSTERS)


def test_without_clusters_it_says_how_to_get_them() -> None:
    with pytest.raises(ParameterError, match="no clusters yet"):
        parse("cluster:1", NAMES)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("st", ["state:"]),
        ("class:dog cl", ["class:", "cluster:"]),
        ("state:s", ["state:skipped"]),
        ("class:", ["class:dog", 'class:"traffic light"']),
        ('cluster:"traf', ['cluster:"traffic light 1"']),
        ("is:dis", ["is:disagrees"]),
        ("class:dog ", []),
        ("", []),
        ("name:x", []),
    ],
)
def test_begun_words_are_completed(text: str, found: list[str]) -> None:
    assert [one for one in completions(text, NAMES, CLUSTERS) if "accepted" not in one] == found


def test_every_completion_is_understood() -> None:
    for key in KEYS:
        for word in completions(key, NAMES, CLUSTERS):
            if not word.endswith((":", ">")):
                assert parse(word, NAMES, CLUSTERS) != Criteria()
