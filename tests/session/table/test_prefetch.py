"""Reading ahead: the next images are there, and nothing outdated ever is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from napari_wsss.project.project import Project
from napari_wsss.session.jobs import Jobs
from napari_wsss.session.mailbox import Mailbox
from napari_wsss.session.results.machine import Picture
from napari_wsss.session.results.shown import resolve
from napari_wsss.session.table.prefetch import Prefetch


@pytest.fixture
def project(project_folder: Path) -> Iterator[Project]:
    with Project.open(project_folder) as opened:
        yield opened


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def prefetch(project: Project, mailbox: Mailbox) -> Prefetch:
    return Prefetch(project, Jobs(mailbox), capacity=3)


def get(prefetch: Prefetch, image_id: str) -> Picture:
    project = prefetch._project
    return prefetch.get(resolve(project, project.plan, image_id))


def wait(prefetch: Prefetch, mailbox: Mailbox) -> None:
    assert mailbox.drain_until(lambda: not prefetch._jobs.all, 10)


def test_images_are_read_ahead_in_the_background(prefetch: Prefetch, mailbox: Mailbox) -> None:
    prefetch.ahead(["p1.png", "p2.png"])
    assert not prefetch.holds("p1.png")
    wait(prefetch, mailbox)
    assert prefetch.holds("p1.png")
    assert prefetch.holds("p2.png")
    assert get(prefetch, "p1.png").image_id == "p1.png"


def test_the_oldest_image_goes_first(prefetch: Prefetch) -> None:
    for name in ("p0.png", "p1.png", "p2.png"):
        get(prefetch, name)
    get(prefetch, "p0.png")
    get(prefetch, "p3.png")
    assert [prefetch.holds(f"p{k}.png") for k in range(4)] == [True, False, True, True]


@pytest.mark.parametrize("change", ["drop", "clear"])
def test_what_was_read_before_a_change_is_not_kept(prefetch: Prefetch, mailbox: Mailbox, change: str) -> None:
    get(prefetch, "p0.png")
    prefetch.ahead(["p1.png", "p2.png"])
    prefetch._jobs.all[0].wait(5)
    if change == "drop":
        prefetch.drop("p1.png")
    else:
        prefetch.clear()
    mailbox.drain()
    assert not prefetch.holds("p1.png")
    assert prefetch.holds("p2.png") == prefetch.holds("p0.png") == (change == "drop")


def test_a_newer_request_replaces_an_older_one(prefetch: Prefetch, mailbox: Mailbox) -> None:
    prefetch.ahead(["p1.png"])
    prefetch.ahead(["p2.png"])
    wait(prefetch, mailbox)
    assert prefetch.holds("p2.png")


def test_a_missing_image_ends_the_reading_quietly(prefetch: Prefetch, mailbox: Mailbox, project: Project) -> None:
    project.image_path("p1.png").unlink()
    prefetch.ahead(["p1.png", "p2.png"])
    wait(prefetch, mailbox)
    assert not prefetch.holds("p1.png")
