"""Any encoder of timm (Wightman, "PyTorch Image Models", 2019) as a trunk, under the name ``timm/<its name there>``.

Pyramids (ConvNeXt, EfficientNet, RegNet, Swin ...) give one tap per stride, called after the stride of the undilated
network; the output stride is left to timm, which dilates where the network can. Vision transformers have one stride,
that of their patches: their tokens become a grid, taps are blocks at different depths, and at another output stride the
picture is scaled so that a patch covers so many of its pixels.

The encoder's own names are kept below ``network.``, so that weights files made for timm fit as they are.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from napari_wsss.networks.traced import is_tracing
from napari_wsss.networks.trunk import LAST, TIMM, OwnWeights, Trunk

_PROBE = 65  # no multiple of any stride: shows who rounds down
_WHOLE = 64
_LISTED = 6
_FAULTS = (RuntimeError, ValueError, TypeError, AssertionError, AttributeError)
"""What timm's models raise for options and sizes that they do not take."""


class TimmTrunk(Trunk):
    """An encoder of timm.

    Parameters
    ----------
    name : str
        timm's, with or without the tag of its weights: ``convnext_atto``, ``vit_tiny_patch16_224.augreg_in21k``.
    output_stride : int
        8, 16 or 32, as far as the network can.
    width : float
        1; timm has its own small networks.
    """

    def __init__(self, name: str, *, output_stride: int = 16, width: float = 1.0) -> None:
        super().__init__(TIMM + name, output_stride, width)
        if width != 1:
            raise ValueError(f"Encoders of timm have their own widths; width is {width}, expected 1.")
        timm = _timm()
        plain = _Probe(timm, name)
        self.patch = plain.patch
        self.network: nn.Module = plain.real() if self.patch else plain.at_stride(output_stride)
        self._reads = plain.reads
        self._multiple = output_stride if self.patch else min(plain.multiple, output_stride)
        self.stage_taps = (*plain.taps[:-1], f"stride{output_stride}") if self.patch else plain.taps
        self.taps = dict(zip(self.stage_taps, plain.channels, strict=True)) | {LAST: plain.channels[-1]}
        self.dense_tap = self.stage_taps[-1]
        self.aux_tap, deepest = self.stage_taps[-2:]
        inner = tuple(tap for tap in self.stage_taps if tap in ("stride8", "stride16"))
        self.detail_taps = (inner[0], inner[1]) if len(inner) == 2 else (self.aux_tap, deepest)
        self._stage_of = plain.stage_of
        heads = plain.config.get("classifier") or ()
        self.own_weights = OwnWeights(
            mean=plain.config["mean"],
            std=plain.config["std"],
            prefix="network.",
            head=(heads,) if isinstance(heads, str) else tuple(heads),
            unused=_unused(self._stage_of, len(self.stage_taps)),
        )
        for key, weight in self.network.named_parameters():
            weight.requires_grad_(self._stage_of.get(key, len(self.stage_taps)) < len(self.stage_taps))

    def stages(self) -> Sequence[Sequence[nn.Module]]:
        """Return for each tap one module that holds what only it and later taps are computed with."""
        held = [nn.Module() for _ in self.stage_taps]
        for name, module in self.network.named_modules():
            is_part = isinstance(module, nn.BatchNorm2d) or not next(module.children(), None)
            for key, weight in module.named_parameters(prefix=name, recurse=False):
                stage = self._stage_of.get(key, len(held))
                if stage < len(held) and is_part:
                    held[stage].add_module(name.replace(".", "_"), module)
                elif stage < len(held):
                    held[stage].register_parameter(key.replace(".", "_"), weight)
        return [(one,) for one in held]

    def features(self, images: Tensor, taps: Sequence[str]) -> dict[str, Tensor]:
        """Return the features at the named taps, as `Trunk.features`."""
        self._check_taps(taps)
        at = {tap: len(self.stage_taps) - 1 if tap == LAST else self.stage_taps.index(tap) for tap in taps}
        height, width = images.shape[2:]
        images = _padded(images, self._multiple)
        if self.patch and self.patch != self.output_stride:
            size = [side // self.output_stride * self.patch for side in images.shape[2:]]
            images = F.interpolate(images, size, mode="bilinear", align_corners=False)
        found = read_at(self.network, images, [self._reads[place] for place in sorted(set(at.values()))], self.patch)
        planes = dict(zip(sorted(set(at.values())), found, strict=True))
        return {tap: _cropped(planes[place], height, width, self._stride(place)) for tap, place in at.items()}

    def published_state(self) -> dict[str, Tensor]:
        """Return the weights that timm publishes for it, from the hub or its cache.

        Raises
        ------
        OSError
            When they cannot be fetched.
        """
        name = self.name.removeprefix(TIMM)
        try:
            state: dict[str, Tensor] = _timm().create_model(name, pretrained=True, num_classes=0).state_dict()
        except (RuntimeError, ValueError) as reason:  # it has none, or the hub's package is missing
            raise OSError(str(reason)) from reason
        return state

    def _stride(self, place: int) -> int:
        named = self.stage_taps[place].removeprefix("stride")
        return min(int(named), self.output_stride) if named.isdigit() else self.output_stride


class _Probe:
    """What an encoder is like, found on a copy without memory."""

    def __init__(self, timm: Any, name: str) -> None:
        self._timm, self._name = timm, name
        if not timm.is_model(name):
            near = difflib.get_close_matches(name, timm.list_models(), _LISTED, cutoff=0.5)
            raise ValueError(
                f"timm {timm.__version__} knows no {name!r}; the nearest are: {', '.join(near) or 'none'}. "
                "timm.list_models() lists all."
            )
        with torch.device("meta"):
            self._options, network = self._any_size()
        self.config: Mapping[str, Any] = network.pretrained_cfg
        facts = list(network.feature_info)
        strides = [int(one["reduction"]) for one in facts]
        self.native = strides[-1]
        self.patch = strides[0] if len(set(strides)) == 1 else 0
        if self.patch:
            self.reads = sorted({len(facts) * quarter // 4 - 1 for quarter in (1, 2, 3, 4)} - {-1})
            self.taps = tuple(f"block{depth + 1}" for depth in self.reads)
        else:
            self.reads = list(range(len(facts)))
            self.taps = tuple(f"stride{strides[0] * 2**place}" for place in self.reads)
        self.channels = [int(facts[at]["num_chs"]) for at in self.reads]
        self.multiple, planes = self._run(network, strides)
        self.stage_of = _first_use(network, planes)

    def real(self) -> nn.Module:
        """Return the encoder with random weights, at its own output stride."""
        made: nn.Module = self._timm.create_model(self._name, num_classes=0, **self._options)
        return made

    def at_stride(self, output_stride: int) -> nn.Module:
        """Return the encoder at an output stride, dilated where that is smaller than its own."""
        if output_stride == self.native:
            return self.real()
        # Some dilate only as what timm calls a feature network; it keeps the names.
        for more in ({"num_classes": 0, **self._options}, {"features_only": True}):
            try:
                made: Any = self._timm.create_model(self._name, output_stride=output_stride, **more)
            except _FAULTS:
                continue
            if made.feature_info[-1]["reduction"] == output_stride and self._has_its_names(made):
                return cast("nn.Module", made)
        raise ValueError(
            f"{TIMM}{self._name} cannot have an output stride of {output_stride}; choose its own, {self.native}."
        )

    def _has_its_names(self, made: nn.Module) -> bool:
        used = {key for key, stage in self.stage_of.items() if stage < len(self.taps)}
        return used <= {key for key, _ in made.named_parameters()}

    def _any_size(self) -> tuple[dict[str, Any], Any]:
        """Return the first options under which it takes pictures of any size, and the encoder made with them."""
        for options in ({"dynamic_img_size": True}, {"strict_img_size": False}, {}):
            try:
                return options, self._timm.create_model(self._name, num_classes=0, **options)
            except _FAULTS:
                continue
        raise ValueError(f"timm cannot make {self._name!r} without its classifier; choose another encoder.")

    def _run(self, network: nn.Module, strides: Sequence[int]) -> tuple[int, list[Tensor]]:
        """Return what sizes must be multiples of (1: nothing), and the planes of a small picture."""
        if not self.patch:
            try:
                planes = read_at(network.eval(), torch.zeros(1, 3, _PROBE, _PROBE, device="meta"), self.reads, 0)
            except _FAULTS:
                planes = []
            wanted = [-(-_PROBE // stride) for stride in strides]
            if [plane.shape[2] for plane in planes] == wanted:
                return 1, planes
        side = self.patch * 4 or _WHOLE
        try:
            return self.native, read_at(
                network.eval(), torch.zeros(1, 3, side, side, device="meta"), self.reads, self.patch
            )
        except _FAULTS as reason:
            raise ValueError(
                f"{TIMM}{self._name} does not take pictures of any size ({str(reason).strip().splitlines()[0]}); "
                "choose another encoder."
            ) from reason


def read_at(network: Any, images: Tensor, places: list[int], patch: int) -> list[Tensor]:
    """Return the planes (B,C,h,w) of an encoder at places of its `feature_info`, ascending."""
    if not hasattr(network, "forward_intermediates"):  # a feature network
        every: list[Tensor] = network(images)
        return [every[at] for at in places]
    wanted = inspect.signature(network.forward_intermediates).parameters
    options = {"norm": bool(patch), "stop_early": not patch, "intermediates_only": True, "output_fmt": "NCHW"}
    given = {name: value for name, value in options.items() if name in wanted}
    found: list[Tensor] = network.forward_intermediates(images, indices=places, **given)
    return found


def _first_use(network: nn.Module, planes: Sequence[Tensor]) -> dict[str, int]:
    """Return the first of the planes that each weight is used for, their number for one that none needs."""
    names, weights = zip(*network.named_parameters(), strict=True)
    found: dict[str, int] = {}
    for stage, plane in enumerate(planes):
        gradients = torch.autograd.grad(plane.sum(), weights, retain_graph=True, allow_unused=True)
        for name, gradient in zip(names, gradients, strict=True):
            if gradient is not None:
                found.setdefault(name, stage)
    return {name: found.get(name, len(planes)) for name in names}


def _unused(stage_of: Mapping[str, int], stages: int) -> tuple[str, ...]:
    """Return the modules of which no weight is needed, and such weights of others."""
    owners = {key: key.rpartition(".")[0] for key in stage_of}
    needed = {owners[key] for key, stage in stage_of.items() if stage < stages}
    spare = (key for key, stage in stage_of.items() if stage == stages)
    return tuple(dict.fromkeys(key if owners[key] in {"", *needed} else owners[key] for key in spare))


def _padded(images: Tensor, multiple: int) -> Tensor:
    """Return images with zeros (the mean colour) at the right and below, up to a multiple of so many pixels."""
    height, width = images.shape[2:]
    below, right = ((multiple - side % multiple) % multiple for side in (height, width))
    if multiple == 1 or not (is_tracing() or below or right):
        return images
    return F.pad(images, (0, right, 0, below))


def _cropped(planes: Tensor, height: int, width: int, stride: int) -> Tensor:
    """Return the cells of planes (B,C,h,w) that pictures of this size have."""
    return planes[:, :, : (height + stride - 1) // stride, : (width + stride - 1) // stride]


def _timm() -> Any:
    try:
        import timm
    except (ImportError, RuntimeError) as reason:  # a torchvision built for another torch raises the second
        raise ValueError(
            f"Encoders of timm need the package timm, which cannot be imported here ({reason}). Install it with: pip "
            'install "napari-wsss[timm]", with a torchvision that fits the installed torch.'
        ) from reason
    return timm
