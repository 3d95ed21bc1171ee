"""What every trunk (feature extractor) offers, and the registry that builds one by name.

A trunk is a row of stages, each named after the stride it has in the undilated network (``stride4``, ``stride8``,
...). At a smaller output stride the later stages keep their names and dilate instead of striding, so that the
same weights see the same neighbourhoods on a denser grid.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, ClassVar, Self

from torch import Tensor, nn

LAST = "last"

# Trunk name -> (module, class, positional arguments). Modules are imported when asked for.
_TRUNKS: dict[str, tuple[str, str, tuple[int, ...]]] = {
    "mobilenet_v2": ("mobilenet_v2", "MobileNetV2", ()),
    "resnet18": ("resnet", "ResNet", (18,)),
    "resnet50": ("resnet", "ResNet", (50,)),
    "resnet101": ("resnet", "ResNet", (101,)),
    "resnet101_caffe": ("resnet_caffe", "CaffeResNet", (101,)),
    "resnet38": ("resnet38", "ResNet38", ()),
    "vgg16": ("vgg", "Vgg16", ()),
    "vgg16_largefov": ("vgg_largefov", "Vgg16LargeFov", ()),
}
GROUP = "napari_wsss.trunks"
"""Entry points of trunks from elsewhere: the trunk's name, and a class as ours are."""
TIMM = "timm/"


def build_trunk(name: str, *, output_stride: int = 16, width: float = 1.0, dilated: bool = True) -> Trunk:
    """Return a trunk with random weights.

    Parameters
    ----------
    name : str
        As the message for an unknown one lists them, ``timm/<name>``, or that of an installed entry point.
    output_stride : int
        Input pixels per position of the last feature map; 8 or 16 (all but the VGG-16s also 32).
    width : float
        Factor on all channel counts; 1 is the published network, 1/16 builds real code for tests.
    dilated : bool
        False leaves the dilation out where a stage gives up its stride, as IRN does (ResNet and VGG-16 LargeFOV only).

    Raises
    ------
    ValueError
        For an unknown name, output stride or width; the message lists the choices.
    """
    trunk_class, arguments = _found(name)
    options: dict[str, Any] = {"output_stride": output_stride, "width": width}
    if not dilated:
        if not trunk_class.undilatable:
            raise ValueError(f"{name} is dilated at every output stride; keep the dilation, or choose a ResNet.")
        options["dilated"] = False
    trunk: Trunk = trunk_class(*arguments, **options)
    if trunk.name != name:
        raise ValueError(f"The trunk that is installed as {name!r} calls itself {trunk.name!r}; both must be the same.")
    return trunk


def installed_trunks() -> tuple[str, ...]:
    """Return the names of trunks that other packages bring."""
    return tuple(sorted({point.name for point in entry_points(group=GROUP)} - set(_TRUNKS)))


def _found(name: str) -> tuple[Any, tuple[Any, ...]]:
    """Return the class of a trunk and its first arguments."""
    if name in _TRUNKS:
        module, cls, arguments = _TRUNKS[name]
        return getattr(import_module(f"napari_wsss.networks.{module}"), cls), arguments
    if name.startswith(TIMM):
        return import_module("napari_wsss.networks.timm_trunk").TimmTrunk, (name.removeprefix(TIMM),)
    if name not in installed_trunks():
        known = ", ".join([*_TRUNKS, *installed_trunks()])
        raise ValueError(f"Unknown trunk {name!r}; choose one of: {known}, or an encoder of timm as {TIMM}NAME.")
    try:
        return next(iter(entry_points(group=GROUP, name=name))).load(), ()
    except ImportError as missing:
        raise ValueError(f"The trunk {name!r} cannot be imported ({missing}); install what it needs.") from missing


@dataclass(frozen=True)
class OwnWeights:
    """What weights files in the names of a trunk's own library are like.

    Parameters
    ----------
    mean, std : three floats
        Of RGB in [0, 1], as the weights want their input.
    prefix : str
        What our names have before theirs.
    head : tuple of str
        Their names of modules that a file has more than the trunk.
    unused : tuple of str
        Their names of modules and weights that no tap is computed with: a file, or the trunk, may lack them.
    """

    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    prefix: str = ""
    head: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()


def scaled(channels: int, width: float) -> int:
    """Return `channels` times `width`, rounded to a multiple of 4 and at least 4."""
    return max(4, 4 * round(channels * width / 4))


