"""All regions of a picture that a promptable segmenter finds by itself, asked at the points of a grid.

After the automatic masks of Kirillov et al., "Segment Anything", ICCV 2023, section 3 and appendix B: one click at each
point, of the masks offered those the network is sure of and whose border does not depend on the threshold, and of
nearly equal ones the best. Smaller regions lie on larger ones, so that every pixel belongs to one region at most.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.progress import Progress, Steps
from napari_wsss.pixels.clicks.prompts import Click, Prompt
from napari_wsss.promptable.answering import enlarged
from napari_wsss.promptable.sam_onnx import Embedding, Logits, decode

POINTS = 8
"""Points along the picture's long side; the paper takes 32, at sixteen times the work."""
QUALITY, STABILITY, OFFSET = 0.8, 0.85, 1.0
"""Least expected intersection over union, least stability, and the logits by which the threshold is moved for that."""
ALIKE = 0.7
"""Intersection over union from which on two masks are one."""
LEAST = 12
"""Fewest pixels of the low-resolution mask that are a region."""
Numbers = NDArray[np.int32]


def divided(decoder: Path, embedding: Embedding, size: tuple[int, int], points: int = POINTS) -> Steps[Numbers]:
    """Return the number (H, W) int32 of each pixel's region, from 1 on, 0 where none was found.

    Parameters
    ----------
    decoder : Path
    embedding : (256, 64, 64) float16
        Of the picture.
    size : (int, int)
        Height and width of the picture.
    points : int
        Points of the grid along the long side.

    Raises
    ------
    WeightsError, StepError
        As `sam_onnx.decode`.
    """
    places = grid(size, points)
    offered: list[tuple[float, Logits]] = []
    for done, (row, column) in enumerate(places):
        yield Progress("find regions", done, len(places))
        found = decode(decoder, embedding, size, Prompt((Click(row, column),)))
        for logits, quality in zip(found.logits, found.qualities, strict=True):
            if quality >= QUALITY and (logits > 0).sum() >= LEAST and stability(logits) >= STABILITY:
                offered.append((float(quality), logits))
    kept = distinct(offered)
    kept.sort(key=lambda logits: -int((logits > 0).sum()))
    numbers = np.zeros(size, np.int32)
    for number, logits in enumerate(kept, 1):
        numbers[enlarged(logits, size) > 0] = number
    return numbers


def grid(size: tuple[int, int], points: int) -> list[tuple[int, int]]:
    """Return the middles (row, column) of square fields that cover a picture, `points` of them along its long side."""
    step = max(1.0, max(size) / points)
    counts = [max(1, round(side / step)) for side in size]
    rows, columns = ((np.arange(count) + 0.5) * side / count for side, count in zip(size, counts, strict=True))
    return [(int(row), int(column)) for row in rows for column in columns]


def stability(logits: Logits) -> float:
    """Return the intersection over union of the masks at two thresholds around 0, in [0, 1]."""
    outer = int((logits > -OFFSET).sum())
    return int((logits > OFFSET).sum()) / outer if outer else 0.0


def distinct(offered: list[tuple[float, Logits]]) -> list[Logits]:
    """Return the best of each group of masks that are alike, best first."""
    kept: list[Logits] = []
    flags = np.zeros((0, 0), np.float32)
    for _, logits in sorted(offered, key=lambda one: -one[0]):
        flat = (logits > 0).ravel().astype(np.float32)
        if len(kept):
            shared = flags @ flat
            union = flags.sum(axis=1) + flat.sum() - shared
            if (shared >= ALIKE * union).any():
                continue
        kept.append(logits)
        flags = flat[None] if len(kept) == 1 else np.concatenate([flags, flat[None]])
    return kept
