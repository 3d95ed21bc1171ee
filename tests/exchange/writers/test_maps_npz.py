"""Maps in archives that need no pickle."""

import numpy as np

from tests.exports import exported_maps, some_maps


def test_scores_classes_and_names(tmp_path) -> None:
    maps = some_maps()
    exported_maps(tmp_path, {"day 1/a.jpg": maps}, "maps_npz")
    with np.load(tmp_path / "maps/day 1/a.npz", allow_pickle=False) as found:
        np.testing.assert_array_equal(found["scores"], maps.scores)
        assert found["classes"].tolist() == [0, 2]
        assert found["names"].tolist() == ["cat", "wild boar"]
        np.testing.assert_array_equal(found["background"], maps.background)
