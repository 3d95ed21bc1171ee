from __future__ import annotations

import torch

from napari_wsss.networks.pixel_head import PixelHead, enlarged, on_finest_grid


def rows(count: int = 500) -> torch.Tensor:
    return 3 + 5 * torch.randn(count, 6, generator=torch.Generator().manual_seed(0))


def test_scale_and_offset_of_features_do_not_matter_once_standardised() -> None:
    torch.manual_seed(0)
    head = PixelHead(6, 4, 8, 0.0)
    head.standardise(rows())
    before = head(rows())
    head.standardise(100 * rows() - 7)

    torch.testing.assert_close(head(100 * rows() - 7), before, atol=1e-3, rtol=1e-3)


def test_a_constant_channel_stays_finite() -> None:
    head = PixelHead(6, 4, 8, 0.0)
    head.standardise(torch.ones(10, 6))

    assert torch.isfinite(head(torch.ones(2, 6))).all()


def test_members_answer_by_the_mean_of_their_log_probabilities() -> None:
    torch.manual_seed(0)
    head = PixelHead(6, 4, 8, 0.0, members=3)

    each = head.each(rows())

    assert each.shape == (3, 500, 4)
    assert not torch.allclose(each[0], each[1])
    torch.testing.assert_close(head(rows()), each.log_softmax(-1).mean(0))


def test_taps_meet_on_the_finest_grid_corner_on_corner() -> None:
    deep = torch.arange(6.0).reshape(1, 1, 2, 3)

    found = on_finest_grid([torch.zeros(1, 2, 3, 5), deep])

    assert found.shape == (1, 3, 3, 5)
    torch.testing.assert_close(found[0, 2, ::2, ::2], deep[0, 0])
    torch.testing.assert_close(enlarged(deep, (2, 3)), deep)


def test_answering_from_taps_is_answering_from_their_rows_on_the_finest_grid() -> None:
    generator = torch.Generator().manual_seed(0)
    fine, deep = torch.randn(2, 2, 5, 7, generator=generator), torch.randn(2, 4, 3, 4, generator=generator)
    torch.manual_seed(0)
    head = PixelHead(6, 4, 8, 0.5, members=2).eval()
    head.standardise(rows())

    found = head.on_taps([fine, deep])

    expected = head(on_finest_grid([fine, deep]).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)
