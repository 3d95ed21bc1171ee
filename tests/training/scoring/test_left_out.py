"""One image that cannot be used ends nothing; none that can, or what all of them lack, does."""

from __future__ import annotations

import pytest

from napari_wsss.core.errors import ProjectError, StepError
from training.report import EventLines
from training.scoring.left_out import LeftOut


def test_what_goes_wrong_with_one_image_is_noted_and_said(capsys: pytest.CaptureFixture[str]) -> None:
    left_out = LeftOut()
    for image_id, reason in (("a", ProjectError("damaged")), ("b", OSError("gone")), ("c", None)):
        with left_out.naming(image_id):
            if reason is not None:
                raise reason
    assert left_out == {"a": "damaged", "b": "gone"}
    assert left_out.rest("cab") == ["c"]
    left_out.say(EventLines())
    assert "left out: a: damaged" in capsys.readouterr().out


def test_no_image_that_can_be_used_is_an_error_with_the_first_reason() -> None:
    assert LeftOut().rest([]) == []
    with pytest.raises(StepError, match=r"None of the 2 .*a: damaged"):
        LeftOut(a="damaged", b="gone").rest("ab")


@pytest.mark.parametrize("error", [StepError("no model", missing=("model",)), ValueError("a fault of ours")])
def test_what_is_no_matter_of_one_image_is_raised(error: Exception) -> None:
    left_out = LeftOut()
    with pytest.raises(type(error)), left_out.naming("a"):
        raise error
    assert not left_out
