"""Maps in NumPy files as IRN, SEAM and we write them."""

import numpy as np
import pytest

from napari_wsss.core.errors import ProjectError
from napari_wsss.exchange.readers.map_arrays import maps_in

MAPS = np.random.default_rng(0).random((2, 4, 5), np.float32)
FILES = {
    "irn.npy": {"keys": np.array([1, 3]), "cam": MAPS[:, ::2, ::2], "high_res": MAPS},
    "seam.npy": {1: MAPS[0], 3: MAPS[1]},
    "ours.npz": {"scores": MAPS, "classes": np.array([1, 3]), "background": MAPS[0]},
    "named.npz": {"scores": MAPS, "classes": np.array([1, 3]), "names": np.array(["dog", "cat"])},
}


@pytest.mark.parametrize("name", FILES)
def test_what_others_write(tmp_path, read, name):
    (np.savez if name.endswith("z") else np.save)(
        tmp_path / name, **({"arr": FILES[name]} if name.endswith("y") else FILES[name])
    )
    (one,), _ = read("map_arrays", tmp_path)
    found = one.maps()
    np.testing.assert_array_equal(found.scores, MAPS)
    assert found.classes == (("dog", "cat") if name == "named.npz" else (1, 3))
    assert one.names == (name.split(".")[0],)


def test_a_plain_array_and_what_is_none(tmp_path):
    np.save(tmp_path / "a.npy", MAPS)
    assert maps_in(tmp_path / "a.npy").classes is None
    for content in ({"x": 1}, {1: MAPS[0], 2: MAPS[0, 1:]}, np.zeros(3), {}):
        np.save(tmp_path / "b.npy", content)
        with pytest.raises(ProjectError, match=r"b\.npy"):
            maps_in(tmp_path / "b.npy")
    (tmp_path / "c.npz").write_bytes(b"PK")
    with pytest.raises(ProjectError, match=r"c\.npz"):
        maps_in(tmp_path / "c.npz")
