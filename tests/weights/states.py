"""Made-up state dicts in the key layouts of published files, so that no test needs a download."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from napari_wsss.networks.deeplab_v2 import DeepLabV2
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
    if trunk == "vgg16_largefov":
        with torch.device(device):
            return largefov_names(build_trunk(trunk).state_dict())
    with torch.device(device):
        state = dict(build_trunk(trunk).state_dict())
        state = {key.replace("layers.", "features.", 1): value for key, value in state.items()}
        for name, shape in HEADS[trunk].items():
            state |= {f"{name}.weight": torch.zeros(shape), f"{name}.bias": torch.zeros(shape[0])}
    return state


def largefov_names(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a state dict of VGG-16 LargeFOV under Caffe's names, as psa has them."""
    blocks = {1: 2, 2: 2, 3: 3, 4: 3, 5: 3}
    names = [f"conv{block}_{number}" for block, count in blocks.items() for number in range(1, count + 1)]
    parts = [f"{name}.{part}" for name in (*names, "fc6", "fc7") for part in ("weight", "bias")]
    return dict(zip(parts, state.values(), strict=True))


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


def renamed(network: nn.Module, name: Callable[[str], str], absent: str = "\0") -> dict[str, Tensor]:
    """Return the tensors of `network` under other names, without those whose name begins with `absent`."""
    return {name(key): value for key, value in network.state_dict().items() if not key.startswith(absent)}


def caffe_name(key: str) -> str:
    """Return deeplab-pytorch's name of one of our tensors."""
    parts = key.split(".")
    if parts[0] == "aspp":
        return f"aspp.c{parts[2]}.{parts[3]}"
    if parts[1] in ("conv1", "bn1"):
        return f"layer1.conv1.{parts[1].removesuffix('1')}.{parts[2]}"
    block = f"layer{int(parts[1][-1]) + 1}.block{int(parts[2]) + 1}"
    if parts[3] == "downsample":
        return f"{block}.shortcut.{('conv', 'bn')[int(parts[4])]}.{parts[5]}"
    part = ("reduce", "conv3x3", "increase")[int(parts[3][-1]) - 1]
    return f"{block}.{part}.{parts[3][:-1]}.{parts[4]}"


def deeplab_v2_state(channels: int, prefix: str, *, start: bool = False) -> dict[str, Tensor]:
    """Return a random DeepLab v2 of deeplab-pytorch at 1/16 width; `start` is the trunk with COCO's 91-way layer."""
    network = DeepLabV2(build_trunk("resnet101_caffe", output_stride=8, width=1 / 16), channels)
    state = renamed(network, lambda key: prefix + caffe_name(key), "aspp" if start else "\0")
    return state | ({"fc.weight": torch.zeros(91, 4), "fc.bias": torch.zeros(91)} if start else {})


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


def resnet38_heads(name: str, classes: int, scale: int = 16) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the heads of a published file for `classes` classes, with 3 sub-classes each for SC-CAM."""
    wide = 4096 // scale
    shallow, deep = max(4, 64 // scale), max(4, 128 // scale)
    return {
        "resnet38_converted": {},
        "psa_cls_resnet38": {"fc8.weight": (classes, wide, 1, 1)},
        "seam_resnet38": {
            "fc8.weight": (classes + 1, wide, 1, 1),
            "f8_3.weight": (shallow, 512 // scale, 1, 1),
            "f8_4.weight": (deep, 1024 // scale, 1, 1),
            "f9.weight": (192 // scale, 3 + shallow + deep, 1, 1),
        },
        "sccam_resnet38": {"fc8_20.weight": (classes, wide, 1, 1), "fc8_200.weight": (classes * 3, wide, 1, 1)},
        "edam_resnet38": {"mask_layer.weight": (classes + 1, wide, 3, 3)},
    }[name]


def edam_lists(classes: int, scale: int = 16) -> dict[str, Tensor]:
    """Return what a file of EDAM holds besides its masks' layer, at the published 128 channels of a token."""
    state = {"d_d.weight": torch.randn(128, 4096 // scale, 1, 1) / 16}
    state |= {"embedding.position.pe": torch.zeros(1, 2116, 128), "embedding.segment.weight": torch.randn(5, 128) / 8}
    for k in range(classes):
        block = f"trans_list.{k}.0"
        linear = {f"attention.linear_layers.{number}": (128, 128) for number in range(3)}
        linear |= {"attention.output_linear": (128, 128)}
        linear |= {"feed_forward.w_1": (512, 128), "feed_forward.w_2": (128, 512)}
        for name, shape in linear.items():
            state[f"{block}.{name}.weight"] = torch.randn(shape) / 12
            state[f"{block}.{name}.bias"] = torch.randn(shape[0]) / 12
        for name in ("input_sublayer", "output_sublayer"):
            state |= {f"{block}.{name}.norm.a_2": torch.rand(128) + 0.5, f"{block}.{name}.norm.b_2": torch.rand(128)}
        state[f"fc_list.{k}.weight"] = torch.randn(1, 128, 1, 1)
    return state
