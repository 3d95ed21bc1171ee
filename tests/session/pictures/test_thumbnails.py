"""Pictures for the queue: made in the background, kept, and made again when what they show changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_wsss.project.project import Project
from napari_wsss.session.pictures import thumbnails as module
from napari_wsss.session.pictures.thumbnails import WISHES, Thumbnails, Wishes, picture_of
from tests.session.conftest import HEIGHT, WIDTH, Sitting, write_picture


def drawn(sitting: Sitting, image_id: str) -> NDArray[np.uint8]:
    """Return the picture once it is made."""
    sitting.session.thumbnails.get(image_id)
    sitting.settle()
    found = sitting.session.thumbnails.get(image_id)
    assert found is not None
    return found


def differs(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> bool:
    """Return True when two pictures differ by more than being kept as JPEG makes them."""
    return bool(np.abs(first.astype(int) - second).max() > 60)


def kept(sitting: Sitting) -> list[str]:
    assert sitting.session.project is not None
    return [path.name for path in (sitting.session.project.results_folder / "thumbnails").rglob("*.jpg")]


def test_pictures_are_made_when_they_are_asked_for(sitting: Sitting) -> None:
    seen: list[str] = []
    sitting.session.thumbnails.ready.connect(seen.append)
    assert sitting.session.thumbnails.get("p3.png") is None
    assert sitting.session.jobs.find("thumbnails") is None, "a window asks while it paints: nothing may happen then"
    sitting.settle()
    picture = sitting.session.thumbnails.get("p3.png")
    assert picture is not None
    assert picture.shape == (HEIGHT, WIDTH, 3)
    assert (seen, kept(sitting)) == (["p3.png"], ["p3.png.jpg"])
    assert not sitting.session.jobs.all


def test_what_is_wished_for_while_the_last_one_ends_is_made_too(
    sitting: Sitting, monkeypatch: pytest.MonkeyPatch
) -> None:
    late, take = ["p1.png"], Wishes.take

    def take_and_wish(wishes: Wishes) -> tuple[str, tuple[int, int]] | None:
        found = take(wishes)
        if found is None and late:  # the job that makes pictures goes on to its end
            wishes.add(late.pop(), (0, 0))
        return found

    monkeypatch.setattr(Wishes, "take", take_and_wish)
    seen: list[str] = []
    sitting.session.thumbnails.ready.connect(seen.append)
    sitting.session.thumbnails.get("p3.png")
    sitting.settle()
    assert seen == ["p3.png", "p1.png"]


def test_they_follow_a_persons_work(sitting: Sitting) -> None:
    session = sitting.session
    assert session.project is not None
    plain = drawn(sitting, "p0.png")
    sitting.paint(1, slice(4, 20), slice(4, 28))
    painted = drawn(sitting, "p0.png")
    assert differs(plain, painted)
    sitting.paint(2, slice(4, 20), slice(4, 28))  # it was a draft before: told when the image is left
    session.navigation.next()
    repainted = drawn(sitting, "p0.png")
    assert differs(painted, repainted)
    assert session.navigation.go_to("p0.png")
    session.decisions.accept(and_next=False)
    assert not differs(drawn(sitting, "p0.png"), repainted)
    session.decisions.undo()
    session.project.review.discard_draft("p0.png")
    session.thumbnails.outdate("p0.png")
    assert not differs(drawn(sitting, "p0.png"), plain)


def test_they_follow_colours_and_merged_classes(sitting: Sitting) -> None:
    session = sitting.session
    sitting.paint(1, slice(4, 20), slice(4, 28))
    before = drawn(sitting, "p0.png")
    told: list[str] = []
    session.thumbnails.ready.connect(told.append)
    session.class_list.colour("red", "#0000ff")
    assert told == ["p0.png"], "whoever shows it asks again"
    coloured = drawn(sitting, "p0.png")
    assert differs(before, coloured)
    session.class_list.become("red", "green")
    assert differs(coloured, drawn(sitting, "p0.png"))
    assert session.class_list.undo()
    assert session.class_list.undo()
    assert not differs(drawn(sitting, "p0.png"), before)


def test_they_show_proposals_and_follow_what_counts_for_their_image(computed: Sitting) -> None:
    session = computed.session
    proposed = drawn(computed, "p1.png")

    def drawn_with(threshold: float, scope: str) -> bool:
        """Return whether p1.png looks different at a threshold that counts for p0.png or for all."""
        session.parameters.set("refine", "constant_background", {"background_threshold": threshold}, scope)
        session.thumbnails.outdate_all()
        return differs(drawn(computed, "p1.png"), proposed)

    assert not drawn_with(0.05, "image")
    assert drawn_with(0.05, "project")
    assert not drawn_with(0.5, "project")
    session.labels.remove("red", "p1.png")
    computed.settle()
    assert differs(drawn(computed, "p1.png"), proposed)


def test_kept_pictures_are_read_until_the_image_changes(project_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Project.open(project_folder) as project:
        first = picture_of(project, "p0.png")
        assert first is not None
        monkeypatch.setattr(module, "small_picture", lambda _path, **_how: np.zeros((2, 2, 3), np.uint8))
        second = picture_of(project, "p0.png")
        assert second is not None
        assert np.abs(second.astype(int) - first).mean() < 8  # it comes from a JPEG file
        write_picture(project.image_path("p0.png"), seed=9)
        third = picture_of(project, "p0.png")
        assert third is not None
        assert third.shape == (2, 2, 3)
        monkeypatch.undo()
        project.image_path("p0.png").unlink()
        assert picture_of(project, "p0.png") is None


def test_an_image_that_cannot_be_read_has_no_picture_and_is_asked_for_once(sitting: Sitting) -> None:
    assert sitting.session.project is not None
    sitting.session.project.image_path("p4.png").write_bytes(b"no picture")
    for _ in range(2):
        assert sitting.session.thumbnails.get("p4.png") is None
        sitting.settle()
    assert sitting.session.thumbnails.get("p4.png") is None
    assert not sitting.session.jobs.all
    assert not sitting.failures


def test_a_read_only_project_keeps_nothing(project_folder: Path, sitting_on: Callable[..., Sitting]) -> None:
    sitting = sitting_on(project_folder, read_only=True)
    assert drawn(sitting, "p1.png").any()
    assert kept(sitting) == []


def test_closing_ends_the_work_and_forgets(sitting: Sitting) -> None:
    session = sitting.session
    for number in range(6):
        session.thumbnails.get(f"p{number}.png")
    assert session.close_project()
    sitting.mailbox.drain()
    assert session.thumbnails.get("p0.png") is None
    assert not session.jobs.all


def test_the_memory_is_bounded(sitting: Sitting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT", 2)
    for number in range(5):
        drawn(sitting, f"p{number}.png")
    assert list(sitting.session.thumbnails._pictures) == ["p3.png", "p4.png"]


def test_the_latest_wish_comes_first_and_the_oldest_are_given_up() -> None:
    wishes = Wishes()
    for number in range(WISHES + 3):
        wishes.add(str(number), (0, 0))
    wishes.add("7", (0, 1))
    assert len(wishes) == WISHES
    assert wishes.take() == ("7", (0, 1))
    wishes.add("7", (0, 1))  # it is being made
    assert wishes.take() == (str(WISHES + 2), (0, 0))
    rest = [wishes.take() for _ in range(WISHES - 2)]
    assert rest[-1] == ("3", (0, 0))
    assert wishes.take() is None


def test_thumbnails_belong_to_the_session(sitting: Sitting) -> None:
    assert isinstance(sitting.session.thumbnails, Thumbnails)
