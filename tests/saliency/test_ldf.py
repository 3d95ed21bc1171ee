"""LDF's losses and parts (the published values: tests/parity/test_ldf.py)."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.networks.trunk import build_trunk
from napari_wsss.saliency.base import SaliencyModel
from napari_wsss.saliency.ldf import LabelDecoupling, overlap_loss
from napari_wsss.weights.published import published


def build(trunk: str = "resnet18") -> LabelDecoupling:
    torch.manual_seed(0)
    model = SaliencyModel.build("ldf", TrunkChoice(trunk, output_stride=32, width=1 / 16))
    assert isinstance(model, LabelDecoupling)
    return model


def test_the_result_is_the_second_pass() -> None:
    model, images = build().eval(), torch.randn(2, 3, 64, 96)
    with torch.inference_mode():
        saliency = model.saliency(images, (50, 70))
        body, detail = model.decouple(images, (50, 70))
        second = model.logits(images, (50, 70))[1]

    torch.testing.assert_close(saliency, second.saliency[:, 0].sigmoid())
    torch.testing.assert_close(body, second.body[:, 0].sigmoid())
    torch.testing.assert_close(detail, second.detail[:, 0].sigmoid())


def test_a_perfect_map_has_no_overlap_loss() -> None:
    masks = (torch.rand(2, 8, 8, generator=torch.Generator().manual_seed(0)) > 0.5).float()
    logits, counted = (200 * masks - 100)[:, None], torch.ones_like(masks)

    assert overlap_loss(logits, masks, counted) == pytest.approx(0, abs=1e-6)
    assert overlap_loss(-logits, masks, counted) > 0.9
    assert overlap_loss(-logits, masks, 0 * counted) == 0


def test_what_is_not_read_does_not_learn() -> None:
    model = build("mobilenet_v2")
    last = model.trunk.stages()[-1]

    assert all(not weight.requires_grad for module in last for weight in module.parameters())


def test_a_whole_published_file_is_taken_and_brings_its_normalisation(tmp_path: Path) -> None:
    descriptor = published("ldf_resnet50")
    theirs = LabelDecoupling(build_trunk("resnet50", output_stride=32, width=1 / 16))
    names = {descriptor.renamed(name): name for name in published_keys()}
    state = {
        names.get(key, f"bkbone.{key.removeprefix('network.trunk.')}"): tensor.clone()
        for key, tensor in theirs.state_dict().items()
    }
    save_file(state, tmp_path / "model-40.safetensors")

    model = build("resnet50")
    model.load_weights(str(tmp_path / "model-40.safetensors"))

    assert model.normalisation == descriptor.normalisation
    for key, tensor in theirs.state_dict().items():
        torch.testing.assert_close(model.state_dict()[key], tensor)


def published_keys() -> list[str]:
    """Return the names of the published decoders' tensors, put together from their parts."""
    statistics = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    norms = [f"conv{level}{b}.2" for level in range(2, 6) for b in "bd"] + ["linear.1"]
    norms += [f"decoder{b}.bn{level}" for level in range(4) for b in "bd"]
    norms += [f"encoder.bn{level}{b}" for level in range(1, 5) for b in ("", "b", "d")]
    layers = [f"conv{level}{b}.{at}" for level in range(2, 6) for b in "bd" for at in range(2)]
    layers += ["linearb", "lineard", "linear.0", "linear.3"]
    layers += [f"decoder{b}.conv{level}" for level in range(4) for b in "bd"]
    layers += [f"encoder.conv{level}{b}" for level in range(1, 5) for b in ("", "b", "d")]
    return [f"{n}.{s}" for n in norms for s in statistics] + [f"{n}.{s}" for n in layers for s in statistics[:2]]
