"""The companions of the shown image: seen, replaced, left to the rule; its maps follow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_wsss.core.inference import Companion
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.pipeline import companions as core_companions
from napari_wsss.session.proposals import companions as session_companions
from napari_wsss.session.session import Session
from tests.session.conftest import Colours, Sitting

WANTED = 2


@pytest.fixture
def comparing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the colours localizer compare: its maps are weaker the more companions it is given."""
    plain = Colours.infer

    def infer(
        self: Colours,
        image: NDArray[np.uint8],
        present: Sequence[int],
        settings: Any,
        companions: Sequence[Companion] = (),
    ) -> ActivationMaps:
        found = plain(self, image, present, settings)
        return found.with_scores(found.scores / (1 + len(companions)))

    monkeypatch.setattr(Colours, "infer", infer)
    for module in (core_companions, session_companions):
        monkeypatch.setattr(module, "companions_per_class", lambda path: WANTED)


@pytest.fixture
def session(comparing: None, model_folder: Path, sitting_on: Callable[[Path], Sitting]) -> Session:
    sitting = sitting_on(model_folder)
    sitting.session.inference.start()
    sitting.settle()
    return sitting.session


@pytest.fixture
def failures(session: Session) -> list[str]:
    found: list[str] = []
    session.signals.failed.connect(found.append)
    return found


def test_the_rule_chooses_until_a_person_does(session: Session) -> None:
    before = session.companions.chosen
    assert session.table.image_id == "p0.png"
    assert session.companions.wanted
    assert 2 <= len(before.chosen) <= 4
    assert not before.by_person

    old, new = next(iter(before.chosen)), session.companions.candidates()[-1]
    assert session.companions.replace(old, new)

    now = session.companions.chosen
    assert now.by_person
    assert set(now.chosen) == {*before.chosen, new} - {old}
    assert old in session.companions.candidates()
    assert session.companions.reset()
    assert session.companions.chosen == before


def test_only_the_shown_image_changes(session: Session) -> None:
    session.navigation.go_to("p1.png")
    before = session.companions.chosen
    session.navigation.go_to("p0.png")
    session.companions.set(["p5.png"])
    session.navigation.go_to("p1.png")

    assert session.companions.chosen == before


def test_companions_are_added_and_removed(session: Session) -> None:
    session.companions.set(["p1.png"])
    session.companions.replace("", "p2.png")
    assert list(session.companions.chosen.chosen) == ["p1.png", "p2.png"]
    session.companions.replace("p1.png", "")
    assert list(session.companions.chosen.chosen) == ["p2.png"]
    session.companions.replace("", "p2.png")
    assert list(session.companions.chosen.chosen) == ["p2.png"]


def test_images_without_a_common_class_are_refused(session: Session, failures: list[str]) -> None:
    assert session.project is not None
    session.project.set_labels("p5.png", ["blue"])

    for wrong in ("p5.png", "p0.png", "nobody.png"):
        assert not session.companions.set([wrong])
    assert len(failures) == 3
    assert "red" in failures[0]
    assert not session.table.plan.companions


def test_maps_are_computed_anew_with_the_new_ones(
    comparing: None, model_folder: Path, sitting_on: Callable[[Path], Sitting]
) -> None:
    sitting = sitting_on(model_folder)
    session = sitting.session
    session.inference.start()
    sitting.settle()
    assert session.table.maps is not None
    before = session.table.maps.scores.max()

    session.companions.set(["p1.png"])
    sitting.settle()

    assert session.table.maps.scores.max() > before  # one companion instead of several


def test_the_choice_is_kept_and_journaled(
    session: Session, model_folder: Path, sitting_on: Callable[[Path], Sitting]
) -> None:
    session.companions.set(["p1.png", "p2.png"])
    assert session.project is not None
    entry = session.project.journal.recent(1, ["plan"])[0]
    session.close_project()

    assert entry.after["companions"] == {"p0.png": ["p1.png", "p2.png"]}
    assert entry.before["companions"] == {}
    again = sitting_on(model_folder).session
    assert list(again.companions.chosen.chosen) == ["p1.png", "p2.png"]


def test_models_that_compare_nothing_have_none(computed: Sitting) -> None:
    session = computed.session

    assert not session.companions.wanted
    assert not session.companions.chosen.chosen
