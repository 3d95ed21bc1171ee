"""Predictions on disk hold what was predicted, also of classes whose names are no file names."""

from pathlib import Path

import numpy as np
from PIL import Image

from napari_wsss.core.classes import ClassList
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.masks import read_mask
from napari_wsss.prediction.written import Wanted, places_of, write_prediction

CLASSES = ClassList(("cat", "../a b", "dog"))
EVERYTHING = Wanted(True, True, True)


def maps() -> ActivationMaps:
    share = np.random.default_rng(0).dirichlet((1, 1, 1), (5, 7)).astype(np.float32)
    return ActivationMaps(np.moveaxis(share, 2, 0)[1:], (1, 2), share[..., 0])


def test_every_form_holds_the_same(tmp_path: Path) -> None:
    found, places = maps(), places_of(tmp_path, "day/x.jpg", "segment", EVERYTHING)
    assert found.background is not None

    write_prediction(places, found, CLASSES)

    np.testing.assert_array_equal(read_mask(places["masks"]), found.to_mask())
    with np.load(places["scores"]) as stored:
        np.testing.assert_allclose(stored["scores"], found.scores, atol=5e-4)
        np.testing.assert_allclose(stored["background"], found.background, atol=5e-4)
        assert (stored["classes"].tolist(), stored["names"].tolist()) == ([1, 2], ["../a b", "dog"])
    pictures = sorted(places["class_pictures"].iterdir())
    assert [path.name for path in pictures] == ["000_background.png", "002_.._a_b.png", "003_dog.png"]
    for path, plane in zip(pictures, (found.background, *found.scores), strict=True):
        np.testing.assert_allclose(np.asarray(Image.open(path)) / 255, plane, atol=1 / 255)


def test_a_localizer_has_maps_and_no_background(tmp_path: Path) -> None:
    places = places_of(tmp_path, "x", "localize", Wanted(False, True, True))
    write_prediction(places, ActivationMaps(maps().scores, (1, 2)), CLASSES)
    assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*")} == {
        "maps/x.npz",
        "class_pictures/x/002_.._a_b.png",
        "class_pictures/x/003_dog.png",
    }
