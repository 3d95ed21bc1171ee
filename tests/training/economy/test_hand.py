from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_wsss.core.errors import ParameterError
from training.economy.costs import Costs
from training.economy.hand import Hand, Noise, click_times
from training.economy.things import Click

SHAPE = (200, 300)
CLICK = Click(100, 150, 1, side=50.0)


def landed(hand: Hand, times: int = 400) -> list[Click]:
    return [hand.landed(CLICK, SHAPE, (1, 2)) for _ in range(times)]


def test_without_noise_a_click_is_where_it_is_meant() -> None:
    assert landed(Hand(Costs()), 3) == [CLICK] * 3


def test_clicks_scatter_by_a_share_of_what_is_clicked() -> None:
    found = landed(Hand(Costs(), Noise(click_jitter=0.02)))
    away = np.asarray([(click.row - 100, click.column - 150) for click in found])
    assert np.allclose(away.std(0), 0.02 * 50, atol=0.15)
    assert np.abs(away.mean(0)).max() < 0.2
    far = [
        hand_far.landed(CLICK, SHAPE, ()) for hand_far in [Hand(Costs(), Noise(click_jitter=1.0))] for _ in range(99)
    ]
    assert all(0 <= click.row < 200 and 0 <= click.column < 300 for click in far)


def test_some_clicks_name_another_of_the_images_values() -> None:
    values = [click.value for click in landed(Hand(Costs(), Noise(wrong_class=0.05)), 2000)]
    assert 0.03 < np.mean(np.asarray(values) != 1) < 0.07
    assert set(values) == {0, 1, 2}
    assert Hand(Costs(), Noise(wrong_class=1.0)).said(0, ()) == 0  # there is no other


def test_the_seed_decides() -> None:
    noise = Noise(click_jitter=0.1, wrong_class=0.3)
    assert landed(Hand(Costs(), noise, 1)) == landed(Hand(Costs(), noise, 1))
    assert landed(Hand(Costs(), noise, 1)) != landed(Hand(Costs(), noise, 2))


def test_click_times_are_drawn_from_a_table(tmp_path: Path) -> None:
    path = tmp_path / "times.txt"
    path.write_text("1\n2\n6\n")
    hand = Hand(Costs(click_times=str(path)))
    drawn = [hand.click_seconds(1) for _ in range(300)]
    assert set(drawn) == {1, 2, 6}
    assert abs(np.mean(drawn) - 3) < 0.5
    assert Hand(Costs()).click_seconds(4) == pytest.approx(9.6)


@pytest.mark.parametrize("text", ["", "1\nsoon\n", "-1\n", "nan\n"])
def test_what_is_no_table_of_times_is_said(tmp_path: Path, text: str) -> None:
    path = tmp_path / "times.txt"
    path.write_text(text)
    with pytest.raises(ParameterError, match=r"times\.txt"):
        click_times(path)
    with pytest.raises(ParameterError, match="missing"):
        click_times(tmp_path / "missing.txt")
