from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_wsss.core.registry import method_names
from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.localize.base import Localizer
from training.clusters.prototypes import (
    Samples,
    Selection,
    centres_of,
    drawn_features,
    judged,
    seeing_only,
    shares_of,
)

CHANNELS = 6
PARTS = 5 * np.eye(CHANNELS, dtype=np.float32)


def cloud(*axes: int, count: int = 40) -> np.ndarray:
    """Return features around the directions of some parts, each at different lengths."""
    rng = np.random.default_rng(0)
    each = [PARTS[axis] * rng.uniform(0.5, 2, (count, 1)) + rng.normal(0, 0.05, (count, CHANNELS)) for axis in axes]
    return np.concatenate(each).astype(np.float32)


def judge(centres: np.ndarray) -> np.ndarray:
    """Say that parts 0, 1 and 2 are class 0 and all others class 1."""
    first = (centres.argmax(1) < 3).astype(np.float32)
    return np.stack([0.02 + 0.96 * first, 0.98 - 0.96 * first], 1) if len(centres) else np.zeros((0, 2), np.float32)


def select(judge: Callable[[np.ndarray], np.ndarray] = judge, **changes: float) -> Selection:
    given = {"cluster_count": 4, "class_score": 0.9, "context_score": 0.9, "context_floor": 0.0, "seed": 0, **changes}
    return Selection(**given, judge=judge)  # type: ignore[arg-type]


def directions(rows: np.ndarray) -> set[int]:
    return {int(row.argmax()) for row in rows}


def test_clusters_are_the_parts_whatever_their_lengths() -> None:
    centres = centres_of(cloud(0, 1, 2, 5), 4, seed=0)

    assert directions(centres) == {0, 1, 2, 5}
    np.testing.assert_allclose(np.sort(centres.max(1)), 5 * 1.25, rtol=0.15)


def test_parts_of_the_class_become_prototypes_and_the_rest_context() -> None:
    found = select()(0, cloud(0, 1, 2, 3), cloud(0, 4, 5))

    assert directions(found.prototypes) == {0, 1, 2}
    assert directions(found.context) == {4, 5}
    assert found.features == (160, 120)
    assert found.clusters == (4, 4)
    assert not found.notes


def test_the_nearest_to_passing_is_taken_where_none_passes() -> None:
    none = select()(0, cloud(3, 4), cloud(0, 1))

    assert len(none.prototypes) == len(none.context) == 1
    assert len(none.notes) == 2
    nothing = select()(0, np.zeros((0, CHANNELS), np.float32), np.zeros((0, CHANNELS), np.float32))
    assert nothing.prototypes.shape == nothing.context.shape == (0, CHANNELS)
    assert "no features" in nothing.notes[0]


def test_context_has_something_of_the_class_where_a_floor_is_set() -> None:
    sure = {1: 0.5, 4: 0.04, 5: 0.02}

    def of_parts(centres: np.ndarray) -> np.ndarray:
        first = np.array([sure.get(int(row.argmax()), 0.98) for row in centres], np.float32)
        return np.stack([first, 1 - first], 1)

    inside, outside = cloud(0), cloud(1, 4, 5)
    assert directions(select(of_parts, context_floor=0.0)(0, inside, outside).context) == {1, 4, 5}
    assert directions(select(of_parts, context_floor=0.05)(0, inside, outside).context) == {1}
    nearest = select(of_parts, context_floor=0.05)(0, inside, cloud(4, 5))
    assert directions(nearest.context) == {4}
    assert len(nearest.notes) == 1


@pytest.mark.parametrize("count", [1, 7, 59, 60, 61, 100, 2000])
def test_a_class_gets_less_than_twice_what_is_wanted_however_many_images_it_has(count: int) -> None:
    wanted = 60
    shares = shares_of([(0, 1), *[(1,)] * (count - 1)], wanted, seed=3)
    given = [share[1] for share in shares if 1 in share]
    assert wanted <= sum(given) < 2 * wanted
    assert len(given) == min(count, wanted)
    assert len(set(given)) == 1
    assert shares[0][0] == wanted
    assert shares == shares_of([(0, 1), *[(1,)] * (count - 1)], wanted, seed=3)


def test_fewer_features_than_clusters_are_enough() -> None:
    assert len(select()(0, PARTS[:2], PARTS[4:5]).prototypes) == 2


def test_positions_are_drawn_on_either_side_of_the_map() -> None:
    features = np.arange(12, dtype=np.float32).reshape(1, 3, 4)
    maps = {2: (features[0] >= 8).astype(np.float32), 5: np.zeros((3, 4), np.float32)}

    drawn = drawn_features(features, maps, 0.5, {2: 3, 5: 3}, np.random.default_rng(0))

    assert set(drawn) == {("inside", 2), ("outside", 2)}
    assert drawn["inside", 2].shape == drawn["outside", 2].shape == (3, 1)
    assert drawn["inside", 2].min() >= 8 > drawn["outside", 2].max()


def test_samples_come_back_class_by_class(tmp_path: Path) -> None:
    samples = Samples(tmp_path / "features")
    assert not samples.has(0)
    samples.keep(0, {("inside", 0): PARTS[:2], ("inside", 1): PARTS[3:]})
    samples.keep(1, {("inside", 0): np.full((1, CHANNELS), 1e6, np.float32)})

    assert samples.has(0)
    found = samples.of("inside", 0, (0, 1), CHANNELS)
    np.testing.assert_array_equal(found[:2], PARTS[:2])
    assert np.isfinite(found).all()
    assert samples.of("outside", 0, (0, 1), CHANNELS).shape == (0, CHANNELS)


def test_a_linear_classifier_judges_by_its_weights() -> None:
    for method, first in (("cam", 0), ("sub_category", 0), ("seam", 1)):
        torch.manual_seed(0)
        base = Localizer.build(method, TrunkChoice("resnet18", width=1 / 16), class_count=3).eval()
        centres = torch.rand(4, base.trunk.channels)

        expected = (centres @ base.classifier.weight[first:, :, 0, 0].T).softmax(1)

        np.testing.assert_allclose(judged(base, centres.numpy()), expected.detach(), rtol=1e-4)


@pytest.mark.parametrize("method", method_names("localize"))
@pytest.mark.parametrize("class_count", [1, 3])
def test_every_localizer_judges_features(method: str, class_count: int) -> None:
    base = Localizer.build(method, TrunkChoice("resnet18", width=1 / 16), class_count=class_count)
    trunk = base.trunk

    found = judged(base, np.random.default_rng(0).random((2, trunk.channels), dtype=np.float32))

    assert found.shape == (2, class_count)
    assert ((found >= 0) & (found <= 1)).all()
    assert base.trunk is trunk
    assert judged(base, np.zeros((0, trunk.channels), np.float32)).shape == (0, class_count)


def test_the_trunk_comes_back_after_an_error() -> None:
    base = Localizer.build("cam", TrunkChoice("resnet18", width=1 / 16), class_count=2)
    trunk = base.trunk
    with pytest.raises(RuntimeError), seeing_only(base, torch.zeros(trunk.channels)):
        raise RuntimeError

    assert base.trunk is trunk
    assert any(name.startswith("trunk.") for name in base.state_dict())
