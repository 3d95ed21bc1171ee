"""Whether a person sees who made which pixel."""

from __future__ import annotations

from napari_wsss.session.review.provenance import Provenance
from napari_wsss.session.signals import Signals
from napari_wsss.session.table.opened import Opened
from tests.session.conftest import Sitting


def test_it_stays_from_image_to_image_and_tells_only_changes(sitting: Sitting) -> None:
    session, told = sitting.session, []
    session.signals.sources_changed.connect(told.append)
    session.provenance.show(True)
    session.provenance.show(True)
    assert told == ["p0.png"]
    session.navigation.next()
    assert session.provenance.shown
    session.provenance.show(False)
    assert told[-1] == "p1.png"


def test_it_can_be_chosen_before_a_project_is_open() -> None:
    signals, told = Signals(), []
    signals.sources_changed.connect(told.append)
    provenance = Provenance(Opened(), signals)
    provenance.show(True)
    assert (provenance.shown, told) == (True, [""])
