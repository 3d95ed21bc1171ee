from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from napari_wsss.networks.prototypes import Prototypes


def made() -> tuple[Prototypes, list[torch.Tensor]]:
    torch.manual_seed(0)
    rows = [torch.randn(3, 5), torch.randn(1, 5), torch.randn(0, 5)]
    prototypes = Prototypes(3, 4, 5)
    prototypes.put(rows)
    return prototypes, rows


def test_it_is_the_mean_cosine_similarity() -> None:
    prototypes, rows = made()
    features = torch.randn(2, 5, 3, 4)

    found = prototypes(features)

    for k, row in enumerate(rows[:2]):
        each = torch.stack([F.cosine_similarity(features, one[None, :, None, None], dim=1) for one in row])
        torch.testing.assert_close(found[:, k], each.mean(0))
    assert not found[:, 2].any()


def test_lengths_do_not_matter() -> None:
    prototypes, rows = made()
    features = torch.randn(2, 5, 3, 4)
    before = prototypes(features)
    prototypes.put([7 * row for row in rows])

    torch.testing.assert_close(prototypes(3 * features), before)


def test_classes_may_have_different_numbers_and_new_ones_replace_all() -> None:
    prototypes, rows = made()
    assert prototypes.known.sum(1).tolist() == [3, 1, 0]

    prototypes.put([rows[0][:0], rows[1], rows[0]])

    assert prototypes.known.sum(1).tolist() == [0, 1, 3]
    assert not prototypes.vectors[0].any()


def test_they_are_part_of_the_state() -> None:
    prototypes, _ = made()
    other = Prototypes(3, 4, 5)
    other.load_state_dict(prototypes.state_dict())
    assert torch.equal(other.directions(), prototypes.directions())


@pytest.mark.parametrize("rows", [[torch.zeros(1, 5)], [torch.zeros(5, 5)] * 3, [torch.zeros(1, 4)] * 3])
def test_what_does_not_fit_is_refused(rows: list[torch.Tensor]) -> None:
    with pytest.raises(ValueError, match="expected 3 tensors"):
        Prototypes(3, 4, 5).put(rows)
