"""Second views: sizes as published, exact mirroring, and angles and shifts in pixels."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from napari_wsss.networks.affine import draw_view


def planes(height: int = 21, width: int = 31) -> Tensor:
    return torch.empty(2, 3, height, width).uniform_(generator=torch.Generator().manual_seed(0))


def draw_always(value: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every angle and shift be this part of its range: 0 the lower end, 0.5 the middle, 1 the upper end."""
    monkeypatch.setattr(torch, "rand", lambda *size: torch.full(size, value))


@pytest.mark.parametrize(("side", "small"), [(448, 134), (112, 33), (321, 96), (1, 1)])
def test_rescaling_is_the_published_one(side: int, small: int) -> None:
    images = torch.rand(1, 3, side, side)

    found = draw_view(images, rescale=0.3)

    assert found.size == (small, small)
    assert found.inside is None
    if side > 1:
        torch.testing.assert_close(
            found(images), F.interpolate(images, scale_factor=0.3, mode="bilinear", align_corners=True)
        )


def test_a_view_without_change_is_the_image() -> None:
    assert draw_view(planes())(planes()).equal(planes())


def test_mirroring_is_exact() -> None:
    assert draw_view(planes(), mirror=True)(planes()).equal(planes().flip(3))


def test_no_angle_and_no_shift_is_resizing(monkeypatch: pytest.MonkeyPatch) -> None:
    draw_always(0.5, monkeypatch)
    warped = draw_view(planes(), rescale=0.5, mirror=True, rotation=20, shift=4)

    resized = draw_view(planes(), rescale=0.5, mirror=True)(planes())
    torch.testing.assert_close(warped(planes()), resized, atol=1e-5, rtol=0)
    assert warped.inside is not None
    assert warped.inside.all()


def test_shifts_are_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    draw_always(1.0, monkeypatch)
    found = draw_view(planes(), shift=3)

    view = found(planes())
    torch.testing.assert_close(view[:, :, :-3, :-3], planes()[:, :, 3:, 3:], atol=1e-4, rtol=0)
    assert found.inside is not None
    assert found.inside[:, 0, :-3, :-3].all()
    assert not found.inside[:, 0, -3:].any()
    assert not found.inside[:, 0, :, -3:].any()
    assert not view[:, :, -2:].any()


def test_a_quarter_turn_of_a_square_keeps_it_square(monkeypatch: pytest.MonkeyPatch) -> None:
    draw_always(1.0, monkeypatch)
    images = planes(15, 15)

    found = draw_view(images, rotation=90)

    torch.testing.assert_close(found(images), images.rot90(1, (2, 3)), atol=1e-4, rtol=0)
    assert found.inside is not None
    assert found.inside.all()


def test_pixels_keep_their_shape_when_an_oblong_image_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    draw_always(1.0, monkeypatch)
    images = torch.zeros(1, 1, 21, 41)
    images[:, :, 10, 14:27] = 1  # a horizontal bar of 13 pixels about the centre

    found = draw_view(images, rotation=90)(images)

    expected = torch.zeros(1, 1, 21, 41)
    expected[:, :, 4:17, 20] = 1
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


def test_each_image_has_its_own_angle_and_the_seed_decides() -> None:
    images = planes()[:1].repeat(2, 1, 1, 1)
    torch.manual_seed(3)
    first = draw_view(images, rotation=30)(images)
    torch.manual_seed(3)
    again = draw_view(images, rotation=30)(images)

    assert first.equal(again)
    assert not first[0].equal(first[1])


def test_maps_move_with_the_image() -> None:
    view = draw_view(planes(), rescale=0.7, mirror=True, rotation=25, shift=5)

    together = view(torch.cat([planes(), planes()[:, :1]], 1))

    torch.testing.assert_close(together[:, 3:], together[:, :1])
    assert view.inside is not None
    assert view.inside.shape == (2, 1, *view.size)
    assert not view(torch.ones_like(planes()))[view.inside.expand(-1, 3, -1, -1)].lt(0.999).any()
