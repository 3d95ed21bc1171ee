"""What is special about SEAM: two views, pixel correlation, where gradients go, and its ablation as parameters."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F

from napari_wsss.core.parameters import from_dict
from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.localize.base import Localizer, LocalizerBatch
from napari_wsss.localize.seam import Seam

EMBEDDING = {"embed_shallow.weight", "embed_deep.weight", "embed.weight"}
EVERYTHING = torch.ones(2, 3, dtype=torch.bool)


def seam(class_count: int = 3, trunk: str = "mobilenet_v2", output_stride: int = 16, **parameters: Any) -> Seam:
    torch.manual_seed(0)
    found = Localizer.build("seam", TrunkChoice(trunk, output_stride, 1 / 16), parameters, class_count=class_count)
    assert isinstance(found, Seam)
    found.trunk.freeze_batch_norm()
    with torch.no_grad():
        found.classifier.weight.mul_(50)  # maps as large as after some training
    return found


def batch(count: int = 2, height: int = 96, width: int = 80) -> LocalizerBatch:
    images = torch.randn(count, 3, height, width, generator=torch.Generator().manual_seed(1))
    labels = torch.zeros(count, 3)
    labels[0, 0] = labels[-1, 1] = 1
    return LocalizerBatch(images, labels)


def reached(network: Seam, *losses: torch.Tensor) -> set[str]:
    """Return the names of the weights with a gradient of the losses, the trunk's as one."""
    network.zero_grad()
    torch.stack(losses).sum().backward()
    names = {name for name, weight in network.named_parameters() if weight.grad is not None and weight.grad.any()}
    return {"trunk" if name.startswith("trunk.") else name for name in names}


@pytest.mark.parametrize("trunk", ["mobilenet_v2", "resnet18", "resnet38", "vgg16"])
def test_gradients_stop_between_correlation_and_trunk(trunk: str) -> None:
    network = seam(trunk=trunk, output_stride=8)

    losses = network.loss(batch())

    assert list(losses) == ["classification", "min_pooling", "equivariance", "cross"]
    assert reached(network, losses["cross"]) == EMBEDDING
    assert reached(network, *(network.loss(batch())[name] for name in ("classification", "equivariance"))) == {
        "trunk",
        "classifier.weight",
    }


def test_the_background_row_is_never_taught() -> None:
    network = seam()

    torch.stack(list(network.loss(batch()).values())).sum().backward()

    gradient = network.classifier.weight.grad
    assert gradient is not None
    assert not gradient[0].any()
    assert gradient[1:].any()


@pytest.mark.parametrize(
    ("parameters", "names"),
    [
        ({"equivariance_weight": 0.0, "correlation": False}, ["classification"]),
        ({"correlation": False}, ["classification", "equivariance"]),
        ({"min_pooling": False}, ["classification", "equivariance", "cross"]),
        ({"equivariance_weight": 0.0}, ["classification", "min_pooling", "cross"]),
    ],
)
def test_terms_can_be_left_out(parameters: dict[str, Any], names: list[str]) -> None:
    network = seam(**parameters)

    losses = network.loss(batch())
    torch.stack(list(losses.values())).sum().backward()

    assert list(losses) == names
    assert all(weight.grad is not None for weight in network.parameters() if weight.requires_grad)


def test_the_ablation_is_made_of_parameters() -> None:
    settings = [from_dict(Seam.Parameters, values) for values in Seam.ablation.values()]

    assert settings[-1] == Seam.Parameters()
    assert len(set(settings)) == 4


def test_terms_are_weighted_and_mined() -> None:
    plain, heavy, all_count = seam(), seam(equivariance_weight=3.0), seam(hard_share=1.0)
    losses, weighted, unmined = (network.eval().loss(batch()) for network in (plain, heavy, all_count))

    assert float(weighted["equivariance"].detach()) == pytest.approx(3 * float(losses["equivariance"].detach()))
    assert losses["cross"] > unmined["cross"] > 0


def test_without_equivariance_and_correlation_it_is_a_plain_classifier() -> None:
    network, given = seam(equivariance_weight=0.0, correlation=False).eval(), batch()

    found = network.loss(given)["classification"]

    torch.testing.assert_close(found, F.multilabel_soft_margin_loss(network.classify(given.images), given.labels))


def test_logits_are_means_of_the_enlarged_maps() -> None:
    network, images = seam().eval(), batch(2, 65, 83).images
    with torch.no_grad():
        maps = network.maps(images, correlated=False).plain
        enlarged = F.interpolate(maps, images.shape[2:], mode="bilinear", align_corners=True)

        torch.testing.assert_close(network.classify(images), enlarged[:, 1:].mean((2, 3)))


