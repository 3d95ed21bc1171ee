"""The SAM family as a pair of ONNX files: an encoder of pictures and a decoder of prompts.

Segment Anything (Kirillov et al., "Segment Anything", ICCV 2023), MobileSAM and others are handed around as such pairs.
The encoder turns a picture, its long side scaled to 1024, into an embedding (256, 64, 64), once; the decoder answers
each prompt from it within some 50 ms. The decoder of the official export keeps one of its four masks by a rule of its
own. Where its graph has that rule, all four are handed out instead: who knows which class is meant chooses better
(`answering`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_wsss.core.errors import StepError, WeightsError
from napari_wsss.pixels.clicks.prompts import Prompt

SIDE = 1024
"""Long side of the picture that the encoder sees, in pixels."""
LOGITS = 256
"""Side of the low-resolution logits that decoders give and take."""
MEAN = np.array((123.675, 116.28, 103.53), np.float32)
DEVIATION = np.array((58.395, 57.12, 57.375), np.float32)
DECODER_INPUTS = {"image_embeddings", "point_coords", "point_labels", "mask_input", "has_mask_input", "orig_im_size"}
ANSWERS = ("low_res_masks", "iou_predictions")
_ON, _OFF, _TOP_LEFT, _BOTTOM_RIGHT, _PADDING = 1, 0, 2, 3, -1
Embedding = NDArray[np.float16]
Logits = NDArray[np.float32]


@dataclass(frozen=True)
class Candidates:
    """The masks a decoder offers for one prompt.

    Parameters
    ----------
    logits : (M, h, w) float32
        Above 0 is inside; the picture without the padding, long side `LOGITS`.
    qualities : (M,) float32
        The intersection over union that the network expects of each.
    """

    logits: Logits
    qualities: NDArray[np.float32]


def check_pair(encoder: Path, decoder: Path) -> None:
    """Raise `WeightsError` where a file is no encoder, or no decoder, of the SAM family; it says why in a sentence."""
    _encoder(str(encoder))
    read_decoder(decoder)


def read_decoder(decoder: Path) -> None:
    """Read a decoder, which is kept; raises `WeightsError` where it is none."""
    _decoder(str(decoder))


def is_decoder(path: Path) -> bool:
    """Return True where a file has the inputs of a decoder; raises where it cannot be read."""
    return {one.name for one in _opened(str(path), "network").get_inputs()} >= DECODER_INPUTS


def embed(encoder: Path, pixels: NDArray[np.uint8]) -> Embedding:
    """Return the embedding (256, 64, 64) float16 of a picture (H, W, 3) uint8 RGB.

    Raises
    ------
    WeightsError
        When the file cannot be read or is no encoder of this family.
    StepError
        When onnxruntime is missing.
    """
    session = _encoder(str(encoder))
    height, width = scaled(pixels.shape[:2], SIDE)
    small = np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BILINEAR), np.float32)
    padded = np.zeros((1, 3, SIDE, SIDE), np.float32)
    padded[0, :, :height, :width] = np.moveaxis((small - MEAN) / DEVIATION, 2, 0)
    (found,) = session.run(None, {session.get_inputs()[0].name: padded})
    return np.asarray(found[0], np.float16)


def decode(
    decoder: Path, embedding: Embedding, size: tuple[int, int], prompt: Prompt, before: Logits | None = None
) -> Candidates:
    """Return the masks that answer a prompt.

    Parameters
    ----------
    decoder : Path
    embedding : (256, 64, 64) float16
        Of the picture.
    size : (int, int)
        Height and width of the picture.
    prompt : Prompt
    before : (h, w) float32, optional
        Logits of an answer before, which the network is to better.

    Raises
    ------
    WeightsError
        When the file cannot be read or is no decoder of this family.
    StepError
        When onnxruntime is missing.
    """
    session, outputs = _decoder(str(decoder))
    height, width = scaled(size, LOGITS)
    known = np.zeros((1, 1, LOGITS, LOGITS), np.float32)
    if before is not None:
        known[0, 0, :height, :width] = before
        known[0, 0, height:], known[0, 0, :, width:] = before.min(), before.min()
    points, labels = _points(prompt, size)
    given = {
        "image_embeddings": np.asarray(embedding[None], np.float32),
        "point_coords": points[None],
        "point_labels": labels[None],
        "mask_input": known,
        "has_mask_input": np.array([before is not None], np.float32),
        "orig_im_size": np.array([LOGITS, LOGITS], np.float32),
    }
    logits, qualities = session.run(outputs, given)
    return Candidates(np.asarray(logits[0, :, :height, :width], np.float32), np.asarray(qualities[0], np.float32))


def scaled(size: tuple[int, ...], side: int) -> tuple[int, int]:
    """Return height and width of a picture whose long side is scaled to `side`."""
    scale = side / max(size)
    return max(1, int(size[0] * scale + 0.5)), max(1, int(size[1] * scale + 0.5))


def _points(prompt: Prompt, size: tuple[int, int]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return a prompt as points (N, 2), x and y in the scaled picture, and what they say (N,)."""
    points = [(click.column + 0.5, click.row + 0.5) for click in prompt.clicks]
    labels = [_ON if click.is_thing else _OFF for click in prompt.clicks]
    if prompt.box is not None:
        points += [(prompt.box.left, prompt.box.top), (prompt.box.right, prompt.box.bottom)]
        labels += [_TOP_LEFT, _BOTTOM_RIGHT]
    else:
        points, labels = [*points, (0, 0)], [*labels, _PADDING]
    height, width = scaled(size, SIDE)
    scale = np.array([width / size[1], height / size[0]], np.float32)
    return np.array(points, np.float32) * scale, np.array(labels, np.float32)


