"""EDAM's label fusion against the published rule, every case exact."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_wsss.core.maps import ActivationMaps, SaliencyMap
from napari_wsss.refine.constant_background import ConstantBackground
from napari_wsss.refine.saliency_fusion import SaliencyFusion
from tests.evidence import Given
from tests.parity.recipe import Fixture, load_fixture


@pytest.fixture(scope="module")
def fixture() -> Fixture:
    return load_fixture("edam_labels")


@pytest.fixture(scope="module")
def image(fixture: Fixture) -> NDArray[np.uint8]:
    return np.zeros((*fixture.inputs["saliency"].shape, 3), np.uint8)


def classes(fixture: Fixture) -> tuple[int, ...]:
    return tuple(value - 1 for value in fixture.config["class_channels"])


def cam(fixture: Fixture) -> ActivationMaps:
    return ActivationMaps(fixture.inputs["cam"].astype(np.float32), classes(fixture))


def crf(fixture: Fixture) -> ActivationMaps:
    scores = fixture.inputs["crf"].astype(np.float32)
    return ActivationMaps(scores[1:], classes(fixture), scores[0])


def test_every_case_gives_the_published_label(fixture: Fixture, image: NDArray[np.uint8]) -> None:
    saliency = SaliencyMap(np.divide(fixture.inputs["saliency"], 255, dtype=np.float32))
    for case, numbers in fixture.config["cases"].items():
        maps = crf(fixture) if case.startswith("crf") else cam(fixture)

        found = SaliencyFusion(SaliencyFusion.Parameters(*numbers)).refine(image, maps, Given(known_saliency=saliency))

        np.testing.assert_array_equal(found.to_mask(), fixture.outputs[f"label/{case}"], case)


def test_without_saliency_a_constant_background_gives_it(fixture: Fixture, image: NDArray[np.uint8]) -> None:
    for theta in fixture.names("label/no_saliency_theta"):
        found = ConstantBackground(ConstantBackground.Parameters(float(theta))).refine(image, cam(fixture))

        np.testing.assert_array_equal(found.to_mask(), fixture.outputs[f"label/no_saliency_theta{theta}"], theta)