def test_absent_classes_change_nothing_but_the_classification() -> None:
    network, given = seam().eval(), batch()
    with torch.no_grad():
        network.classifier.weight.mul_(1000)  # so that the small constants do not count
        before = network.loss(given)
        network.classifier.weight[3].mul_(2)  # labelled nowhere; divided by its maximum it is as it was
        after = network.loss(given)

    assert before["classification"] != after["classification"]
    for name in ("min_pooling", "equivariance", "cross"):
        torch.testing.assert_close(before[name], after[name], atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize(
    "view",
    [
        {"rescale": 1.0, "mirror": True},
        {"rescale": 0.5, "rotation": 20.0},
        {"rescale": 1.0, "shift": 15},
        {"mirror": True, "rotation": 20.0, "shift": 15},
    ],
)
def test_other_second_views(view: dict[str, Any]) -> None:
    network = seam(**view)

    losses = network.loss(batch())
    torch.stack(list(losses.values())).sum().backward()

    assert all(torch.isfinite(loss) for loss in losses.values())
    assert all(torch.isfinite(w.grad).all() for w in network.parameters() if w.grad is not None)


def test_the_same_view_twice_agrees() -> None:
    losses = seam(rescale=1.0).eval().loss(batch())

    assert losses["equivariance"] == 0
    assert losses["cross"] > 0


def test_an_unlabelled_image_and_a_small_one_are_fine() -> None:
    given = LocalizerBatch(batch().images[:, :, :33, :40], torch.zeros(2, 3))

    assert all(torch.isfinite(loss) for loss in seam().loss(given).values())


@pytest.mark.parametrize(("chosen", "stride"), [(0, 16), (8, 8)])
def test_the_correlation_has_a_grid_of_its_own(chosen: int, stride: int) -> None:
    network = seam(correlation_stride=chosen).eval()
    images = batch(2, 65, 83).images
    with torch.no_grad():
        maps, features = network.localize(images, EVERYTHING), network.embedding(images)

    assert network.stride == stride
    assert maps.shape == (2, 3, -(-65 // stride), -(-83 // stride))
    assert features.shape == (2, network.embed.out_channels, *maps.shape[2:])


@pytest.mark.parametrize("chosen", [0, 8])
def test_plain_maps_of_the_same_network(chosen: int) -> None:
    network = seam(correlation_stride=chosen, use_correlation=False).eval()
    images = batch(2, 65, 83).images
    with torch.no_grad():
        found = network.localize(images, EVERYTHING)
        plain = network.maps(images, correlated=False).plain[:, 1:].relu()

    assert found.shape[2:] == (-(-65 // network.stride), -(-83 // network.stride))
    torch.testing.assert_close(found, F.interpolate(plain, found.shape[2:], mode="bilinear", align_corners=True))


def test_labels_are_not_used_inside_the_correlation() -> None:
    network, images = seam().eval(), batch().images
    with torch.no_grad():
        some = network.localize(images, torch.tensor([[True, False, False]] * 2))
        everything = network.localize(images, EVERYTHING)

    torch.testing.assert_close(some[:, 0], everything[:, 0])
    assert not some[:, 1:].any()


def test_refiners_see_the_trunks_features() -> None:
    network = seam().eval()
    taps = [network.trunk.taps[tap] for tap in network.trunk.detail_taps]
    with torch.no_grad():
        found = network.pixel_features(batch().images)

    assert found.shape[1] == sum(taps)


def test_losses_in_half_precision_are_close() -> None:
    network, given = seam().eval(), batch()
    with torch.no_grad():
        exact = network.loss(given)
        with torch.autocast("cpu", torch.bfloat16):
            rounded = network.loss(given)

    assert {loss.dtype for loss in rounded.values()} == {torch.float32}
    assert float(rounded["classification"]) == pytest.approx(float(exact["classification"]), rel=0.02)
    assert float(rounded["cross"]) == pytest.approx(float(exact["cross"]), rel=0.2)


def test_more_correlations_reach_further() -> None:
    once, twice = (seam(correlations=count).eval() for count in (1, 2))
    images = batch(1).images
    with torch.no_grad():
        first, second = (network.localize(images, EVERYTHING[:1]) for network in (once, twice))

    assert second.amax((2, 3)).sub(second.amin((2, 3))).sum() < first.amax((2, 3)).sub(first.amin((2, 3))).sum()
