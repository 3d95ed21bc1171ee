"""Files written by MXNet itself, and the names PSA's converter gives their arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_wsss.networks.trunk import build_trunk
from napari_wsss.weights.published import published
from napari_wsss.weights.read import read
from tests.parity.recipe import Fixture, load_fixture


@pytest.fixture(scope="module")
def fixture() -> Fixture:
    return load_fixture("mxnet_params")


@pytest.mark.parametrize("name", ["arg_prefix", "plain", "legacy"])
def test_every_array_is_read_exactly(fixture: Fixture, name: str, tmp_path: Path) -> None:
    path = tmp_path / "a.params"
    path.write_bytes(fixture.arrays[f"file/{name}"].tobytes())
    state, _ = read(path)

    names = [each.partition(":")[2] or each for each in fixture.meta[f"names_{name}"]]
    assert list(state) == names
    for key, array in state.items():
        expected = fixture.arrays[f"expected/{key}"]
        assert str(array.numpy().dtype) == fixture.meta[f"dtypes_{name}"].get(f"arg:{key}", "float32")
        np.testing.assert_array_equal(array.numpy(), expected)


def test_our_names_agree_with_those_of_the_converter(fixture: Fixture) -> None:
    imagenet, converted = published("resnet38_imagenet"), published("resnet38_converted")
    ours = set(build_trunk("resnet38", width=1 / 16).state_dict())

    for theirs, psa in fixture.meta["name_map"].items():
        if psa is None:
            assert imagenet.is_head(theirs)
        else:
            assert imagenet.renamed(theirs) == converted.renamed(psa)
            assert imagenet.renamed(theirs) in ours
            np.testing.assert_array_equal(fixture.arrays[f"expected/{theirs}"], fixture.arrays[f"converted/{psa}"])
