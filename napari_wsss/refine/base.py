"""The contract of a refinement step: maps in, better maps of the same classes and size out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from importlib import import_module
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.errors import StepError
from napari_wsss.core.evidence import NOTHING, Evidence
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.parameters import NoParameters
from napari_wsss.core.progress import Steps
from napari_wsss.core.registry import method_title

Input = Literal["background", "saliency", "affinity", "features"]


class Refiner(ABC):
    """One step of the chain that turns activation maps into a pseudo mask.

    Parameters
    ----------
    parameters : Parameters, optional
        The step's own; defaults without.

    Attributes
    ----------
    title : str
        For menus.
    needs, gives : frozenset of str
        What the maps must carry before the step (checked before a run starts) and what they carry after it.
    cheap : bool
        True when the step takes milliseconds, so that its result is recomputed instead of stored.
    requires : mapping of str to (str, str)
        Optional modules it imports late: the extra of this package that brings them, and how to install it.
    settings : Parameters
        The step's parameters.

    Raises
    ------
    StepError
        When a library the step needs is not installed (see `check_installed`).
    """

    title: ClassVar[str]
    needs: ClassVar[frozenset[Input]] = frozenset()
    gives: frozenset[Input] = frozenset()  # a step's settings may add to it
    cheap: ClassVar[bool] = False
    requires: ClassVar[Mapping[str, tuple[str, str]]] = {}
    instead: ClassVar[str] = ""
    Parameters: ClassVar[type] = NoParameters

    def __init__(self, parameters: Any | None = None) -> None:
        self.check_installed()
        self.settings = self.Parameters() if parameters is None else parameters

    @classmethod
    def check_installed(cls) -> None:
        """Raise `StepError` saying what to install when a module the step `requires` cannot be imported."""
        for module, (extra, advice) in cls.requires.items():
            try:
                import_module(module)
            except ImportError as reason:
                title = method_title("refine", cls.instead) if cls.instead else ""
                nearest = f"{title} ({cls.instead}) comes nearest; the " if title else ""
                raise StepError(
                    f"{cls.title} needs {module.partition('.')[0]}, which cannot be imported here ({reason}). "
                    f"Install the extra `{extra}`: {advice} {nearest or 'The '}other refinement steps work without it.",
                    missing=(extra,),
                    instead=cls.instead,
                ) from reason

    @abstractmethod
    def refine(self, image: NDArray[np.uint8], maps: ActivationMaps, evidence: Evidence = NOTHING) -> ActivationMaps:
        """Return refined maps of the same classes and size, scores in [0, 1].

        Parameters
        ----------
        image : (H, W, 3) uint8
            RGB; never written to.
        maps : ActivationMaps
            Scores (K,H,W); K may be 0.
        evidence : Evidence
            Asked for what the step `needs` beyond the maps (features, saliency).

        Raises
        ------
        StepError
            When image and maps differ in size, or maps or evidence lack what the step `needs`.
        """

    def steps(
        self, image: NDArray[np.uint8], maps: ActivationMaps, evidence: Evidence = NOTHING
    ) -> Steps[ActivationMaps]:
        """Refine, yielding `Progress` where a long step can be watched and cancelled; here nowhere."""
        yield from ()
        return self.refine(image, maps, evidence)

    def changed_with(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the parameters to set so that `values`, changed by a person, count; here these and no others."""
        return values

    def applied_to(self, classes: tuple[int, ...]) -> Refiner | None:
        """Return the step for an image of these classes (0-based indices), None when it leaves such an image as it is.

        Settings about other classes are left out, so that changing them makes no stored result of this image old.
        """
        return self

    def at_scale(self, factor: float) -> Refiner:
        """Return the step for the same image at `factor` times its size: settings in pixels are scaled with it."""
        return self

    def check_input(self, image: NDArray[np.uint8], maps: ActivationMaps) -> None:
        """Raise `StepError` when image and maps differ in size or the maps lack a background the step needs."""
        if image.shape[:2] != maps.size:
            raise StepError(
                f"The image has {image.shape[:2]} pixels (height, width), its maps {maps.size}. Compute the maps anew."
            )
        if "background" in self.needs and maps.background is None:
            raise StepError(
                f"{self.title} needs a background score. Put a background step (constant or power) before it.",
                missing=("background",),
            )


def saliency_for(maps: ActivationMaps, evidence: Evidence) -> NDArray[np.float32]:
    """Return the saliency (H,W) of the maps' image; raise `StepError` when there is none, or of another size."""
    saliency = evidence.saliency().values
    if saliency.shape != maps.size:
        raise StepError(
            f"The saliency map has {saliency.shape} pixels (height, width), the maps {maps.size}; expected the same. "
            "Make the saliency map from this image."
        )
    return saliency
