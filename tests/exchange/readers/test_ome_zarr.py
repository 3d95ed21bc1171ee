"""Labels of OME-Zarr pictures, written after its specification."""

import json

import numpy as np
import pytest

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import ProjectError
from napari_wsss.exchange.annotations.painting import Rules, painted

VALUES = np.array([[0, 1, 1, 2], [2, 2, 0, 0]], np.uint8)


PROPERTIES = [{"label-value": 1, "class": "dog"}, {"label-value": 2, "class": "cat"}]


@pytest.fixture(params=[2, 3], ids=["0.4", "0.5"])
def store(tmp_path, request):
    """Write labels as versions 0.4 (Zarr 2) and 0.5 (Zarr 3, everything below *ome*) of the specification have them."""
    zarr = pytest.importorskip("zarr", reason="the extra `formats` brings zarr")
    root = zarr.open_group(str(tmp_path / "x.ome.zarr"), mode="w", zarr_format=request.param)
    labels = root.create_group("labels/organs")
    labels.create_array("0", data=VALUES[None, None], chunks=(1, 1, 1, 4))
    levels = [{"axes": [{"name": name} for name in "tcyx"], "datasets": [{"path": "0"}]}]
    facts = {"multiscales": levels, "image-label": {"properties": PROPERTIES}}
    labels.attrs.update(facts if request.param == 2 else {"ome": {"version": "0.5", **facts}})
    return tmp_path


def test_values_mean_what_their_properties_name(store, read):
    (one,), reading = read("ome_zarr", store)
    assert one.names == ("x",)
    assert reading.unreadable == []
    assert painted(one, (2, 4), Rules(ClassList(["cat", "dog"]))).tolist() == [[0, 2, 2, 1], [1, 1, 0, 0]]


def test_a_damaged_store_is_a_sentence(store, read):
    for path in (store / "x.ome.zarr" / "labels" / "organs").rglob("*"):
        if path.is_file() and path.name not in ("zarr.json", ".zattrs", ".zgroup", ".zarray"):
            path.write_bytes(b"garbage")
    found, _ = read("ome_zarr", store)
    with pytest.raises(ProjectError, match="cannot be read"):
        found[0].picture.read()


def test_a_packing_that_runs_code_is_not_unpacked(store, read):
    """Zarr's own pickle codec would do whatever the file says."""
    array = store / "x.ome.zarr" / "labels" / "organs" / "0"
    old = (array / ".zarray").is_file()
    facts = array / (".zarray" if old else "zarr.json")
    record = json.loads(facts.read_text())
    record |= {"filters": [{"id": "pickle"}]} if old else {"codecs": [{"name": "numcodecs.pickle"}]}
    facts.write_text(json.dumps(record))
    found, _ = read("ome_zarr", store)
    with pytest.raises(ProjectError, match="packed by pickle"):
        found[0].picture.read()
