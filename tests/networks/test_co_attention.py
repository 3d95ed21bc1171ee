"""What images of a pair tell each other: grids, softmax directions, gates."""

from __future__ import annotations

import pytest
import torch

from napari_wsss.networks.co_attention import AffinityKind, PairAttention, gathered

KINDS: tuple[AffinityKind, ...] = ("product", "cosine")


def features(*size: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(2, 8, *size, generator=torch.Generator().manual_seed(seed)).relu()


@pytest.mark.parametrize("kind", KINDS)
def test_grids_may_differ(kind: AffinityKind) -> None:
    attention, a, b = PairAttention(8, kind), features(4, 5), features(3, 7)

    first, second = attention(a, b)

    assert attention.affinity(a, b).shape == (2, 20, 21)
    assert (first.shape, second.shape) == (a.shape, b.shape)
    assert attention.contrast(a, first).shape == a.shape


def test_each_cell_gets_a_mean_of_the_other_images_cells() -> None:
    attention, a, b = PairAttention(8), features(4, 5), features(3, 7, seed=2)

    first, second = attention(a, b)

    for found, other in ((first, b), (second, a)):
        assert (found.amax((2, 3)) <= other.amax((2, 3)) + 1e-5).all()
        assert (found.amin((2, 3)) >= other.amin((2, 3)) - 1e-5).all()
    torch.testing.assert_close(attention.attended(a, b), first)


def test_a_sure_affinity_copies_the_cell() -> None:
    b = features(2, 3)
    sure = torch.zeros(2, 4, 6)
    sure[:, :, 5] = 100.0

    found = gathered(sure, b, torch.Size((2, 2)))

    torch.testing.assert_close(found, b[:, :, 1:, 2:].expand(2, 8, 2, 2))


def test_the_product_has_the_published_direction() -> None:
    attention, a, b = PairAttention(8), features(2, 2), features(2, 3)
    mapped = attention.affinity_weight.weight @ a.flatten(2)  # (2, D, N_a)
    expected = mapped.transpose(1, 2) @ b.flatten(2)

    torch.testing.assert_close(attention.affinity(a, b), expected)


def test_a_cosine_does_not_depend_on_lengths_and_begins_as_similarity() -> None:
    attention, a = PairAttention(8, "cosine", 10.0), features(4, 5)

    affinity = attention.affinity(a, 3 * a)

    torch.testing.assert_close(affinity, attention.affinity(2 * a, a))
    assert affinity.max() <= 10 + 1e-4
    torch.testing.assert_close(affinity.diagonal(dim1=1, dim2=2), torch.full((2, 20), 10.0), atol=1e-4, rtol=0)


def test_the_gate_leaves_what_is_not_shared() -> None:
    attention, a = PairAttention(8), features(4, 5)
    torch.nn.init.constant_(attention.gate.weight, 100.0)
    shared = torch.zeros_like(a)
    shared[..., 2:] = 1.0

    left = attention.contrast(a, shared)

    assert not left[..., 2:].any()
    torch.testing.assert_close(left[..., :2], a[..., :2] / 2)


def test_it_stays_in_full_precision() -> None:
    attention, a = PairAttention(8), features(4, 5)
    with torch.autocast("cpu", torch.bfloat16):
        found = attention.affinity(a, a)

    torch.testing.assert_close(found, attention.affinity(a, a), rtol=0, atol=0)
