"""Maps as IRN reads them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from napari_wsss.core.maps import ActivationMaps
from napari_wsss.exchange.writers.maps_irn import quartered
from tests.exports import exported_maps, some_maps


def test_irn_reads_keys_and_high_res(tmp_path) -> None:
    maps = some_maps()
    exported_maps(tmp_path, {"a.jpg": maps, "b.jpg": ActivationMaps.empty(3, 4)}, "maps_irn")
    cams = np.load(tmp_path / "cam/a.npy", allow_pickle=True).item()  # as step/cam_to_ir_label.py does
    np.testing.assert_array_equal(cams["high_res"], maps.scores)
    assert np.pad(cams["keys"] + 1, (1, 0), mode="constant").tolist() == [0, 1, 3]
    assert cams["cam"].shape == (2, 2, 3)
    assert np.load(tmp_path / "cam/b.npy", allow_pickle=True).item()["keys"].size == 0
    assert (tmp_path / "classes.txt").read_text().splitlines()[1] == "cat"


@given(st.integers(1, 40), st.integers(1, 40))
def test_a_quarter_is_counted_as_irn_counts(height: int, width: int) -> None:
    scores = np.full((1, height, width), 0.5, np.float32)
    found = quartered(scores)
    assert found.shape == (1, (height - 1) // 4 + 1, (width - 1) // 4 + 1)
    np.testing.assert_allclose(found, 0.5, atol=1e-6)
