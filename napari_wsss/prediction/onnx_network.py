"""An exported network on pictures by onnxruntime, without torch: the same sizes, scales, tiles and sums as with it.

What `segment.base.predict` and `localize.base.infer_maps` do around a network is done here with numpy, by what the file
says of itself (`Description`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as states

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import StepError, WeightsError
from napari_wsss.core.files import check_regular, parsed_object
from napari_wsss.core.inference import Inference, SegmentInference
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.parameters import from_dict
from napari_wsss.networks.tiles import spans, tile_size
from napari_wsss.pixels.resizing import resize, scaled_size
from napari_wsss.pixels.working_size import factor_to
from napari_wsss.prediction.description import INPUT, KEY, LABELS, OUTPUTS, Description, Kind
from napari_wsss.prediction.seen import Planes, enlarged, from_probabilities, said_present

_QUIET = 3  # errors only: that labels have a default is said as a warning
_EPSILON = 1e-5  # as in `localize.base`
DAMAGED = (
    *(states.Fail, states.InvalidArgument, states.InvalidGraph, states.InvalidProtobuf),
    *(states.NotImplemented, states.RuntimeException),
)
"""What onnxruntime raises for graphs it cannot read or carry out."""
Pixels = NDArray[np.uint8]


class OnnxNetwork:
    """A segmenter or localizer from an exported file."""

    def __init__(
        self, session: Any, what: Description, settings: Inference | SegmentInference, presence: float
    ) -> None:
        self._session, self.what = session, what
        self.kind: Kind = what.kind
        self.classes: ClassList = what.classes
        self._settings, self._presence = settings.resolved(), presence

    @classmethod
    def open(cls, path: Path, threads: int, options: dict[str, Any]) -> OnnxNetwork:
        """Return the network at `path`; parameters and errors as `open_predictor`."""
        session = onnx_session(path, threads)
        record = session.get_modelmeta().custom_metadata_map.get(KEY)
        if record is None:
            raise WeightsError(
                f"{path} is an ONNX file that says nothing of classes and sizes; expected one that "
                "`napari-wsss export-model` wrote."
            )
        try:
            what = Description.from_dict(parsed_object(record))
        except ValueError as reason:
            raise WeightsError(f"The description inside {path} cannot be read ({reason}). Export it again.") from reason
        own = {name: value for name, value in options.items() if name != "presence"}
        settings = from_dict(SegmentInference, own) if what.kind == "segment" else from_dict(Inference, own)
        return cls(session, what, settings, options.get("presence", 0.5))

    def predict(self, image: Pixels, present: Sequence[int] | None) -> ActivationMaps:
        """Return what it sees in an image, as `Predictor` says."""
        if self.kind == "segment":
            return from_probabilities(self._probabilities(image, present), present)
        if present is None:
            size = self._input_size(image, 1.0)
            logits = self._run(resize(image, *size)[None], self._labels(None))[1][0]
            present = said_present(logits, self._presence)
        return self._maps(image, tuple(sorted(set(present))))

    def _probabilities(self, image: Pixels, present: Sequence[int] | None) -> Planes:
        """Return probabilities (C+1,H,W), the mean of all views."""
        height, width = image.shape[:2]
        total = np.zeros((len(self.classes) + 1, height, width), np.float32)
        for at, scale in enumerate(self._settings.scales):
            factor = scale * self.what.enlargement
            size = self.what.normalisation.fit_size(*scaled_size(height, width, factor))
            found = self._views(resize(image, *size), self._labels(present), at)
            total += enlarged(found, height, width)
        total /= total.sum(0)
        return total

    def _maps(self, image: Pixels, classes: tuple[int, ...]) -> ActivationMaps:
        """Return the maps of `classes`, added over all views, each divided by its maximum."""
        height, width = image.shape[:2]
        total = np.zeros((len(classes), height, width), np.float32)
        for at, scale in enumerate(self._settings.scales if classes else ()):
            size = self._input_size(image, scale)
            maps = self._views(resize(image, *size), self._labels(classes), at)[list(classes)]
            maps = enlarged(maps, *size, aligned=True) if self.what.aligned_corners else maps
            total += enlarged(maps, height, width)
        return ActivationMaps(_in_range(total, self.what.map_range), classes)

    def _input_size(self, image: Pixels, scale: float) -> tuple[int, int]:
        height, width = image.shape[:2]
        wanted = getattr(self._settings, "working_side", 0) or self.what.side
        return self.what.normalisation.fit_size(*scaled_size(height, width, scale * factor_to(height, width, wanted)))

    def _views(self, image: Pixels, labels: NDArray[np.bool_], at: int) -> Planes:
        """Return the planes of an image resized to scale number `at`: those of its views averaged, or (maps) added."""
        found = [self._view(image, labels, is_mirrored) for is_mirrored in self._settings.views(at)]
        if len(found) == 1:
            return found[0]
        both: Planes = found[0] + found[1]
        return both * np.float32(0.5) if self.kind == "segment" else both

    def _view(self, image: Pixels, labels: NDArray[np.bool_], is_mirrored: bool) -> Planes:
        if not is_mirrored:
            return self._tiled(image, labels)
        return self._tiled(np.ascontiguousarray(image[:, ::-1]), labels)[:, :, ::-1]

    def _tiled(self, image: Pixels, labels: NDArray[np.bool_]) -> Planes:
        """Return the planes (D, ceil(H/stride), ceil(W/stride)) of a resized image, tile by tile where it is large."""
        height, width = image.shape[:2]
        settings, stride = self._settings, self.what.stride
        tall, wide = tile_size(height, width, settings.pixel_budget, settings.tile_overlap)
        lines = []
        for row in spans(height, tall, settings.tile_overlap):
            line = []
            for column in spans(width, wide, settings.tile_overlap):
                tile = image[row.start : row.stop, column.start : column.stop]
                planes = self._run(tile[None], labels)[0][0]
                line.append(planes[:, row.cells(stride), column.cells(stride)])
            lines.append(np.concatenate(line, 2))
        return np.concatenate(lines, 1)

    def _labels(self, present: Sequence[int] | None) -> NDArray[np.bool_]:
        """Return labels (1,C): the present classes, or those that the network knows."""
        labels = np.zeros((1, len(self.classes)), bool)
        labels[0, list(present) if present is not None else np.flatnonzero(self.what.known)] = True
        return labels

    def _run(self, images: Pixels, labels: NDArray[np.bool_]) -> list[Planes]:
        found: list[Planes] = self._session.run(list(OUTPUTS[self.kind]), {INPUT: images, LABELS: labels})
        if not np.isfinite(found[0]).all():
            raise StepError("The network gives results that are no numbers (NaN), so nothing is taken from it.")
        return found


def onnx_session(path: Path, threads: int = 0) -> Any:
    """Return the session of an ONNX file on the CPU, with so many threads (0: all cores).

    Raises
    ------
    WeightsError
        When the file is damaged, or wants what this onnxruntime does not have.
    """
    check_regular(path)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, _QUIET
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except DAMAGED as reason:
        raise WeightsError(
            f"{path.name} cannot be opened by onnxruntime {onnxruntime.__version__} ({reason}). Export it again, with "
            "an older --opset where this one is not known, or install a newer onnxruntime."
        ) from reason


def _in_range(total: Planes, how: str) -> Planes:
    """Return maps (K,H,W) in [0, 1], as `localize.base.in_range`."""
    lowest, highest = np.zeros_like(total[:, :1, :1]), total.max((1, 2), keepdims=True)
    if how == "min_max":
        lowest = total.min((1, 2), keepdims=True)
        total = np.where(total < lowest + _EPSILON, np.float32(0), total) - lowest - np.float32(_EPSILON)
    found: Planes = np.clip(total / (highest - lowest + np.float32(_EPSILON)), 0, 1)
    return found
