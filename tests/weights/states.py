"""Made-up state dicts in the key layouts of published files, so that no test needs a download."""

from __future__ import annotations

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
    """Return a state dict as torchvision publishes it for `trunk`, with its ImageNet head; weights random."""
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
