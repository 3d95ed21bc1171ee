"""A checkpoint on pictures: what its shelf says, with labels and without; networks of other shelves are refused."""

from pathlib import Path

import numpy as np
import pytest

from napari_wsss.affinity.base import AffinityModel
from napari_wsss.core.errors import ParameterError, WeightsError
from napari_wsss.core.inference import Inference
from napari_wsss.localize.base import infer_maps
from napari_wsss.prediction.checkpoint import Checkpoint
from tests.prediction.networks import CLASSES, SMALL, build, picture, saved

EXACT = {"precision": "float32"}


def test_a_segmenter_shares_all_probability_among_what_may_be_there(tmp_path: Path) -> None:
    found = Checkpoint.open(saved(tmp_path, build("deeplab_v3")), "cpu", 1, EXACT)

    everything, some = found.predict(picture(), None), found.predict(picture(), (2,))

    assert (everything.classes, some.classes, found.classes) == ((0, 1, 2), (2,), CLASSES)
    for maps in (everything, some):
        assert maps.background is not None
        np.testing.assert_allclose(maps.scores.sum(0) + maps.background, 1, atol=1e-5)
    assert (some.scores[0] > everything.scores[2]).all()


def test_a_localizer_gives_the_maps_of_its_shelf(tmp_path: Path) -> None:
    network = build("cam", "localize")
    path = saved(tmp_path, network)
    options = {**EXACT, "scales": [0.5, 1.0], "flip": False}

    found = Checkpoint.open(path, "cpu", 1, options).predict(picture(), (0, 2))

    wanted = infer_maps(network, picture(), (0, 2), Inference(scales=(0.5, 1.0), flip=False, precision="float32"))
    np.testing.assert_array_equal(found.scores, wanted.scores)


def test_without_labels_a_localizer_names_the_classes_itself(tmp_path: Path) -> None:
    path = saved(tmp_path, build("cam", "localize"))
    assert Checkpoint.open(path, "cpu", 1, {**EXACT, "presence": 0.0}).predict(picture(), None).classes == (0, 1, 2)
    assert Checkpoint.open(path, "cpu", 1, {**EXACT, "presence": 1.0}).predict(picture(), None).classes == ()


def test_options_of_the_other_kind_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="preset"):
        Checkpoint.open(saved(tmp_path, build("deeplab_v3")), "cpu", 1, {"preset": "single"})


def test_a_network_of_another_shelf_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    AffinityModel.build("affinity_net", SMALL).save(path, None, {})
    with pytest.raises(WeightsError, match="'affinity'"):
        Checkpoint.open(path, "cpu", 1, {})
