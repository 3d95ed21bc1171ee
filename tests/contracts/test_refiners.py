"""What holds for every entry of the ``refine`` shelf."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_wsss.core.affinities import Affinities
from napari_wsss.core.errors import StepError
from napari_wsss.core.maps import ActivationMaps, SaliencyMap
from napari_wsss.core.parameters import check, from_dict, to_dict
from napari_wsss.core.progress import finish
from napari_wsss.core.registry import load_method, method_names
from napari_wsss.pixels.resizing import resize
from tests.evidence import Given

KNOWN_INPUTS = {"background", "saliency", "affinity", "features"}

pytestmark = pytest.mark.parametrize("method", method_names("refine"))


@pytest.fixture
def image() -> NDArray[np.uint8]:
    pixels = resize(np.random.default_rng(0).integers(0, 256, (5, 6, 3), dtype=np.uint8), 48, 60)
    pixels.flags.writeable = False  # a step that writes to the image fails
    return pixels


def maps(classes: tuple[int, ...], seed: int = 0) -> ActivationMaps:
    random = np.random.default_rng(seed)
    scores = random.random((len(classes), 48, 60), dtype=np.float32)
    return ActivationMaps(scores, classes, random.random((48, 60), dtype=np.float32))


def evidence() -> Given:
    random = np.random.default_rng(2)
    saliency = SaliencyMap(random.random((48, 60), dtype=np.float32))
    values = random.random((2, 6, 8), dtype=np.float32)
    values[0, :, -1] = values[1, -1] = 0  # their partners lie outside
    affinities = Affinities(values, np.array([[0, 1], [1, 0]], np.intp))
    return Given(random.standard_normal((8, 6, 8), dtype=np.float32), saliency, affinities)


def build(method: str) -> Any:
    cls = load_method("refine", method)
    try:
        return cls()
    except StepError as missing:
        pytest.skip(str(missing))


def test_it_declares_what_it_needs_and_gives(method: str) -> None:
    cls = load_method("refine", method)

    assert cls.title
    assert cls.needs | cls.gives <= KNOWN_INPUTS


@pytest.mark.parametrize("classes", [(), (2,), (0, 1, 5)])
def test_same_classes_and_size_come_out(method: str, classes: tuple[int, ...], image: NDArray[np.uint8]) -> None:
    found = build(method).refine(image, maps(classes), evidence())

    assert found.classes == classes
    assert found.scores.shape == (len(classes), 48, 60)
    assert found.scores.dtype == np.float32
    assert np.isfinite(found.scores).all()
    assert not len(classes) or 0 <= found.scores.min() <= found.scores.max() <= 1


def test_the_background_stays_or_is_given(method: str, image: NDArray[np.uint8]) -> None:
    found = build(method).refine(image, maps((0, 3)), evidence())

    assert found.background is not None
    assert found.background.shape == (48, 60)
    assert found.background.dtype == np.float32
    assert 0 <= found.background.min() <= found.background.max() <= 1


def test_what_it_gives_is_there_afterwards(method: str, image: NDArray[np.uint8]) -> None:
    step = build(method)
    before = maps((0, 3))
    if "background" not in step.needs:
        before = ActivationMaps(before.scores, before.classes)

    found = step.refine(image, before, evidence())

    assert found.background is not None or "background" not in step.gives


def test_nothing_given_is_written_to(method: str, image: NDArray[np.uint8]) -> None:
    before, picture = maps((0, 3)), image.copy()
    scores, background = before.scores.copy(), np.array(before.background)

    build(method).refine(image, before, evidence())

    np.testing.assert_array_equal(image, picture)
    np.testing.assert_array_equal(before.scores, scores)
    np.testing.assert_array_equal(before.background, background)


def test_it_is_deterministic_and_its_steps_give_the_same(method: str, image: NDArray[np.uint8]) -> None:
    step = build(method)

    once, again, stepped = (
        *(step.refine(image, maps((1, 2)), evidence()) for _ in range(2)),
        finish(step.steps(image, maps((1, 2)), evidence())),
    )

    np.testing.assert_array_equal(once.scores, again.scores)
    np.testing.assert_array_equal(once.scores, stepped.scores)


def test_another_size_is_refused(method: str, image: NDArray[np.uint8]) -> None:
    with pytest.raises(StepError, match="Compute the maps anew"):
        build(method).refine(image[:-1], maps((1,)), evidence())


def test_what_it_needs_is_demanded(method: str, image: NDArray[np.uint8]) -> None:
    step = build(method)
    if "background" not in step.needs:
        pytest.skip("needs no background")
    with pytest.raises(StepError, match="background") as caught:
        step.refine(image, ActivationMaps(maps((1,)).scores, (1,)), evidence())

    assert caught.value.missing == ("background",)


def test_parameters_survive_json_types(method: str) -> None:
    parameters = load_method("refine", method).Parameters

    assert from_dict(parameters, to_dict(check(parameters()))) == parameters()