class Trunk(nn.Module, ABC):
    """Features (B,C,h,w) of images (B,3,H,W), with h = ceil(H / output_stride).

    Parameters
    ----------
    name : str
        Registry name.
    output_stride, width
        As in `build_trunk`.

    Attributes
    ----------
    channels : int
        Channels of the last feature map.
    taps : dict of str to int
        Tap name to channels; ``"last"`` is what `forward` returns.
    dense_tap, aux_tap : str
        Where a segmentation head and its auxiliary head attach.
    detail_taps : (str, str)
        What tells neighbouring pixels apart (SEAM's conv4 and conv5).
    dilated : bool
        Whether stages that gave up their stride dilate; `undilatable` trunks can do without.
    linear_tap : str
        The last features before their final ReLU, where a trunk has them apart (ResNet-38, for EDAM).
    own_weights : OwnWeights or None
        For trunks that are not ours; of ours the published weights are known one by one (`weights.published`).
    """

    strides: ClassVar[tuple[int, ...]] = (8, 16, 32)
    dense_tap: str = LAST
    aux_tap: str = "stride16"
    detail_taps: tuple[str, str] = ("stride8", "stride16")
    linear_tap: ClassVar[str] = LAST
    undilatable: ClassVar[bool] = False
    dilated: bool = True
    own_weights: OwnWeights | None = None
    stage_taps: tuple[str, ...]
    taps: dict[str, int]

    def __init__(self, name: str, output_stride: int, width: float) -> None:
        super().__init__()
        if output_stride not in self.strides:
            listed = ", ".join(map(str, self.strides))
            raise ValueError(f"Output stride {output_stride} is not available for {name}; choose one of: {listed}.")
        if not width > 0:
            raise ValueError(f"Trunk width is {width}; expected a number above 0 (1 is the published network).")
        self.name = name
        self.output_stride = output_stride
        self.width = width
        self._frozen_stages = 0
        self._batch_norm_frozen = False

    @property
    def channels(self) -> int:
        """Channels of the last feature map."""
        return self.taps[LAST]

    @abstractmethod
    def stages(self) -> Sequence[Sequence[nn.Module]]:
        """Return the modules of each stage in running order, one stage per entry of `stage_taps`."""

    def forward(self, images: Tensor) -> Tensor:
        """Return the last features (B,C,h,w) of normalised images (B,3,H,W)."""
        return self.features(images, (LAST,))[LAST]

    def features(self, images: Tensor, taps: Sequence[str]) -> dict[str, Tensor]:
        """Return the features at the named taps; nothing after the deepest one is computed.

        Frozen stages build no graph: none of their tensors requires a gradient.

        Parameters
        ----------
        images : Tensor
            (B,3,H,W), normalised as the weights' descriptor says.
        taps : sequence of str
            Keys of the attribute `taps`.

        Raises
        ------
        ValueError
            For an unknown tap, listing the choices.
        """
        self._check_taps(taps)
        wanted = {tap: self.stage_taps[-1] if tap == LAST else tap for tap in taps}
        found: dict[str, Tensor] = {}
        for tap, modules in zip(self.stage_taps, self.stages(), strict=True):
            if set(wanted.values()) <= set(found):
                break
            for module in modules:
                images = module(images)
            found[tap] = images
        return {tap: found[stage] for tap, stage in wanted.items()}

    def _check_taps(self, taps: Sequence[str]) -> None:
        unknown = sorted(set(taps) - set(self.taps))
        if unknown:
            raise ValueError(f"Unknown tap {', '.join(unknown)} of {self.name}; choose from: {', '.join(self.taps)}.")

    def freeze(self, stages: int) -> None:
        """Stop learning in the first `stages` stages: weights fixed, batch norm on its running statistics.

        Raises
        ------
        ValueError
            When the trunk has fewer stages.
        """
        if not 0 <= stages <= len(self.stage_taps):
            raise ValueError(f"{self.name} has {len(self.stage_taps)} stages; cannot freeze {stages}.")
        for index, modules in enumerate(self.stages()):
            for module in modules:
                module.requires_grad_(index >= stages)
        self._frozen_stages = stages
        if self._batch_norm_frozen:
            self._fix_batch_norm_weights()
        self.train(self.training)

    def freeze_batch_norm(self) -> None:
        """Keep all batch norm as it is: running statistics also in training, scale and shift not learned.

        The choice for small data sets and small batches; it survives later calls of `train`.
        """
        self._batch_norm_frozen = True
        self._fix_batch_norm_weights()
        self.train(self.training)

    def train(self, mode: bool = True) -> Self:
        """Set training mode, except for frozen batch norm."""
        super().train(mode)
        for module in self._frozen_batch_norm():
            module.eval()
        return self

    def _fix_batch_norm_weights(self) -> None:
        for module in self._frozen_batch_norm():
            module.requires_grad_(False)

    def _frozen_batch_norm(self) -> Iterator[nn.Module]:
        frozen = None if self._batch_norm_frozen else self._frozen_stages
        for modules in self.stages()[:frozen]:
            for stage_module in modules:
                yield from (m for m in stage_module.modules() if isinstance(m, nn.BatchNorm2d))


def initialise(module: nn.Module) -> None:
    """Draw He-normal convolution weights (He et al. 2015, fan out); biases zero, batch norm the identity.

    A network without memory (device "meta") is left alone: drawing nothing takes long there.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d) and not layer.weight.is_meta:
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
