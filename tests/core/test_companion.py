"""A companion is read only when somebody looks at it."""

from __future__ import annotations

import numpy as np

from napari_wsss.core.companion import Companion


def test_it_is_known_without_being_read() -> None:
    reads = []
    one = Companion("abc", (0, 2), lambda: reads.append(1) or np.zeros((2, 3, 3), np.uint8))  # type: ignore[func-returns-value]

    assert (one.content, one.labels) == ("abc", (0, 2))
    assert not reads
    assert one.read().shape == (2, 3, 3)
