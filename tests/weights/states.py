"""Made-up state dicts in the key layouts of published files, so that no test needs a download."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from napari_wsss.networks.deeplab_v3 import DeepLabV3
from napari_wsss.networks.trunk import build_trunk

HEADS = {
    "mobilenet_v2": {"classifier.1": (1000, 1280)},
    "resnet18": {"fc": (1000, 512)},
    "resnet50": {"fc": (1000, 2048)},
    "resnet101": {"fc": (1000, 2048)},
    "vgg16": {"classifier.0": (16, 25088), "classifier.6": (1000, 16)},  # 4096 wide when published
}


def imagenet_state(trunk: str, device: str = "cpu") -> dict[str, Tensor]:
    """Return a state dict as it is published for `trunk`, with its ImageNet head; weights random."""
    if trunk == "resnet38":
        with torch.device(device):
            return mxnet_names(resnet38_state(1))
    with torch.device(device):
        state = dict(build_trunk(trunk).state_dict())
        state = {key.replace("layers.", "features.", 1): value for key, value in state.items()}
        for name, shape in HEADS[trunk].items():
            state |= {f"{name}.weight": torch.zeros(shape), f"{name}.bias": torch.zeros(shape[0])}
    return state


def deeplab_state(channels: int, *, aux: bool = True) -> dict[str, Tensor]:
    """Return a state dict of torchvision's ``deeplabv3_resnet50`` with all tensors on the meta device."""
    back = (
        ("trunk.", "backbone."),
        ("aspp.branches.", "classifier.0.convs."),
        ("aspp.pooling.conv.", "classifier.0.convs.4.1."),
        ("aspp.pooling.norm.", "classifier.0.convs.4.2."),
        ("aspp.projection.", "classifier.0.project."),
        ("head.0.", "classifier.1."),
        ("head.1.", "classifier.2."),
        ("classifier.", "classifier.4."),
        ("aux_head.", "aux_classifier."),
        ("aux_classifier.", "aux_classifier.4."),
    )
    with torch.device("meta"):
        state = DeepLabV3(build_trunk("resnet50", output_stride=8), channels, aux=aux).state_dict()
    renamed = {}
    for key, value in state.items():
        ours, theirs = next(pair for pair in back if key.startswith(pair[0]))
        renamed[theirs + key.removeprefix(ours)] = value
    return renamed


RESNET38_UNITS = {
    # Channels in, inside and out.
    **{"b2": (64, 128, 128), "b2_1": (128, 128, 128), "b2_2": (128, 128, 128)},
    **{"b3": (128, 256, 256), "b3_1": (256, 256, 256), "b3_2": (256, 256, 256)},
    **{"b4": (256, 512, 512)},
    **{f"b4_{number}": (512, 512, 512) for number in range(1, 6)},
    **{"b5": (512, 512, 1024), "b5_1": (1024, 512, 1024), "b5_2": (1024, 512, 1024)},
}
RESNET38_BOTTLENECKS = {"b6": (1024, 512, 1024, 2048), "b7": (2048, 1024, 2048, 4096)}


def resnet38_state(scale: int = 16, heads: Mapping[str, Sequence[int]] | None = None) -> dict[str, Tensor]:
    """Return a random state dict in PSA's names: a trunk of 1/scale the published width, then the heads.

    Without ``num_batches_tracked``, as old files are.
    """
    state: dict[str, Tensor] = {}

    def convolution(name: str, channels: int, inputs: int, side: int) -> None:
        inputs = inputs if inputs == 3 else inputs // scale
        state[f"{name}.weight"] = torch.randn(channels // scale, inputs, side, side) / 8

    def norm(name: str, channels: int) -> None:
        for part in ("weight", "bias", "running_mean", "running_var"):
            state[f"{name}.{part}"] = torch.rand(channels // scale) + 0.5

    convolution("conv1a", 64, 3, 3)
    for name, (inputs, inside, outputs) in RESNET38_UNITS.items():
        norm(f"{name}.bn_branch2a", inputs)
        convolution(f"{name}.conv_branch2a", inside, inputs, 3)
        norm(f"{name}.bn_branch2b1", inside)
        convolution(f"{name}.conv_branch2b1", outputs, inside, 3)
        if "_" not in name:
            convolution(f"{name}.conv_branch1", outputs, inputs, 1)
    for name, (inputs, quarter, half, outputs) in RESNET38_BOTTLENECKS.items():
        norm(f"{name}.bn_branch2a", inputs)
        convolution(f"{name}.conv_branch2a", quarter, inputs, 1)
        norm(f"{name}.bn_branch2b1", quarter)
        convolution(f"{name}.conv_branch2b1", half, quarter, 3)
        norm(f"{name}.bn_branch2b2", half)
        convolution(f"{name}.conv_branch2b2", outputs, half, 1)
        convolution(f"{name}.conv_branch1", outputs, inputs, 1)
    norm("bn7", 4096)
    return state | {key: torch.randn(*shape) for key, shape in (heads or {}).items()}


def mxnet_names(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a state dict of PSA's names under those of the MXNet file, with its ImageNet head."""
    parts = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_var"}
    found = {"linear1000_weight": torch.zeros(1000, 4), "linear1000_bias": torch.zeros(1000)}
    for key, value in state.items():
        module, _, part = key.rpartition(".")
        unit, _, branch = module.partition(".")
        number, _, position = unit.removeprefix("b").partition("_")
        where = f"{number}b{position}" if position else f"{number}a"
        if module == "conv1a":
            found["conv1a_weight"] = value
        elif module == "bn7":
            found[f"bn7_{parts[part]}"] = value
        elif branch.startswith("conv_"):
            found[f"res{where}_{branch.removeprefix('conv_')}_weight"] = value
        else:
            found[f"bn{where}_{branch.removeprefix('bn_')}_{parts[part]}"] = value
    return found
