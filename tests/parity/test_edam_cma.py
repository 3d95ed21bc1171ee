"""EDAM's heads on given features against the reference: masks, logits, loss and gradients."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from napari_wsss.core.parameters import from_dict
from napari_wsss.localize.base import LocalizerBatch
from napari_wsss.localize.edam import Edam
from napari_wsss.networks.trunk import LAST, Trunk
from napari_wsss.weights.fit import fit
from napari_wsss.weights.published import published
from tests.parity.recipe import Fixture, load_fixture, relative_error, uniform

# Published names of the weights whose gradients are compared -> ours; LISTS hold one row per class.
LISTS = {
    "attention.linear_layers.0.weight": "cross_image.transformers.query.weight",
    "attention.output_linear.weight": "cross_image.transformers.joined.weight",
    "feed_forward.w_1.weight": "cross_image.transformers.widened.weight",
    "input_sublayer.norm.a_2": "cross_image.transformers.attention_norm.scale",
}
PLAIN = {
    "mask_layer.weight": "mask_layer.weight",
    "d_d.weight": "reduction.weight",
    "embedding.segment.weight": "cross_image.segment",
}


class Given(Trunk):
    """A trunk whose features are the images themselves."""

    stage_taps = (LAST,)

    def __init__(self, channels: int) -> None:
        super().__init__("given", 8, 1.0)
        self.taps = {LAST: channels}

    def stages(self) -> Sequence[Sequence[nn.Module]]:
        return ((),)


@pytest.fixture(scope="module")
def fixture() -> Fixture:
    return load_fixture("edam_cma")


@pytest.fixture(scope="module")
def features(fixture: Fixture) -> Tensor:
    size = (len(fixture.config["positives"]), channels(fixture), *fixture.config["grid"])
    noise = uniform(f"{fixture.meta['salt']}:{fixture.config['feature_noise_key']}", int(np.prod(size)))
    return torch.from_numpy((np.sqrt(12.0) * noise).astype(np.float32).reshape(size)).requires_grad_()


@pytest.fixture(scope="module")
def network(fixture: Fixture, features: Tensor) -> Edam:
    """Return the network in evaluation mode, with the gradients of the loss."""
    parameters = from_dict(Edam.Parameters, Edam.presets["paper"]["parameters"])
    found = Edam(fixture.config["num_classes"], Given(channels(fixture)), parameters).eval()
    fit(found, fixture.tensors(), published("edam_resnet38"))
    found.loss(LocalizerBatch(features, labels(fixture)))["classification"].backward()
    return found


def channels(fixture: Fixture) -> int:
    return int(fixture.state["mask_layer.weight"].shape[1])


def labels(fixture: Fixture) -> Tensor:
    found = torch.zeros(len(fixture.config["positives"]), fixture.config["num_classes"])
    for image, positives in enumerate(fixture.config["positives"]):
        found[image, positives] = 1
    return found


def test_masks_reduced_features_and_logits(fixture: Fixture, network: Edam, features: Tensor) -> None:
    with torch.no_grad():
        masks, reduced = network.masks(features), network.reduction(features)
        logits = network.group_logits(features, torch.arange(network.class_count))

    outputs, slots = fixture.outputs, fixture.config["label_idx"]
    assert relative_error(masks.roll(-1, 1).numpy(), outputs["da_masks"]) < 1e-5
    assert relative_error(reduced[:, ::8].numpy(), outputs["reduced_slice"]) < 1e-5
    assert relative_error(logits[:, slots].flatten().numpy(), outputs["logits"]) < 1e-4
    np.testing.assert_array_equal(labels(fixture)[:, slots].flatten().numpy(), outputs["target"])


def test_the_loss(fixture: Fixture, network: Edam, features: Tensor) -> None:
    with torch.no_grad():
        loss = network.loss(LocalizerBatch(features, labels(fixture)))["classification"]

    assert float(loss) == pytest.approx(float(fixture.outputs["loss"]), rel=1e-4)


def test_a_subset_of_the_classes_has_the_same_logits(fixture: Fixture, network: Edam, features: Tensor) -> None:
    present = sorted({k for positives in fixture.config["positives"] for k in positives})
    slots = [fixture.config["label_idx"].index(k) for k in present]
    expected = fixture.outputs["logits"].reshape(len(features), -1)[:, slots]
    with torch.no_grad():
        found = network.group_logits(features, torch.tensor(present))

    assert relative_error(found.numpy(), expected) < 1e-4


def test_gradient_norms(fixture: Fixture, network: Edam, features: Tensor) -> None:
    for name in fixture.names("gradnorm/"):
        norm = float(np.linalg.norm(gradient(network, features, name).astype(np.float64)))
        assert norm == pytest.approx(float(fixture.outputs[f"gradnorm/{name}"]), rel=3e-3), name


def test_gradient_slices(fixture: Fixture, network: Edam, features: Tensor) -> None:
    for name in fixture.names("grad_slice/"):
        expected = fixture.outputs[f"grad_slice/{name}"]
        found = gradient(network, features, name)[:, : expected.shape[1]]
        assert relative_error(found, expected) < 2e-3, name


def gradient(network: Edam, features: Tensor, name: str) -> NDArray[np.float32]:
    """Return the gradient of a weight by its published name, in the published order of channels."""
    if name == "features":
        assert features.grad is not None
        return features.grad.numpy()
    listed, _, rest = name.partition(".")
    number, _, rest = rest.partition(".")
    ours = PLAIN.get(name) or LISTS.get(rest.removeprefix("0."), "cross_image.classifier")
    found = network.get_parameter(ours).grad
    assert found is not None
    if listed == "mask_layer":
        found = found.roll(-1, 0)  # the published background is the last channel
    return (found[int(number)] if listed in ("trans_list", "fc_list") else found).numpy()
