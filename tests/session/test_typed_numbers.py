"""Numbers mean what they look like, whichever point, group mark and script they are written with."""

# ruff: noqa: RUF001 - marks and digits of other scripts are what is tested

import pytest

from napari_wsss.core.errors import ParameterError
from napari_wsss.session.typed_numbers import as_it_looks, parts_of_list


@pytest.mark.parametrize("text", ["0,35", "0.35", "0٫35", "٠٫٣٥", " 0,35 ", "۰٫۳۵"])
def test_one_mark_is_the_decimal_point(text: str) -> None:
    assert float(as_it_looks(text)) == 0.35


@pytest.mark.parametrize("text", ["1.000,5", "1,000.5", "1 000,5", "1’000.5", "1٬000٫5", "1\u202f000,5"])
def test_groups_are_left_out(text: str) -> None:
    assert float(as_it_looks(text)) == 1000.5


def test_one_mark_several_times_stands_between_groups() -> None:
    assert float(as_it_looks("-1.000.000")) == float(as_it_looks("-1,000,000")) == -1e6


@pytest.mark.parametrize("text", ["", "1,2,3", "one", "0.3.5"])
def test_what_is_no_number_stays_none(text: str) -> None:
    with pytest.raises(ValueError, match="could not convert"):
        float(as_it_looks(text))


@pytest.mark.parametrize("text", ["0.5, 1, 1.5", "0,5; 1; 1,5", "0,5 1 1,5", "0.5,1,1.5", "0,5, 1, 1,5", "0.5, 1; 1.5"])
def test_lists_tell_points_from_separators(text: str) -> None:
    assert [float(part) for part in parts_of_list(text)] == [0.5, 1, 1.5]


@pytest.mark.parametrize("text", ["0,5", "1,2,3"])
def test_a_comma_that_can_be_both_is_refused(text: str) -> None:
    with pytest.raises(ParameterError, match="two ways"):
        parts_of_list(text)
