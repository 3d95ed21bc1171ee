from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_wsss.core.errors import ProjectError, StepError
from tests.session.conftest import Colours, Sitting

GREEN = (slice(8, 16), slice(20, 28))


def described(self: Colours, image: NDArray[np.uint8], settings: object) -> NDArray[np.float32]:
    return (image[1::2, 1::2] / np.float32(255)).transpose(2, 0, 1)


@pytest.fixture
def corrected(computed: Sitting, monkeypatch: pytest.MonkeyPatch) -> Sitting:
    """Return a sitting in which p0.png is accepted without its green object."""
    monkeypatch.setattr(Colours, "describe", described, raising=False)
    session = computed.session
    session.navigation.go_to("p0.png")
    proposal = session.table.proposal
    assert proposal is not None
    assert (proposal[GREEN] == 2).all()
    computed.paint(1, slice(6, 18), slice(4, 14))
    session.decisions.accept(and_next=False)
    session.navigation.go_to("p1.png")
    return computed


def test_a_correction_is_shown_until_it_is_dismissed_or_outdated(corrected: Sitting) -> None:
    session, told = corrected.session, []
    borrowing = session.gallery.borrowing
    borrowing.done.connect(told.append)
    before = session.table.proposal
    borrowing.propose("p0.png", ["p1.png", "p3.png"])
    corrected.settle()

    assert told[0].done == ("p1.png", "p3.png")
    assert borrowing.source_of("p1.png") == "p0.png"
    assert session.table.proposal is not None
    assert (session.table.proposal[GREEN] == 0).all()
    assert (session.table.proposal[6:18, 4:14] == 1).mean() > 0.8
    assert session.table.mask is not None
    assert not session.table.mask.any()

    borrowing.dismiss(["p1.png"])
    np.testing.assert_array_equal(session.table.proposal, before)
    assert borrowing.source_of("p3.png") == "p0.png"
    session.parameters.set("refine", "constant_background", {"background_threshold": 0.4}, "project")
    corrected.settle()
    assert borrowing.source_of("p3.png") == ""


def test_what_is_missing_is_said(corrected: Sitting) -> None:
    borrowing = corrected.session.gallery.borrowing
    assert "no mask yet" in borrowing.why_not("p1.png")
    with pytest.raises(ProjectError, match="no mask yet"):
        borrowing.propose("p1.png", ["p3.png"])
    with pytest.raises(StepError, match="no untouched image"):
        borrowing.propose("p0.png", [])
