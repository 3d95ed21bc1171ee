"""Running a network densely over an image of any size: tiles with overlap, and modes put back afterwards."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from napari_wsss.networks.tiles import GRID, Span, spans, tile_size


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Put every part of `module` into evaluation mode; each gets its own mode back, also after an error."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training


def run_tiled(
    run: Callable[[slice, slice], Tensor], height: int, width: int, *, stride: int, pixel_budget: int, overlap: int
) -> Tensor:
    """Return `run` over a whole image, tile by tile where it exceeds `pixel_budget`.

    Parameters
    ----------
    run : callable
        Maps rows and columns of the image to (C, ceil(h/stride), ceil(w/stride)).
    height, width : int
        Of the image, in pixels.
    stride : int
        Input pixels per cell of the result; divides 32.
    pixel_budget, overlap : int
        As in `tile_size` and `spans`.

    Returns
    -------
    Tensor
        (C, ceil(H/stride), ceil(W/stride)).

    Raises
    ------
    ValueError
        When `stride` does not divide 32.
    """

    def alone(rows: slice, columns: slice) -> list[Tensor]:
        return [run(rows, columns)]

    return run_tiled_each(alone, height, width, (stride,), pixel_budget=pixel_budget, overlap=overlap)[0]


def run_tiled_each(
    run: Callable[[slice, slice], Sequence[Tensor]],
    height: int,
    width: int,
    strides: Sequence[int],
    *,
    pixel_budget: int,
    overlap: int,
) -> list[Tensor]:
    """Do what `run_tiled` does for several results (C,ceil(h/stride),ceil(w/stride)) of one `run`, each of a stride."""
    for stride in strides:
        if GRID % stride:
            raise ValueError(f"A stride of {stride} does not divide {GRID}, so tiles would not join.")
    tall, wide = tile_size(height, width, pixel_budget, overlap)
    rows, columns = spans(height, tall, overlap), spans(width, wide, overlap)

    def kept(row: Span, column: Span) -> list[Tensor]:
        parts = run(slice(row.start, row.stop), slice(column.start, column.stop))
        return [part[:, row.cells(stride), column.cells(stride)] for part, stride in zip(parts, strides, strict=True)]

    whole = [[kept(row, column) for column in columns] for row in rows]
    return [
        torch.cat([torch.cat([tile[at] for tile in row], dim=2) for row in whole], dim=1) for at in range(len(strides))
    ]


def as_batch(planes: Sequence[Any], device: torch.device) -> Tensor:
    """Return normalised images (arrays (3,H,W) float32) as a batch (B,3,H,W) on `device`, channels last."""
    batch = torch.stack([torch.from_numpy(image) for image in planes])
    return batch.to(device, memory_format=torch.channels_last)
