"""The dense CRF against the reference systems' calls of the library, row by row."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.progress import finish
from napari_wsss.refine.dense_crf import (
    PRESETS,
    DenseCrf,
    Kernels,
    mean_field,
    unary_from_labels,
    unary_from_scores,
)
from napari_wsss.refine.power_background import PowerBackground
from tests.parity.recipe import Fixture, load_fixture

pytest.importorskip("pydensecrf.densecrf", reason="the extra `crf` is not installed")

# The same library with the same numbers: equal but for the last bits.
CLOSE = 1e-4


@pytest.fixture(scope="module")
def fixture() -> Fixture:
    return load_fixture("crf")


@pytest.fixture(scope="module")
def maps(fixture: Fixture) -> ActivationMaps:
    scores = fixture.inputs["cam"].astype(np.float32)
    return ActivationMaps(scores, tuple(range(len(scores))))


def inferred(image: NDArray[np.uint8], unary: NDArray[np.float32], kernels: Kernels) -> NDArray[np.float32]:
    return finish(mean_field(image, unary, kernels))


def agrees(fixture: Fixture, row: str, found: NDArray[np.float32]) -> None:
    expected = fixture.outputs[f"Q/{row}"]
    assert found.shape == expected.shape
    assert (found.argmax(0) == expected.argmax(0)).mean() >= 0.99
    assert np.abs(found - expected).max() < CLOSE


@pytest.mark.parametrize(
    ("row", "preset", "alpha"),
    [("psa_seam_sccam_t10_alpha4", "psa", 4.0), ("edam_t3_alpha1", "edam", 1.0)],
)
def test_the_refiners_agree_with_the_published_chains(
    fixture: Fixture, maps: ActivationMaps, row: str, preset: str, alpha: float
) -> None:
    image = fixture.inputs["image"]

    with_background = PowerBackground(PowerBackground.Parameters(alpha)).refine(image, maps)
    found = DenseCrf(DenseCrf.Parameters(preset, scale_with_image=False)).refine(image, with_background)

    agrees(fixture, row, np.concatenate([np.array(found.background)[None], found.scores]))


def test_one_iteration_for_display(fixture: Fixture, maps: ActivationMaps) -> None:
    image = fixture.inputs["image"]
    given = PowerBackground(PowerBackground.Parameters(4.0)).refine(image, maps)
    scores = np.concatenate([np.array(given.background)[None], given.scores])

    found = inferred(image, unary_from_scores(scores), replace(PRESETS["psa"], iterations=1))

    agrees(fixture, "seam_visual_t1_alpha4", found)


@pytest.mark.parametrize(
    ("row", "kernels", "lowest"),
    [
        ("deeplab_t10", PRESETS["deeplab"], 1e-5),
        ("seam_retrain_t1", Kernels(1, 3, 3, 32, 13, 10), 1e-5),
        ("no_pairwise", Kernels(5, 3, 0, 80, 13, 0), 1e-5),
        ("gaussian_only_t5", Kernels(5, 3, 3, 80, 13, 0), 1e-5),
    ],
)
def test_probabilities_as_unary(fixture: Fixture, row: str, kernels: Kernels, lowest: float) -> None:
    unary = unary_from_scores(fixture.inputs["probs"], lowest)

    agrees(fixture, row, inferred(fixture.inputs["image"], unary, kernels))


def test_other_images_than_the_rgb_one(fixture: Fixture) -> None:
    probabilities = fixture.inputs["probs"]
    bgr = fixture.inputs["image"][..., ::-1]

    # The lattice depends on the order of the channels.
    mcis = inferred(bgr, unary_from_scores(probabilities, 1e-4), Kernels(1, 3, 1, 80, 4, 3))
    wrapped = inferred(fixture.outputs["wrapped_image"], unary_from_scores(probabilities), PRESETS["deeplab"])

    agrees(fixture, "mcis_segmentation_t1", mcis)
    agrees(fixture, "deeplab_t10_wrapped_bgr", wrapped)


def test_labels_as_unary(fixture: Fixture) -> None:
    count = fixture.config["num_labels"]
    unary = unary_from_labels(fixture.inputs["labels"], count, 0.7)

    found = inferred(fixture.inputs["image"], unary, PRESETS["irn"])

    agrees(fixture, "irn_label_t10", found)
    np.testing.assert_array_equal(found.argmax(0), fixture.outputs["label/irn_label_t10"])


def test_unaries_are_exact(fixture: Fixture) -> None:
    probabilities = fixture.inputs["probs"]
    soft, hard = fixture.outputs["unary/softmax_of_probs"], fixture.outputs["unary/labels_gt0.7"]

    np.testing.assert_allclose(unary_from_scores(probabilities).reshape(soft.shape), soft, atol=1e-6)
    labels = unary_from_labels(fixture.inputs["labels"], fixture.config["num_labels"], 0.7)
    np.testing.assert_allclose(labels.reshape(hard.shape), hard, atol=1e-6)


def with_power_background(maps: ActivationMaps, alpha: float) -> NDArray[np.float32]:
    return np.concatenate([(1 - maps.scores.max(0, keepdims=True)) ** alpha, maps.scores])


def test_it_is_as_close_to_the_exact_model_as_the_reference(fixture: Fixture, maps: ActivationMaps) -> None:
    labels = unary_from_labels(fixture.inputs["labels"], fixture.config["num_labels"], 0.7)
    ours = {
        "psa_seam_sccam_t10_alpha4": (unary_from_scores(with_power_background(maps, 4)), PRESETS["psa"]),
        "edam_t3_alpha1": (unary_from_scores(with_power_background(maps, 1)), PRESETS["edam"]),
        "deeplab_t10": (unary_from_scores(fixture.inputs["probs"]), PRESETS["deeplab"]),
        "irn_label_t10": (labels, PRESETS["irn"]),
    }
    for row in fixture.names("exact/"):
        found = inferred(fixture.inputs["image"], *ours[row]).argmax(0)

        agreement = (found == fixture.outputs[f"exact/{row}"].argmax(0)).mean()
        assert agreement >= float(fixture.outputs[f"exact_agreement/{row}"]) - 0.01, row
