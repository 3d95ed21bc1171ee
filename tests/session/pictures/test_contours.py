from __future__ import annotations

import numpy as np

from napari_wsss.session.pictures.contours import with_contour


def test_the_line_goes_round_the_map_and_nothing_else_changes() -> None:
    picture = np.full((20, 30, 3), 100, np.uint8)
    scores = np.zeros((40, 60), np.float32)
    scores[10:30, :30] = 1  # up to the left edge
    colour = np.array([200, 40, 0], np.uint8)
    drawn = with_contour(picture, scores, colour)

    line, dark = (drawn == colour).all(2), (drawn == colour // 4).all(2)
    changed = (drawn != picture).any(2)
    assert (changed == (line | dark)).all()
    assert line.any()
    assert dark.any()
    assert not changed[7:13, :12].any()  # the inside, also at the edge of the picture
    assert not changed[:, 20:].any()
    assert (picture == 100).all()
    assert not (with_contour(picture, np.zeros((4, 4), np.float32), colour) != picture).any()
