"""What the networks of all shelves share: they stand on a trunk, are built from plain JSON types, saved and restored.

Shelves may not import each other; this is below them.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

import torch
from torch import Tensor, nn

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import StepError
from napari_wsss.core.inference import Inference, SegmentInference
from napari_wsss.core.parameters import NoParameters, from_dict, to_dict
from napari_wsss.core.registry import Shelf, load_method
from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.networks.dense import as_batch, evaluating, run_tiled
from napari_wsss.networks.device import autocast, background_threads, choose_device, laid_out
from napari_wsss.networks.fold import folded
from napari_wsss.networks.precision import inference_precision
from napari_wsss.networks.trunk import Trunk, build_trunk
from napari_wsss.pixels.by_window import View
from napari_wsss.weights.fit import load_trunk_weights
from napari_wsss.weights.normalisation import IMAGENET, Normalisation
from napari_wsss.weights.trained import Trained, load_trained, save_trained

AnyInference = TypeVar("AnyInference", Inference, SegmentInference)


class TrunkNetwork(nn.Module, ABC):
    """A network on a trunk.

    Parameters
    ----------
    parameters : Parameters, optional
        The method's own; defaults without.
    normalisation : Normalisation
        The input the trunk's weights want; it is stored with the checkpoint.

    Attributes
    ----------
    shelf : str
        Where its method stands.
    title : str
        For menus.
    published : tuple of str
        Names of weights (`weights.published`) made for this method.
    presets : mapping
        Preset name -> section -> option -> value: how it is trained, laid over the recipe's preset of that name.
    has_classes : bool
        Whether it is made for a list of classes.
    one_by_one : bool
        Whether it says something else of several images at once than of each: an exported file takes one at a time.
    not_exportable : str
        Why it cannot be written as ONNX or TorchScript; "" for most.
    trunk : Trunk
        The feature extractor.
    method : str
        Its name on the shelf.
    settings : Parameters
        The method's parameters.
    origin : str
        The checkpoint it was restored from, "" for a new one.
    side : int
        Longer side in pixels that pictures had in training (`pixels.working_size`); 0 for one that does not say.
    """

    shelf: ClassVar[Shelf]
    title: ClassVar[str]
    published: ClassVar[tuple[str, ...]] = ()
    presets: ClassVar[Mapping[str, Mapping[str, Mapping[str, Any]]]] = {}
    has_classes: ClassVar[bool] = False
    one_by_one: ClassVar[bool] = False
    not_exportable: ClassVar[str] = ""
    Parameters: ClassVar[type[Any]] = NoParameters

    if TYPE_CHECKING:  # torch registers a module that is set under the name, which a real property would hide

        @property
        def trunk(self) -> Trunk:
            """The feature extractor: set by the shelf's base, or found in the method's own network."""

    def __init__(self, parameters: Any | None = None, normalisation: Normalisation = IMAGENET) -> None:
        super().__init__()
        self.settings = self.Parameters() if parameters is None else parameters
        self.normalisation = normalisation
        self.side = 0
        self.method = type(self).__module__.rpartition(".")[2]
        self.origin = ""

    def load_weights(self, source: str) -> Normalisation:
        """Start from weights and return the input they expect; it becomes the network's.

        Parameters
        ----------
        source : str
            A file or a published name. Here they are the trunk's.

        Raises
        ------
        WeightsError
            When they cannot be read or do not fit.
        """
        self.normalisation = load_trunk_weights(self.trunk, source).normalisation
        return self.normalisation

    def trunk_parameters(self) -> Iterator[nn.Parameter]:
        """Return what a small learning rate is for: the trunk's weights that learn."""
        return (weight for weight in self.trunk.parameters() if weight.requires_grad)

    def head_parameters(self) -> Iterator[nn.Parameter]:
        """Return what a large learning rate is for: every weight outside the trunk."""
        inside = {id(weight) for weight in self.trunk.parameters()}
        return (weight for weight in self.parameters() if id(weight) not in inside and weight.requires_grad)

    def prepared(self, settings: AnyInference, run: Callable[[Self, Tensor], Tensor]) -> tuple[Self, AnyInference]:
        """Return the network with its batch norm folded, and the settings with preset and precision decided.

        `run` returns the network's result in [0, 1] on a batch (B,3,H,W).
        """
        settings = settings.resolved()
        with evaluating(self):
            network = folded(self, run)
        return network, replace(settings, precision=inference_precision(settings.precision, network, run))

    def over_image(
        self,
        compute: Callable[[Tensor], Tensor],
        views: Sequence[View],
        settings: Inference | SegmentInference,
        stride: int,
    ) -> Tensor:
        """Return what `compute` makes of a batch of views of one image, as (D, ceil(H/stride), ceil(W/stride)).

        Parameters
        ----------
        compute : callable
            Makes (D,h,w) of a batch (V,3,H,W).
        views : sequence of (H, W, 3) uint8, or of `ScaledView`
            Of one size, which the weights want; above `settings.pixel_budget` they are cut into tiles alike.
        settings : Inference or SegmentInference
            With a decided precision.
        stride : int
            Input pixels per cell of the result.
        """
        device = next(self.parameters()).device

        def run(rows: slice, columns: slice) -> Tensor:
            batch = as_batch([self.normalisation.apply(view[rows, columns]) for view in views], device)
            with autocast(device, settings.precision):
                return compute(batch).float()

        budget, overlap = settings.pixel_budget, settings.tile_overlap
        return self.believed(run_tiled(run, *views[0].shape[:2], stride=stride, pixel_budget=budget, overlap=overlap))

    def believed(self, found: Tensor) -> Tensor:
        """Return what the network found; raise `StepError` where it is no number (NaN, infinity): it knows nothing."""
        if bool(torch.isfinite(found).all()):
            return found
        name = self.origin or f"This {self.shelf} network ({self.method})"
        raise StepError(
            f"{name} gives results that are no numbers (NaN), so nothing is taken from it. Choose another model, train "
            "again, or compute in full precision."
        )

    def remember(self, run: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what a checkpoint keeps of a run; a method may add facts that `recall` finds again."""
        return run

    def recall(self, run: Mapping[str, Any]) -> None:
        """Take back what `remember` added."""

    @classmethod
    def build(
        cls,
        method: str,
        trunk: TrunkChoice | None = None,
        parameters: Mapping[str, Any] | None = None,
        *,
        class_count: int | None = None,
    ) -> Self:
        """Return a new network of a method of this shelf.

        Parameters
        ----------
        method : str
        trunk : TrunkChoice, optional
            With `weights` these are loaded and bring their normalisation.
        parameters : mapping, optional
            The method's, plain JSON types.
        class_count : int, optional
            Foreground classes, for shelves whose networks have classes.

        Raises
        ------
        StepError, ParameterError, WeightsError
            For an unknown method or trunk, parameters it does not have, weights that do not fit.
        """
        made = load_method(cls.shelf, method)
        choice = trunk or TrunkChoice()
        try:
            features = build_trunk(
                choice.name, output_stride=choice.output_stride, width=choice.width, dilated=choice.dilated
            )
            classes = () if class_count is None else (class_count,)
            network: Self = made(*classes, features, from_dict(made.Parameters, parameters or {}))
        except ValueError as reason:
            raise StepError(str(reason)) from reason
        network.method = method
        if features.own_weights:
            network.normalisation = Normalisation(features.own_weights.mean, features.own_weights.std)
        if choice.weights:
            network.load_weights(choice.weights)
        return network

    def save(self, path: Path, classes: ClassList | None, run: Mapping[str, Any]) -> None:
        """Publish the network as one ``.safetensors`` file that `restore` needs nothing else for.

        Parameters
        ----------
        path : Path
        classes : ClassList or None
            Order of its outputs (of a segmenter, after the background); None for networks without classes.
        run : mapping
            What the training wants to remember, plain JSON types.
        """
        features = self.trunk
        trunk = TrunkChoice(features.name, features.output_stride, features.width, dilated=features.dilated)
        parameters = to_dict(self.settings)
        about = (self.shelf, self.method, parameters, trunk, self.normalisation)
        what = Trained(*about, classes, self.remember(run), self.side)
        save_trained(path, self.state_dict(), what)

    @classmethod
    def restore(
        cls, path: Path, device: str = "auto", *, background: bool = False
    ) -> tuple[Self, ClassList | None, Trained]:
        """Return the network at `path` in evaluation mode, its classes (None for shelves without) and its description.

        Parameters
        ----------
        path : Path
        device : str
            As `networks.device.choose_device` takes it.
        background : bool
            Leave one core to a window.

        Raises
        ------
        WeightsError
            When the file is damaged, or holds no network of this shelf.
        StepError
            When its method is not installed, or the device is not there.
        """
        if background:
            background_threads()
        state, what = load_trained(path, cls.shelf)
        classes = what.known_classes() if load_method(cls.shelf, what.method).has_classes else None
        class_count = None if classes is None else len(classes)
        network = cls.build(what.method, what.trunk, what.parameters, class_count=class_count)
        network.normalisation, network.side = what.normalisation, what.side
        network.recall(what.run)
        network.origin = str(path)
        network.load_state_dict(state)
        try:
            target = choose_device(device)
        except ValueError as reason:
            raise StepError(str(reason)) from reason
        return laid_out(network.eval().to(target)), classes, what
