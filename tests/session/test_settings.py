"""What was chosen for the sitting counts from the next time on, and for the next project too."""

from __future__ import annotations

from tests.session.conftest import Sitting


def test_images_are_read_as_far_ahead_as_chosen(sitting: Sitting) -> None:
    session = sitting.session
    sitting.settle()
    assert session.table.prefetch.holds("p3.png")
    assert not session.table.prefetch.holds("p4.png")
    session.settings.ahead = 4
    session.navigation.go_to("p0.png")
    sitting.settle()
    assert session.table.prefetch.holds("p4.png")
    folder = session.project.folder
    assert session.close_project()
    session.open_project(folder)
    sitting.settle()
    assert session.table.prefetch.holds("p4.png")
