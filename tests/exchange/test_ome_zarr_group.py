"""The files of a group, put anywhere, are read by zarr."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import zarr

from napari_wsss.exchange.ome_zarr_group import PIXELS, put_array, put_chunk, put_group


def test_zarr_reads_what_was_put(tmp_path: Path) -> None:
    """Chunks at the edges are padded, names of any letters kept."""
    values = np.random.default_rng(0).integers(0, 3, (7, 10)).astype(np.uint8)

    def put(path: str, content: str | bytes) -> None:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content.encode() if isinstance(content, str) else content)

    put_group(put, "ä", [(1, "Käfer", (1, 2, 3)), (2, "b", (4, 5, 6))])
    put_array(put, PIXELS, values.shape, (4, 4))
    for row in range(2):
        for column in range(3):
            part = values[row * 4 : row * 4 + 4, column * 4 : column * 4 + 4]
            put_chunk(put, PIXELS, (row, column), part, (4, 4))
    labels = zarr.open_group(str(tmp_path), mode="r")["labels/classes"]
    np.testing.assert_array_equal(labels["0"][:], values)
    assert labels.attrs["image-label"]["properties"][0] == {"label-value": 1, "class": "Käfer"}
    assert labels.attrs["image-label"]["colors"][1] == {"label-value": 2, "rgba": [4, 5, 6, 255]}
