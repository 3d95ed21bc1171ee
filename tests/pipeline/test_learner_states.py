"""A learner's states: named by numbers that rise, told in one line, and known again from what lies beside them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from napari_wsss.core.classes import ClassList
from napari_wsss.core.plan import Step
from napari_wsss.pipeline.learner.chains import learner_chain
from napari_wsss.pipeline.learner_states import LearnerState, next_state, plan_with, states
from napari_wsss.project.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    (tmp_path / "images").mkdir()
    with Project.create(tmp_path / "p", tmp_path / "images", ClassList(("cat",)), []) as found:
        yield found


DOUBTED = tuple(f"{at}.png" for at in range(1, 8))


def written(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"weights")
    return path


def test_numbers_rise_and_strangers_files_are_no_states(project: Project) -> None:
    assert states(project) == []
    first = written(next_state(project))
    assert first.name == "0001.safetensors"
    written(first.with_name("12345.safetensors"))
    written(first.with_name("mine.safetensors"))
    assert next_state(project).name == "12346.safetensors"
    assert [path.stem for path in states(project)] == ["12345", "0001"]


def test_a_plan_uses_a_state_by_its_place_in_the_project(project: Project) -> None:
    plan = plan_with(project, written(next_state(project)))
    assert plan.segmenter_checkpoint == "training/learner/0001.safetensors"
    assert plan.localizer_checkpoint == project.plan.localizer_checkpoint


def test_the_chain_that_suits_it_gives_way_to_one_a_person_chose(project: Project) -> None:
    state = written(next_state(project))
    assert plan_with(project, state).refiners == learner_chain()
    own = (Step("power_background", {"background_power": 3.0}),)
    project.set_plan(replace(project.plan, refiners=own))
    assert plan_with(project, state).refiners == own


@pytest.mark.parametrize(
    ("state", "text", "held_out", "details"),
    [
        ((1, 0), "learned from 1 mask", "", ""),
        ((25, 12, 0.614, 30), "learned from 25 masks, 12 partly corrected", "held-out 61 %", ""),
        (
            (0, 3, None, 0, ("cat",), ("a.jpg",)),
            "learned from 3 partly corrected",
            "",
            "left to the maps: cat · unreadable: a.jpg",
        ),
        (
            (16, 0, 0.5, 16, (), (), 1.0, 3.2, 16, "pictures at 640 pixels", 0.25, DOUBTED),
            "learned from 16 masks",
            "held-out 50 %",
            "contradicted by all else: 1.png, 2.png, 3.png, 4.png, 5.png and 2 more · pictures at 640 pixels",
        ),
    ],
)
def test_what_is_known_is_told_and_read_again(
    tmp_path: Path, state: tuple[object, ...], text: str, held_out: str, details: str
) -> None:
    made = LearnerState(tmp_path / "0001.safetensors", *state)  # type: ignore[arg-type]
    assert (made.text, made.held_out, made.details) == (text, held_out, details)
    made.note()
    assert LearnerState.of(made.checkpoint) == made


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", b"[" * 100000])
def test_a_damaged_note_is_no_state(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "0001.json").write_bytes(content)
    assert LearnerState.of(tmp_path / "0001.safetensors") is None


def test_odd_entries_count_as_nothing(tmp_path: Path) -> None:
    (tmp_path / "0001.json").write_text('{"learned_from": {"whole": "x"}, "agreement": [1], "left_to_maps": {"a": 1}}')
    found = LearnerState.of(tmp_path / "0001.safetensors")
    assert found == LearnerState(tmp_path / "0001.safetensors", 0, 0)
