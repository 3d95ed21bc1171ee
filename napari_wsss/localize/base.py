"""The contract of a localizer, and everything around a method that is the same for all of them.

A method gives (B,C,h,w) maps of a normalised batch. Scales, flips, resizing, normalising, tiling and dropping
absent classes are written once, here: at each scale of the working size (`pixels.working_size`) the image is resized
(bicubic; to the sizes the weights want), the maps of image and mirrored image are added, brought to the image's size
(bilinear, corners not aligned) and summed over the scales; each class is then divided by its own maximum over the
whole image.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from napari_wsss.core.errors import LabelError, StepError
from napari_wsss.core.inference import Companion, Inference
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.localize._joining import joined
from napari_wsss.networks.across import mean
from napari_wsss.networks.dense import evaluating
from napari_wsss.networks.trunk import Trunk
from napari_wsss.pixels.by_window import LargePicture, View, at_size, mirrored, reduced_size, reduction
from napari_wsss.pixels.resizing import resize, scaled_size
from napari_wsss.pixels.working_size import factor_to
from napari_wsss.trunk_network import TrunkNetwork
from napari_wsss.weights.normalisation import IMAGENET, Normalisation

TOGETHER_ON = ("cuda",)
"""Kinds of devices on which images go through the network together."""
MOST_TOGETHER = 8
# Keeps the division defined for a class that fires nowhere: its map stays zero.
_EPSILON = 1e-5


@dataclass(frozen=True)
class LocalizerBatch:
    """One training batch.

    Parameters
    ----------
    images : Tensor
        (B,3,H,W) float32, normalised; consecutive groups of a method's `companions` + 1 share a class.
    labels : Tensor
        (B,C) float32 in {0, 1, nan}; nan where it is not known whether a class is in an image: it teaches nothing
        there. `label_loss` leaves it out, `present` takes it for absent.
    sub_labels : Tensor, optional
        (B,C*K) float32 in {0, 1}: one of K sub-categories of every present class, class-major.
    weights : Tensor, optional
        (B,) float32 in [0, 1]: how much each image counts; all of them fully without.
    done : float
        Share of the training that lies behind, in [0, 1]; for losses that begin late.
    """

    images: Tensor
    labels: Tensor
    sub_labels: Tensor | None = None
    weights: Tensor | None = None
    done: float = 1.0

    @property
    def present(self) -> Tensor:
        """The labels (B,C) float32 in {0, 1}, for what is done with the classes that are surely there."""
        return self.labels.nan_to_num(0.0)


class Localizer(TrunkNetwork):
    """A trained classifier that can say where it saw a class.

    Parameters
    ----------
    class_count : int
        Foreground classes, from 1.
    trunk : Trunk
        Feature extractor.
    parameters : Parameters, optional
        The method's own; defaults without.
    normalisation : Normalisation
        The input the trunk's weights want; it is stored with the checkpoint.

    Attributes
    ----------
    recipe : str
        Module in ``training.recipes`` that trains it.
    advice : str
        What to know before choosing it, in a sentence or two beside the choice; "" for nothing.
    aligned_corners : bool
        Bring the maps of each scale to that scale's image size with corners aligned first, as SEAM does.
    background_threshold : float
        Constant background score beside its maps that is right on photographs, until the data tell a better one.
    map_range : 'max' or 'min_max'
        Divide a class's summed map by its maximum, or stretch it from its minimum to its maximum (SEAM).
    companions : int
        How many other images sharing a class it wants beside an image; 0 for most.
    stride : int
        Input pixels per cell of the maps of `localize`.
    """

    shelf = "localize"
    has_classes = True
    recipe: ClassVar[str] = "classifier"
    advice: ClassVar[str] = ""
    aligned_corners: ClassVar[bool] = False
    background_threshold: ClassVar[float] = 0.382
    map_range: ClassVar[Literal["max", "min_max"]] = "max"
    trunk: Trunk

    def __init__(
        self, class_count: int, trunk: Trunk, parameters: Any | None = None, normalisation: Normalisation = IMAGENET
    ) -> None:
        super().__init__(parameters, normalisation)
        if class_count < 1:
            raise LabelError(f"A localizer for {class_count} classes is impossible; give at least one class.")
        self.class_count = class_count
        self.trunk = trunk
        self.companions = 0

    @property
    def stride(self) -> int:
        """Input pixels per cell of the maps."""
        return self.trunk.output_stride

    def input_size(self, height: int, width: int, scale: float = 1.0, side: int = 0) -> tuple[int, int]:
        """Return the (height, width) at which an image of this size is seen at a scale.

        Parameters
        ----------
        height, width : int
        scale : float
            1 is the size in training.
        side : int
            Longer side in pixels at scale 1, in place of that in training.
        """
        factor = factor_to(height, width, side or self.side)
        return self.normalisation.fit_size(*scaled_size(height, width, scale * factor))

    @abstractmethod
    def classify(self, images: Tensor) -> Tensor:
        """Return image-level logits (B,C) of normalised images (B,3,H,W)."""

    @abstractmethod
    def localize(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return maps (B,C,h,w) >= 0 with h = ceil(H / stride); zero where `labels` (B,C) bool is False."""

    def loss(self, batch: LocalizerBatch) -> dict[str, Tensor]:
        """Return the named losses of a batch; their sum is minimised. Here: multi-label soft margin."""
        return {"classification": label_loss(self.classify(batch.images), batch.labels)}

    def pixel_features(self, images: Tensor) -> Tensor:
        """Return what tells pixels apart, (B,D,h,w) on the grid of the maps: two taps, each of unit length."""
        taps = self.trunk.features(images, self.trunk.detail_taps)
        grid = [-(-side // self.stride) for side in images.shape[2:]]
        resized = [F.interpolate(tap, grid, mode="bilinear", align_corners=False) for tap in taps.values()]
        return torch.cat([F.normalize(tap, dim=1) for tap in resized], dim=1)

    def infer(
        self,
        image: NDArray[np.uint8],
        present: Sequence[int],
        settings: Inference,
        companions: Sequence[Companion] = (),
    ) -> ActivationMaps:
        """Return the activation maps of one image, as `infer_maps` does; methods that compare use `companions`."""
        return infer_maps(self, image, present, settings)

    def takes_together(self, height: int, width: int, settings: Inference) -> int:
        """Return how many images of a size go through the network at once: as many as a pass may have pixels.

        It depends on nothing but the settings, so that an image's maps do not depend on which others are computed. One
        on the CPU, where several are no quicker, and for methods that say something else of several.
        """
        plain = type(self).infer is Localizer.infer and not self.one_by_one
        if not plain or next(self.parameters()).device.type not in TOGETHER_ON:
            return 1
        settings = settings.resolved()
        sizes = (self.input_size(height, width, scale, settings.working_side) for scale in settings.scales)
        largest = max(tall * wide * len(settings.views(at)) for at, (tall, wide) in enumerate(sizes))
        return max(1, min(MOST_TOGETHER, settings.pixel_budget // largest))

    def infer_together(
        self, images: Sequence[NDArray[np.uint8]], present: Sequence[Sequence[int]], settings: Inference
    ) -> list[ActivationMaps]:
        """Return the activation maps of images of one size, as `infer` does of each; `takes_together` says how many.

        Fewer are filled up, as convolutions of other batch sizes may round otherwise. Where memory runs out, each half
        of them is tried once.
        """
        height, width = images[0].shape[:2]
        shown = [at for at, known in enumerate(present) if known]  # the others need no network
        extra = self.takes_together(height, width, settings) - len(shown) if shown else 0
        added = shown[:1] * extra
        try:
            filled = [*images, *(images[at] for at in added)], [*present, *(present[at] for at in added)]
            return infer_several(self, *filled, settings)[: len(images)]
        except torch.OutOfMemoryError:
            if len(images) == 1:
                raise
        torch.cuda.empty_cache()
        half = len(images) // 2
        return [
            *infer_several(self, images[:half], present[:half], settings),
            *infer_several(self, images[half:], present[half:], settings),
        ]

    def infer_large(self, picture: LargePicture, present: Iterable[int], settings: Inference) -> ActivationMaps:
        """Return the maps of a picture larger than the memory as means of squares of pixels (`by_window.reduction`).

        They are those of `infer`: each scale is seen by the same tiles, divided by the maximum over the whole picture.
        Raises `StepError` for methods that compare pictures.
        """
        if type(self).infer is not Localizer.infer:
            raise StepError(
                f"{self.title} compares pictures, and none that are larger than the memory. Choose another method, or "
                "cut them into pieces."
            )
        classes = _checked(present, self.class_count)
        if not classes:
            return ActivationMaps.empty(*reduced_size(*picture.size))
        network, settings = self.prepared(settings, every_map)
        sizes = [self.input_size(*picture.size, scale, settings.working_side) for scale in settings.scales]
        with torch.inference_mode():
            views = (at_size(picture, *size) for size in sizes)
            maps = [_maps_at_stride(network, [view], [classes], settings, at)[0] for at, view in enumerate(views)]
            found = joined(maps, sizes, picture.size, reduction(*picture.size), self.aligned_corners)
            scores = in_range(found.means, self.map_range, (found.lowest, found.highest))
        return ActivationMaps(scores.cpu().numpy(), classes)

    def describe_meaning(self, image: NDArray[np.uint8], settings: Inference) -> NDArray[np.float32]:
        """Return what says what is where in one image, (D,h,w) float32: the trunk's last features beside `describe`'s.

        Each part has unit length in every cell, the details half of it.
        """
        return infer_features(self, image, settings, self._meanings)

    def _meanings(self, images: Tensor) -> Tensor:
        details = self.pixel_features(images)
        last = F.normalize(self.trunk(images), dim=1)
        last = F.interpolate(last, details.shape[2:], mode="bilinear", align_corners=False)
        return torch.cat([last, F.normalize(details, dim=1) / 2], dim=1)

    def describe(self, image: NDArray[np.uint8], settings: Inference) -> NDArray[np.float32]:
        """Return the pixel features of one image, as `infer_features` does."""
        return infer_features(self, image, settings)


def infer_maps(
    localizer: Localizer, image: NDArray[np.uint8], present: Iterable[int], inference: Inference | None = None
) -> ActivationMaps:
    """Return the activation maps of one image for its labelled classes.

    Parameters
    ----------
    localizer : Localizer
        Its training mode is what it was before, afterwards.
    image : (H, W, 3) uint8
        RGB, any size; above `inference.pixel_budget` it is cut into tiles that share one normaliser.
    present : iterable of int
        0-based class indices of the image-level labels; none gives empty maps.
    inference : Inference, optional

    Returns
    -------
    ActivationMaps
        Scores (K,H,W) float32 in [0, 1], without background.

    Raises
    ------
    LabelError
        When an index lies outside the localizer's classes.
    """
    return infer_several(localizer, [image], [present], inference)[0]


def infer_several(
    localizer: Localizer,
    images: Sequence[NDArray[np.uint8]],
    present: Sequence[Iterable[int]],
    inference: Inference | None = None,
) -> list[ActivationMaps]:
    """Return what `infer_maps` does of each of several images of one size, which go through the network together."""
    height, width = images[0].shape[:2]
    classes = [_checked(one, localizer.class_count) for one in present]
    shown = [at for at, known in enumerate(classes) if known]
    found = [ActivationMaps.empty(height, width) for _ in images]
    if not shown:
        return found
    device = next(localizer.parameters()).device
    totals = [torch.zeros(len(classes[at]), height, width, device=device) for at in shown]
    network, settings = localizer.prepared(inference or Inference(), every_map)
    with torch.inference_mode():
        for number, scale in enumerate(settings.scales):
            size = localizer.input_size(height, width, scale, settings.working_side)
            resized = [resize(images[at], *size) for at in shown]
            each = _maps_at_stride(network, resized, [classes[at] for at in shown], settings, number)
            for total, maps in zip(totals, each, strict=True):
                maps = maps[None]
                if localizer.aligned_corners:
                    maps = F.interpolate(maps, size, mode="bilinear", align_corners=True)
                total += F.interpolate(maps, (height, width), mode="bilinear", align_corners=False)[0]
    for at, total in zip(shown, totals, strict=True):
        found[at] = ActivationMaps(in_range(total, localizer.map_range).cpu().numpy(), classes[at])
    return found


def infer_features(
    localizer: Localizer,
    image: NDArray[np.uint8],
    inference: Inference | None = None,
    compute: Callable[[Tensor], Tensor] | None = None,
) -> NDArray[np.float32]:
    """Return the pixel features (D,h,w) float32 of one image (H,W,3) uint8 at scale 1; tiled as its maps are.

    `compute` makes features of a batch, (1,3,H,W) to (1,D,h,w); the localizer's `pixel_features` without it.
    """
    settings = (inference or Inference()).resolved()
    height, width = image.shape[:2]
    resized = resize(image, *localizer.input_size(height, width, side=settings.working_side))
    with evaluating(localizer), torch.inference_mode():
        run = compute or localizer.pixel_features
        features = localizer.over_image(lambda batch: run(batch)[0], [resized], settings, localizer.stride)
    return features.cpu().numpy()


def label_loss(logits: Tensor, labels: Tensor, weights: Tensor | None = None) -> Tensor:
    """Return the multi-label soft margin loss: its mean over the known labels of an image, then over the images.

    Parameters
    ----------
    logits, labels : Tensor
        (B,C); labels in {0, 1}, nan where not known.
    weights : Tensor, optional
        (B,): how much each image counts.
    """
    known = ~labels.isnan()
    each = F.binary_cross_entropy_with_logits(logits.float(), labels.nan_to_num(0.0), reduction="none")
    means = (each * known).sum(1) / known.sum(1).clamp(min=1)
    return mean(means if weights is None else means * weights)


def in_range(total: Tensor, how: str, ends: tuple[Tensor, Tensor] | None = None) -> Tensor:
    """Return maps (K,H,W) in [0, 1] as `Localizer.map_range` says; SEAM's fall just below 0 and are clamped here.

    `ends` are minimum and maximum (K,1,1) of what these are means of; their own without.
    """
    lowest, highest = ends or (total.amin((1, 2), keepdim=True), total.amax((1, 2), keepdim=True))
    if how == "max":
        lowest = torch.zeros_like(highest)
    else:
        total = torch.where(total < lowest + _EPSILON, 0.0, total) - lowest - _EPSILON
    return (total / (highest - lowest + _EPSILON)).clamp_(0, 1)


def every_map(localizer: Localizer, images: Tensor) -> Tensor:
    """Return the maps (B,C,h,w) in [0, 1] of all classes."""
    everything = torch.ones(len(images), localizer.class_count, dtype=torch.bool, device=images.device)
    maps = localizer.localize(images, everything)
    return maps / (maps.amax((2, 3), keepdim=True) + _EPSILON)


def _maps_at_stride(
    localizer: Localizer,
    images: Sequence[View],
    classes: Sequence[tuple[int, ...]],
    settings: Inference,
    at: int,
) -> list[Tensor]:
    """Return maps (K, ceil(H/stride), ceil(W/stride)) of each of several images at scale number `at`, views added."""
    device = next(localizer.parameters()).device
    # Mirrored as a whole, not tile by tile: the cells of both views then lie where they do without tiles.
    seen = settings.views(at)
    views = [mirrored(image) if is_mirrored else image for image in images for is_mirrored in seen]
    of_views = [known for known in classes for _ in seen]
    labels = torch.zeros(len(views), localizer.class_count, dtype=torch.bool, device=device)
    for row, known in enumerate(of_views):
        labels[row, known] = True

    def compute(batch: Tensor) -> Tensor:
        maps = localizer.localize(batch, labels)
        return torch.cat([one[list(known)] for one, known in zip(maps, of_views, strict=True)])  # (all K, h, w)

    whole = localizer.over_image(compute, views, settings, localizer.stride)
    parts = whole.split([len(known) for known in of_views])
    each = [part.flip(2) if seen[place % len(seen)] else part for place, part in enumerate(parts)]
    return [each[0] + each[1] for each in zip(each[::2], each[1::2], strict=True)] if len(seen) > 1 else each


def _checked(present: Iterable[int], class_count: int) -> tuple[int, ...]:
    classes = tuple(sorted({int(k) for k in present}))
    if any(not 0 <= k < class_count for k in classes):
        raise LabelError(
            f"Labels name the classes {classes}, the localizer knows 0 to {class_count - 1}. "
            "Retrain it with the project's classes."
        )
    return classes
