"""Pair accuracy: right when cells of one thing are joined and those of two are not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from torch import Tensor

from napari_wsss.affinity.base import AffinityBatch, AffinityModel
from napari_wsss.networks.neighbourhood import Offset
from napari_wsss.networks.trunk import build_trunk
from training.data.affinity_data import central
from training.data.pictures import Pixels
from training.scoring.affinity_check import AffinityCheck


class ByBrightness(AffinityModel):
    """Joins cells of the same brightness."""

    title = "By brightness"
    stride = 8  # type: ignore[assignment]

    @property
    def offsets(self) -> Sequence[Offset]:
        return (0, 1), (1, 0)

    def dense(self, images: Tensor) -> Tensor:
        return images[:, :1, 4::8, 4::8]

    def pair_affinities(self, dense: Tensor) -> Tensor:
        right = torch.zeros_like(dense)
        right[..., :-1] = (dense[..., 1:] == dense[..., :-1]).float()
        below = torch.zeros_like(dense)
        below[..., :-1, :] = (dense[..., 1:, :] == dense[..., :-1, :]).float()
        return torch.cat([right, below], 1)

    def loss(self, batch: AffinityBatch) -> dict[str, Tensor]:
        return {}


@dataclass
class OneImage:
    """Held-out data of one image, which is bright right of the middle."""

    labels: Pixels
    held_out: tuple[str, ...] = ("one.png",)
    image: Pixels = field(default_factory=lambda: np.zeros((32, 64, 3), np.uint8))

    def __post_init__(self) -> None:
        self.image[:, 32:] = 200

    def whole(self, image_id: str) -> tuple[Pixels, Pixels]:
        return self.image, self.labels

    def cells_of(self, labels: Pixels) -> Pixels:
        return central(labels, 8)


def check_of(labels: Pixels, **options: tuple[str, ...]) -> AffinityCheck:
    network = ByBrightness(build_trunk("mobilenet_v2", width=1 / 16))
    return AffinityCheck(network, OneImage(labels, **options))  # type: ignore[arg-type]


def halves(columns: int) -> Pixels:
    labels = np.zeros((32, 64), np.uint8)
    labels[:, columns:] = 2
    return labels


def test_the_right_network_is_right() -> None:
    check = check_of(halves(32))

    assert check.figures() == {"pair_accuracy": 1.0}
    # 4 x 8 cells: 2 x 4 x 3 pairs side by side and 2 x 3 x 4 below each other within the halves, 4 between them.
    assert check.tables()["pairs"][1:] == [
        ["background", "1.0000", "24"],
        ["foreground", "1.0000", "24"],
        ["different", "1.0000", "4"],
    ]


def test_the_wrong_border_is_wrong_on_both_kinds() -> None:
    found = check_of(halves(48)).figures()["pair_accuracy"]

    assert found == pytest.approx((44 / 48 + 0) / 2)


def test_without_pairs_of_both_kinds_there_is_no_figure() -> None:
    assert check_of(halves(64)).figures() == {}
    assert check_of(halves(32), held_out=()).tables() == {}
