"""How good an affinity network is on held-out images: how well it joins cells of one thing and parts those of two."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from napari_wsss.affinity.base import AffinityModel, infer_affinities
from napari_wsss.core.classes import IGNORE
from napari_wsss.core.inference import Inference
from napari_wsss.networks.neighbourhood import pair_labels
from training.data.affinity_data import AffinityData
from training.scoring.validation import Ask, go_on

JOINED = 0.5
"""Affinity from which a pair counts as joined."""
KINDS = ("background", "foreground", "different")


class AffinityCheck:
    """Accuracy on pairs of cells of held-out images: against accepted masks, else against their confident labels."""

    def __init__(self, model: AffinityModel, data: AffinityData, ask: Ask = go_on) -> None:
        self._model, self._data, self._ask = model, data, ask

    def figures(self) -> dict[str, float]:
        """Return ``pair_accuracy``: the mean of the shares of right pairs of one thing and of two; maybe nothing."""
        right, all_ = self._counts()
        one, two = right[:2].sum(), right[2]
        if not all_[:2].sum() or not all_[2]:
            return {}
        return {"pair_accuracy": float((one / all_[:2].sum() + two / all_[2]) / 2)}

    def tables(self) -> dict[str, list[list[str]]]:
        """Return the table ``pairs``: accuracy and number by kind of pair, or nothing without held-out images."""
        right, all_ = self._counts()
        if not all_.any():
            return {}
        rows = [["pairs", "accuracy", "count"]]
        for kind, hits, count in zip(KINDS, right, all_, strict=True):
            rows.append([kind, f"{hits / count:.4f}" if count else "", str(int(count))])
        return {"pairs": rows}

    def _counts(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return how many pairs of each kind are right, and how many there are."""
        counts = np.zeros((2, len(KINDS)), np.int64)
        for image_id in self._data.held_out:
            self._ask()
            counts += self._counts_of(image_id)
        return counts[0], counts[1]

    def _counts_of(self, image_id: str) -> NDArray[np.int64]:
        image, labels = self._data.whole(image_id)
        found = infer_affinities(self._model, image, Inference(preset="single"))
        cells = _fitting(self._data.cells_of(labels), found.grid)
        offsets = [(int(dy), int(dx)) for dy, dx in found.offsets]
        pairs = pair_labels(torch.from_numpy(cells)[None], offsets, ignore=IGNORE)
        joined = found.values >= JOINED
        chosen = [getattr(pairs, kind)[0].numpy() for kind in KINDS]
        right = [(joined if kind != "different" else ~joined) for kind in KINDS]
        return np.array([[(c & r).sum() for c, r in zip(chosen, right, strict=True)], [c.sum() for c in chosen]])


def _fitting(cells: NDArray[np.uint8], grid: Sequence[int]) -> NDArray[np.uint8]:
    """Return labels of cells on another grid, which weights that want certain sizes lead to; nearest neighbour."""
    if cells.shape == tuple(grid):
        return cells
    rows, columns = (np.arange(n) * have // n for n, have in zip(grid, cells.shape, strict=True))
    return cells[np.ix_(rows, columns)]
