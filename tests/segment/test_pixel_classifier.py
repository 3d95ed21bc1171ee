from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import StepError
from napari_wsss.core.inference import SegmentInference
from napari_wsss.core.trunk_choice import TRUNKS, TrunkChoice
from napari_wsss.pixels.resizing import resize
from napari_wsss.segment.base import Segmenter, predict
from napari_wsss.segment.pixel_classifier import PixelClassifier

EXACT = SegmentInference(precision="float32")


def build(trunk: str = "mobilenet_v2", **parameters: object) -> PixelClassifier:
    torch.manual_seed(0)
    network = Segmenter.build("pixel_classifier", TrunkChoice(trunk, width=1 / 16), parameters, class_count=3)
    assert isinstance(network, PixelClassifier)
    return network


def picture(height: int = 70, width: int = 93) -> np.ndarray:
    return resize(np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8), height, width)


@pytest.mark.parametrize("trunk", TRUNKS)
def test_any_trunk_gives_features_of_which_the_answer_is_that_of_predict(trunk: str) -> None:
    classifier, image = build(trunk), picture(65, 97)

    features = classifier.describe(image, EXACT)

    assert features.channels == sum(classifier.trunk.taps[tap] for tap in classifier.taps)
    assert classifier.rows(features).shape == (features.grid[0] * features.grid[1], features.channels)
    classifier.head.standardise(classifier.rows(features))  # features of random weights may be huge
    found = classifier.answer(features, (0, 1, 2))
    np.testing.assert_allclose(found, predict(classifier, image, EXACT), atol=0.03)  # 8 bits


def test_the_answer_is_over_background_and_the_given_classes() -> None:
    classifier = build()
    features = classifier.describe(picture(), EXACT)
    every = classifier.answer(features, (0, 1, 2))

    found = classifier.answer(features, (1,))

    assert found.shape == (2, 70, 93)
    np.testing.assert_allclose(found, every[[0, 2]] / every[[0, 2]].sum(0), atol=1e-5)


def test_tiles_join_to_the_grid_of_the_whole_picture() -> None:
    classifier, image = build(), picture(200, 230)

    whole = classifier.describe(image, EXACT)
    tiled = classifier.describe(image, SegmentInference(pixel_budget=20_000, tile_overlap=32, precision="float32"))

    assert [plane.shape for plane in tiled.planes] == [plane.shape for plane in whole.planes]


def test_enlargement_makes_the_grid_finer_and_is_saved(tmp_path: Path) -> None:
    plain, classifier = build(), build()
    classifier.enlarge(2.0)
    classifier.save(tmp_path / "x.safetensors", ClassList("abc"), {})

    again, _, _ = Segmenter.restore(tmp_path / "x.safetensors")

    assert again.enlargement == 2.0
    assert again.describe(picture(), EXACT).grid == tuple(-(-2 * side // 8) for side in picture().shape[:2])
    assert plain.describe(picture(), EXACT).grid == tuple(-(-side // 8) for side in picture().shape[:2])


def test_a_share_of_maps_is_saved_and_states_without_one_have_none(tmp_path: Path) -> None:
    classifier, other = build(), build()
    classifier.map_share.fill_(0.25)
    classifier.save(tmp_path / "x.safetensors", ClassList("abc"), {})
    again, _, _ = Segmenter.restore(tmp_path / "x.safetensors")
    assert float(again.map_share) == 0.25

    older = {name: value for name, value in classifier.state_dict().items() if name != "map_share"}
    other.load_state_dict(older)

    assert float(other.map_share) == 0
    assert "map_share" not in older


def test_what_features_depend_on_is_the_trunk_not_the_head() -> None:
    one, other, finer = build(), build(), build(enlargement=2.0)
    with torch.no_grad():
        next(other.head.parameters()).add_(1)
    assert one.features_provenance() == other.features_provenance()
    assert one.features_provenance().key != finer.features_provenance().key
    assert one.features_provenance().key != build(taps=[16]).features_provenance().key

    with torch.no_grad():
        next(other.trunk.parameters()).add_(1)
    assert one.features_provenance().key != other.features_provenance().key


def test_a_class_nobody_has_shown_gets_nothing_unless_it_is_a_label() -> None:
    classifier = build()
    classifier.known[2] = False

    assert predict(classifier, picture(), EXACT)[2].max() == 0
    found = classifier.answer(classifier.describe(picture(), EXACT), (1,))
    assert found[1].max() > 0
    assert not classifier.was_shown(1)
    assert classifier.was_shown(0)


def test_other_classes_than_an_images_own_are_neither_right_nor_wrong() -> None:
    classifier = build(dropout=0.0)
    rows, targets = torch.randn(8, classifier.rows(classifier.describe(picture(), EXACT)).shape[1]), torch.zeros(8, 4)
    targets[:, 1] = 1
    allowed = torch.tensor([True, True, False, False]).expand(8, -1)

    classifier.cell_loss(rows, targets, allowed, torch.ones(8))["cells"].backward()

    last = [one for one in classifier.head.modules() if isinstance(one, torch.nn.Linear)][-1]
    assert last.weight.grad[:2].abs().max() > 0
    assert last.weight.grad[2:].abs().max() == 0


def test_the_trunk_never_learns() -> None:
    classifier = build().train()

    assert not list(classifier.trunk_parameters())
    assert not any(m.training for m in classifier.trunk.modules() if isinstance(m, torch.nn.BatchNorm2d))


def test_a_snapshot_learns_no_more_and_shares_the_trunk() -> None:
    classifier = build()
    before = classifier.snapshot()
    with torch.no_grad():
        for weight in classifier.head.parameters():
            weight += 1
    classifier.map_share.fill_(0.5)
    assert before.trunk is classifier.trunk
    assert float(before.map_share) == 0
    pairs = zip(before.head.parameters(), classifier.head.parameters(), strict=True)
    assert all(not torch.equal(one, other) for one, other in pairs)


def test_a_stride_the_trunk_does_not_have_is_said() -> None:
    with pytest.raises(StepError, match="no features at stride 64; choose among stride2"):
        build(taps=[64])


def test_labels_may_name_a_class_nobody_has_shown() -> None:
    network, images = build().eval(), torch.randn(1, 3, 64, 80)
    network.known[2] = False
    with torch.no_grad():
        free = network.segment(images)
        named = network.segment_among(images, torch.tensor([[False, True, False]]))
    assert network.known_classes.tolist() == [True, False, True]
    assert free[:, 2].max() == 0
    assert named[:, 2].min() > 0
    torch.testing.assert_close(named[:, [0, 2]].sum(1), torch.ones(1, 64, 80))
