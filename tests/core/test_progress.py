from __future__ import annotations

import json

from napari_wsss.core.progress import Progress, Steps, finish, retold


def test_json_round_trip() -> None:
    progress = Progress("localize", 2, 8, "a.png", {"loss": 0.5})
    assert Progress.from_dict(json.loads(json.dumps(progress.to_dict()))) == progress
    assert Progress.from_dict({"stage": "x", "later addition": 1}) == Progress("x")


def test_fraction_is_unknown_without_a_total() -> None:
    assert Progress("localize", 2, 8).fraction == 0.25
    assert Progress("localize", 9, 8).fraction == 1
    assert Progress("localize", 2).fraction is None


def test_finish_returns_what_the_generator_returns() -> None:
    def count() -> Steps[str]:
        yield Progress("count", 1, 2)
        yield Progress("count", 2, 2)
        return "counted"

    heard: list[Progress] = []
    assert finish(count()) == "counted"
    assert finish(count(), heard.append) == "counted"
    assert [one.done for one in heard] == [1, 2]


def test_retold_reports_are_others_and_closing_ends_what_they_are_of() -> None:
    ended = []

    def count() -> Steps[str]:
        try:
            yield Progress("count", 1, 2)
            yield Progress("count", 2, 2)
            return "counted"
        finally:
            ended.append(True)

    heard: list[Progress] = []
    assert finish(retold(count(), lambda one: Progress("all", one.done + 5)), heard.append) == "counted"
    assert [(one.stage, one.done) for one in heard] == [("all", 6), ("all", 7)]
    steps = retold(count(), lambda one: one)
    next(steps)
    steps.close()
    assert len(ended) == 2