# -- reading the files ----------------------------------------------------------------------------------------


@lru_cache(maxsize=2)
def _encoder(path: str) -> Any:
    session = _opened(path, "encoder")
    inputs, shape = session.get_inputs(), list(session.get_inputs()[0].shape)
    if len(inputs) != 1 or len(shape) != 4 or shape[1] != 3 or shape[2:] not in ([SIDE, SIDE], [None, None]):
        raise WeightsError(
            f"{path} is no encoder of the SAM family: expected one input of 1 x 3 x {SIDE} x {SIDE}, found "
            f"{_told({one.name: one.shape for one in inputs})}. Choose the file that turns pictures into embeddings."
        )
    return session


@lru_cache(maxsize=2)
def _decoder(path: str) -> tuple[Any, tuple[str, ...]]:
    session = _opened(path, "decoder")
    inputs = {one.name: one.shape for one in session.get_inputs()}
    if not set(inputs) >= DECODER_INPUTS or not set(ANSWERS) <= {one.name for one in session.get_outputs()}:
        raise WeightsError(
            f"{path} is no decoder of the SAM family: expected the inputs {', '.join(sorted(DECODER_INPUTS))}, found "
            f"{_told(inputs)}. Choose the file that turns clicks into masks, as SAM's own export writes it."
        )
    return _with_all_masks(path, session)


def _told(inputs: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {list(shape)}" for name, shape in inputs.items()) or "none"


def _opened(path: str, kind: str, content: bytes | None = None) -> Any:
    """Return an onnxruntime session of a file, or of a changed copy of its content."""
    runtime = _runtime()
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 2 if kind == "decoder" else 0  # an answer is awaited; 0 leaves it to the library
    if not Path(path).is_file():
        raise WeightsError(f"There is no file {path}; choose the {kind} of a SAM-family pair (.onnx).")
    try:
        return runtime.InferenceSession(content or path, options, providers=["CPUExecutionProvider"])
    except runtime.capi.onnxruntime_pybind11_state.NoSuchFile as reason:
        raise WeightsError(f"There is no file {path}; choose the {kind} of a SAM-family pair (.onnx).") from reason
    except _refusals(runtime) as reason:
        line = str(reason).splitlines()[0]
        raise WeightsError(
            f"{path} cannot be read as an ONNX network ({line}); choose the {kind} of a SAM-family pair (.onnx)."
        ) from reason


def _refusals(runtime: ModuleType) -> tuple[type[Exception], ...]:
    known = runtime.capi.onnxruntime_pybind11_state
    return known.InvalidProtobuf, known.InvalidGraph, known.Fail, known.InvalidArgument, known.NotImplemented


def _runtime() -> ModuleType:
    try:
        import onnxruntime
    except ImportError as reason:
        raise StepError(
            "The promptable segmenter needs the package onnxruntime, which is not installed. Install it with: "
            'pip install "napari-wsss[onnx]". Clicks are answered by colours and maps until then.',
            missing=("onnx",),
        ) from reason
    found: ModuleType = onnxruntime
    return found


def _with_all_masks(path: str, session: Any) -> tuple[Any, tuple[str, ...]]:
    """Return a session that gives all masks where the file keeps one of them, and its two outputs' names."""
    shapes = {one.name: one.shape for one in session.get_outputs()}
    if shapes[ANSWERS[0]][1] != 1:
        return session, ANSWERS
    try:
        import onnx
    except ImportError:
        return session, ANSWERS
    model = onnx.load(path)
    hidden = [_before_choice(model.graph, name) for name in ANSWERS]
    if not all(hidden):
        return session, ANSWERS
    for name in hidden:
        model.graph.output.append(onnx.ValueInfoProto(name=name))
    return _opened(path, "decoder", model.SerializeToString()), tuple(hidden)


def _before_choice(graph: Any, output: str) -> str:
    """Return the tensor out of which an output is picked, "" where the graph does not pick one."""
    makers = {name: node for node in graph.node for name in node.output}
    name = output
    while name in makers and makers[name].op_type in ("Unsqueeze", "Squeeze", "Reshape"):
        name = makers[name].input[0]
    if name not in makers or makers[name].op_type not in ("Gather", "GatherND"):
        return ""
    name = makers[name].input[0]
    return makers[name].input[0] if name in makers and makers[name].op_type == "Flatten" else str(name)
