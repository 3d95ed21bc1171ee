from __future__ import annotations

from napari_wsss.core.errors import ParameterError, ProjectError, StepError, WeightsError, WsssError


def test_errors_carry_what_a_window_could_offer() -> None:
    assert ProjectError("locked", read_only_possible=True).read_only_possible
    assert not ProjectError("gone").read_only_possible
    assert ParameterError("too big", name="alpha").name == "alpha"
    assert WeightsError("no fit", candidates=["seam"]).candidates == ("seam",)
    assert StepError("needs", missing=["background"]).missing == ("background",)
    assert all(issubclass(kind, WsssError) for kind in (ProjectError, ParameterError, WeightsError, StepError))


def test_message_is_what_a_person_reads() -> None:
    assert str(ProjectError("Close it there.", read_only_possible=True)) == "Close it there."
