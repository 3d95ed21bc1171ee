"""Live sliders of slow chains: the newest request wins, first looks come at half size, first steps are kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest

from napari_wsss.core.evidence import NOTHING
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.parameters import parameter
from napari_wsss.core.plan import Plan, Step
from napari_wsss.core.progress import Progress, finish
from napari_wsss.pipeline import chain as module
from napari_wsss.session.jobs import Jobs
from napari_wsss.session.mailbox import Mailbox
from napari_wsss.session.results import preview
from napari_wsss.session.results.preview import Chain, Preview, Subject, half_of

SIZE = (240, 320)
HALF = 120


class Slow:
    """A refiner that halts until it is let on, and notes what ran."""

    ran: ClassVar[list[tuple[int, float]]] = []
    cheap: ClassVar[bool] = False
    halting: ClassVar[set[int]] = set()  # heights of images at which it halts

    @dataclass(frozen=True)
    class Parameters:
        """Slow."""

        factor: float = parameter(1.0, "Factor")

    def __init__(self, settings: Any) -> None:
        self.settings = settings

    def applied_to(self, classes: tuple[int, ...]) -> Slow:
        return self

    def at_scale(self, factor: float) -> Slow:
        return self

    def steps(self, image: Any, maps: ActivationMaps, evidence: Any) -> Iterator[Progress]:
        Slow.ran.append((maps.size[0], self.settings.factor))
        while maps.size[0] in Slow.halting:
            time.sleep(0.01)
            yield Progress("slow")
        return maps.with_scores(maps.scores * np.float32(self.settings.factor), maps.background)


@pytest.fixture
def subject(monkeypatch: pytest.MonkeyPatch) -> Subject:
    real = module.load_method
    monkeypatch.setattr(module, "load_method", lambda shelf, name: Slow if name == "slow" else real(shelf, name))
    Slow.ran.clear()
    Slow.halting.clear()
    maps = ActivationMaps(np.random.default_rng(0).random((2, *SIZE), dtype=np.float32), (0, 2))
    return Subject("a", np.zeros((*SIZE, 3), np.uint8), maps, NOTHING)


def chain(factor: float, threshold: float = 0.3) -> tuple[Step, ...]:
    return Step("slow", {"factor": factor}), Step("constant_background", {"background_threshold": threshold})


class Seen:
    """A preview with its mailbox, and what it showed."""

    def __init__(self) -> None:
        self.mailbox = Mailbox()
        self.jobs = Jobs(self.mailbox)
        self.masks: list[tuple[np.ndarray, Plan]] = []
        self.signs: list[bool] = []
        self.failures: list[str] = []
        self.preview = Preview(
            self.jobs,
            lambda _id, mask, plan: self.masks.append((mask, plan)),
            lambda: self.signs.append(self.preview.is_busy),
            self.failures.append,
        )

    def until(self, condition: Callable[[], bool]) -> None:
        assert self.mailbox.drain_until(condition, 10)

    def settle(self) -> None:
        self.until(lambda: not self.jobs.all)
        self.mailbox.drain()


def test_a_first_look_then_the_whole(subject: Subject) -> None:
    seen, steps = Seen(), chain(0.5)
    seen.preview.request(subject, Plan(), steps)
    seen.settle()
    (look, _), (whole, _) = seen.masks
    expected = finish(Chain(subject).run(steps)).to_mask()
    assert look.shape == whole.shape == SIZE
    np.testing.assert_array_equal(whole, expected)
    np.testing.assert_array_equal(look[::2, ::2], finish(Chain(half_of(subject), 0.5).run(steps)).to_mask())
    assert seen.signs == [True, False]


def test_let_go_it_draws_the_whole_at_once(subject: Subject) -> None:
    seen = Seen()
    seen.preview.request(subject, Plan(), chain(0.5), is_last=True)
    seen.settle()
    assert len(seen.masks) == 1
    assert {rows for rows, _ in Slow.ran} == {SIZE[0]}


def test_the_newest_wins_and_a_moving_slider_is_answered(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview, "REST", 60.0)  # only what comes after it ends the rest
    seen, plans = Seen(), [Plan(localizer_checkpoint=str(number)) for number in range(3)]
    Slow.halting.add(HALF)
    seen.preview.request(subject, plans[0], chain(0.9))
    seen.until(lambda: len(Slow.ran) == 1)
    seen.preview.request(subject, plans[1], chain(0.7))
    seen.preview.request(subject, plans[2], chain(0.5), is_last=True)
    Slow.halting.clear()
    seen.settle()
    assert [plan for _, plan in seen.masks] == [plans[0], plans[2]]  # the look that was begun, and the last
    assert Slow.ran == [(SIZE[0] // 2, 0.9), (SIZE[0], 0.5)]


def test_the_whole_is_given_up_for_a_newer_request(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview, "REST", 0.0)
    seen = Seen()
    Slow.halting.add(SIZE[0])
    seen.preview.request(subject, Plan(), chain(0.9))
    seen.until(lambda: len(Slow.ran) == 2)  # the look is there, the whole has begun
    seen.preview.request(subject, Plan(), chain(0.5))
    seen.until(lambda: len(Slow.ran) == 4)
    Slow.halting.clear()
    seen.settle()
    assert Slow.ran == [(HALF, 0.9), (SIZE[0], 0.9), (HALF, 0.5), (SIZE[0], 0.5)]
    assert len(seen.masks) == 3  # the first whole one was never drawn
    np.testing.assert_array_equal(seen.masks[-1][0], finish(Chain(subject).run(chain(0.5))).to_mask())


def test_unchanged_first_steps_are_not_run_again(subject: Subject) -> None:
    kept = Chain(subject)
    for threshold in (0.3, 0.4, 0.5):
        found = finish(kept.run(chain(0.5, threshold)))
        np.testing.assert_array_equal(found.to_mask(), finish(Chain(subject).run(chain(0.5, threshold))).to_mask())
    assert len(Slow.ran) == 1 + 3  # once for the kept chain, once for each new one


def test_another_image_forgets_what_was_asked(subject: Subject) -> None:
    seen = Seen()
    Slow.halting.add(HALF)
    seen.preview.request(subject, Plan(), chain(0.9))
    seen.until(lambda: bool(Slow.ran))
    seen.preview.forget()
    Slow.halting.clear()
    seen.settle()
    assert seen.masks == []
    seen.preview.request(subject, Plan(), chain(0.5), is_last=True)
    seen.settle()
    assert len(seen.masks) == 1


def test_what_cannot_be_computed_is_said_and_survived(subject: Subject) -> None:
    seen = Seen()
    seen.preview.request(subject, Plan(), (Step("no_such_step"),))
    seen.settle()
    assert "no_such_step" in seen.failures[0]
    seen.preview.request(subject, Plan(), chain(0.5), is_last=True)
    seen.settle()
    assert len(seen.masks) == 1
    assert not seen.preview.is_busy
