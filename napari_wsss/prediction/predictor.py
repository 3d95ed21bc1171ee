"""A trained network as `predict` uses it, wherever it comes from: a picture and its labels in, maps out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import StepError, WeightsError
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.prediction.description import Kind

ONNX = ".onnx"
CHECKPOINTS = ("best.safetensors", "last.safetensors")
"""What of a run folder is taken, the first that is there."""


class Predictor(Protocol):
    """A network on pictures of any size; several threads may ask it at once."""

    kind: Kind
    classes: ClassList

    def predict(self, image: NDArray[np.uint8], present: Sequence[int] | None) -> ActivationMaps:
        """Return what it sees in an image (H,W,3) uint8 RGB.

        Parameters
        ----------
        present : sequence of int or None
            0-based class indices of the image-level labels; None where nobody says.

        Returns
        -------
        ActivationMaps
            Of a segmenter the probabilities of the present classes (all of them where nobody says) and background,
            which sum to 1. Of a localizer the maps in [0, 1], without labels of the classes it finds in the picture.
        """


def open_predictor(path: Path, device: str, threads: int = 0, options: dict[str, Any] | None = None) -> Predictor:
    """Return the network at `path`.

    Parameters
    ----------
    path : Path
        A checkpoint of ours, the folder of a run, or an exported ``.onnx`` file (which needs no torch).
    device : str
        As `networks.device.choose_device` takes it; ONNX files run on the CPU.
    threads : int
        CPU threads of one picture; 0 leaves that to the library.
    options : dict, optional
        Fields of `Inference` or `SegmentInference` that are not the defaults, plain JSON types, and ``presence``.

    Raises
    ------
    WeightsError
        When it cannot be read or is no network for pictures.
    StepError
        When what it needs is not installed.
    ParameterError
        For options that its kind does not have.
    """
    file, options = model_file(path), options or {}
    try:
        if file.suffix.lower() == ONNX:
            from napari_wsss.prediction.onnx_network import OnnxNetwork

            return OnnxNetwork.open(file, threads, options)
        from napari_wsss.prediction.checkpoint import Checkpoint

        return Checkpoint.open(file, device, threads, options)
    except ModuleNotFoundError as missing:
        extra = "onnx" if file.suffix.lower() == ONNX else "torch"
        raise StepError(
            f"{file.name} needs the package {missing.name!r}, which is not installed. Install it with: "
            f'pip install "napari-wsss[{extra}]".',
            missing=(extra,),
        ) from missing


def model_file(path: Path) -> Path:
    """Return the model's file; of a run's folder its best checkpoint.

    Raises
    ------
    WeightsError
        When there is none.
    """
    if path.is_dir():
        found = next((path / name for name in CHECKPOINTS if (path / name).is_file()), None)
        if found is None:
            raise WeightsError(
                f"The folder {path} holds no {' and no '.join(CHECKPOINTS)}; give the folder of a finished run, a "
                "checkpoint (.safetensors), or an exported network (.onnx)."
            )
        return found
    if not path.is_file():
        raise WeightsError(f"There is no model at {path}; give a checkpoint, the folder of a run, or an .onnx file.")
    return path
