from __future__ import annotations

import csv
import io
from typing import Any

import numpy as np
import pytest

from napari_wsss.core.plan import Plan
from napari_wsss.pipeline.apply import ModelChange
from napari_wsss.project.project import Project
from napari_wsss.session.models import history
from napari_wsss.session.models.history import Acceptance, History
from napari_wsss.session.models.names import model_title


def read(history: History, project: Project) -> tuple[Acceptance, ...]:
    steps = history.read(project.journal)
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            found: tuple[Acceptance, ...] = stop.value
            return found


def accept(project: Project, image_id: str, mask: np.ndarray, **facts: Any) -> None:
    project.review.accept(image_id, mask, facts)


def made(*edited: float | None, **facts: Any) -> list[Acceptance]:
    return [Acceptance(i + 1, 3600.0 * i, f"{i}.png", share, **facts) for i, share in enumerate(edited)]


def test_acceptances_follow_the_journal_and_what_is_taken_back(project: Project, mask: np.ndarray) -> None:
    history = History()
    assert read(history, project) == ()
    accept(project, "a.png", mask, edited=0.25, seconds=12.5, person=0.1, model="x")
    accept(project, "b.png", mask)
    project.review.decide("day 1/a.png", "skipped")
    first, second = read(history, project)
    assert (first.image_id, first.edited, first.seconds, first.person, first.model) == ("a.png", 0.25, 12.5, 0.1, "x")
    assert (second.image_id, second.edited, second.agreement) == ("b.png", None, None)
    project.review.undo()
    project.review.undo()
    assert [one.image_id for one in read(history, project)] == ["a.png"], "read before it was taken back"
    assert read(History(), project) == read(history, project)
    accept(project, "b.png", 0 * mask, edited=0.0)
    assert [one.edited for one in read(history, project)] == [0.25, 0.0]


def test_long_journals_are_read_page_by_page(
    project: Project, mask: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "PAGE", 2)
    for share in range(5):
        accept(project, "a.png", np.roll(mask, share), edited=share / 10)
    whole = History()
    steps = whole.read(project.journal)
    next(steps)
    steps.close()  # cut short: what was read stays read
    assert [one.edited for one in read(whole, project)] == [0.0, 0.1, 0.2, 0.3, 0.4]


@pytest.mark.parametrize("wrong", ["a lot", -1, True, None, 7])
def test_facts_that_make_no_sense_are_unknown(project: Project, mask: np.ndarray, wrong: object) -> None:
    project.journal.append("mask", "a.png", {"state": "todo"}, {"action": "accept", "edited": wrong})
    assert read(History(), project)[0].edited is None


def test_block_means_leave_out_what_is_unknown() -> None:
    found = made(0.4, 0.2, None, 0.1, None, None, 0.6)
    assert history.block_means(found, history.edited_of, 2) == [
        (2.0, pytest.approx(0.3)),
        (4.0, 0.1),
        (7.0, 0.6),
    ]
    assert history.mean_of([], history.edited_of) is None


def test_agreement_is_what_was_noted_or_what_was_not_edited() -> None:
    assert history.agreement_of(Acceptance(1, 0, "a", 0.2, 0.7)) == 0.7
    assert history.agreement_of(Acceptance(1, 0, "a", 0.2)) == 0.8
    assert history.agreement_of(Acceptance(1, 0, "a")) is None
    times = [Acceptance(1, 0, "a", seconds=value) for value in (5.0, 900.0, 7.0)]
    assert history.median_seconds([*times, Acceptance(1, 0, "a")]) == 7.0
    assert history.median_seconds([]) is None


def test_images_count_once_over_time() -> None:
    twice = [*made(0.1, 0.1), Acceptance(3, 7200.0, "0.png")]
    long_pause = history.PAUSE / 3600
    assert history.accepted_over_time(twice) == [(0.0, 1.0), (long_pause, 2.0), (2 * long_pause, 2.0)]
    near = [Acceptance(i, 36.0 * i, f"{i}.png") for i in range(3)]
    assert history.accepted_over_time(near) == [(0.0, 1.0), (0.01, 2.0), (0.02, 3.0)]
    many = history.accepted_over_time(made(*[0.0] * 1000), points=50)
    assert len(many) <= 52
    assert many[-1][1] == 1000
    assert history.accepted_over_time([]) == []


def test_models_have_their_place_among_the_acceptances() -> None:
    plan = Plan(localizer_checkpoint="training/classifier-b/best.safetensors")
    places = history.places_of([ModelChange(2, 0.0, Plan(), plan)], made(0.1, 0.2, 0.3))
    assert places == [(1.0, model_title(plan))]


def test_the_table_can_be_read_back() -> None:
    rows = list(csv.DictReader(io.StringIO(history.as_csv([Acceptance(1, 0.0, 'a, "b".png', 0.25, None, 9.04)]))))
    assert [(row["image"], row["edited"], row["agreement"], row["seconds"]) for row in rows] == [
        ('a, "b".png', "0.2500", "0.7500", "9.0")
    ]
