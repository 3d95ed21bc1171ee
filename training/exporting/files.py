"""A network as an ONNX or a TorchScript file, compared with the original before anybody gets it.

The graph is traced, so whatever depends on the size of a picture in a way that tracing cannot follow is fixed in it;
the comparison at other sizes and batches than the traced one finds that out. The file is published after it alone.
"""

import io
import json
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import StepError
from napari_wsss.core.files import publish_bytes
from napari_wsss.prediction.description import INPUT, KEY, LABELS, OUTPUTS, Description
from training.exporting.graph import describe, graph_of

OPSET = 17
OPSETS = range(15, 22)
"""What this exporter writes all our networks with."""
MOST_DIFFERENCE = 1e-3
"""Between results in [0, 1] of the file and of the network it was made from."""
SIZES = ((64, 96), (97, 129), (161, 65), (200, 300))
"""Heights and widths that are compared, beside the traced one."""
_TRACED = (2, 96, 128)
_STDOUT = 1
Run = Callable[[Tensor, Tensor], list[Tensor]]


def export_onnx(network: Any, classes: ClassList, path: Path, facts: dict[str, Any], opset: int = OPSET) -> float:
    """Write a segmenter or localizer as ONNX and return how far the file's results are from the network's.

    Without ``labels`` its classes are those that the network knows: they are an input with a default.

    Parameters
    ----------
    network : Segmenter or Localizer
    classes : ClassList
        Of its outputs.
    path : Path
        The file; what is there is replaced.
    facts : dict
        Where the network comes from, plain JSON types; kept in the file.
    opset : int
        Version of ONNX's operators.

    Raises
    ------
    StepError
        When the method, or the opset, cannot be exported, or the file's results differ by more than `MOST_DIFFERENCE`.
    """
    import onnx

    from napari_wsss.prediction.onnx_network import DAMAGED, onnx_session

    graph, what = graph_of(network), describe(network, classes, facts)
    with TemporaryDirectory() as folder:
        traced = Path(folder) / "traced.onnx"
        with _on_cpu(network):
            _trace_onnx(graph, what, traced, opset)
            model = onnx.load(traced)
            default = np.asarray(what.known, bool)[None]
            model.graph.initializer.append(onnx.numpy_helper.from_array(default, LABELS))
            model.producer_name = "napari-wsss"
            onnx.helper.set_model_props(model, {KEY: json.dumps(what.to_dict())})
            onnx.checker.check_model(model, full_check=True)
            onnx.save(model, traced)
            session = onnx_session(traced)

            def run(images: Tensor, labels: Tensor) -> list[Tensor]:
                given = {INPUT: images.numpy(), LABELS: labels.numpy()}
                try:
                    found = session.run(list(OUTPUTS[what.kind]), given)
                except DAMAGED as reason:
                    raise RuntimeError(str(reason)) from reason
                return [torch.from_numpy(one) for one in found]

            difference = _agreed(graph, run, what)
        publish_bytes(path, traced.read_bytes())
    return difference


def export_torchscript(network: Any, classes: ClassList, path: Path, facts: dict[str, Any]) -> float:
    """Write a segmenter or localizer as TorchScript, its description beside the code; as `export_onnx`."""
    graph, what = graph_of(network), describe(network, classes, facts)
    with _on_cpu(network), _quiet():
        traced = torch.jit.trace(graph, _example(what), check_trace=False, strict=False)
        buffer = io.BytesIO()
        torch.jit.save(traced, buffer, _extra_files={f"{KEY}.json": json.dumps(what.to_dict())})
        buffer.seek(0)
        again = torch.jit.load(buffer)
        difference = _agreed(graph, lambda images, labels: list(again(images, labels)), what)
    publish_bytes(path, buffer.getvalue())
    return difference


def _trace_onnx(graph: nn.Module, what: Description, path: Path, opset: int) -> None:
    grid = ("height", "width") if what.stride == 1 else ("rows", "columns")
    batch = {} if what.one_by_one else {0: "batch"}
    first, *others = OUTPUTS[what.kind]
    axes = {INPUT: {**batch, 1: "height", 2: "width"}, LABELS: {} if what.one_by_one else {0: "labelled"}}
    axes |= {first: {**batch, 2: grid[0], 3: grid[1]}, **dict.fromkeys(others, batch)}
    named: dict[str, Any] = {"input_names": [INPUT, LABELS], "output_names": [first, *others], "dynamic_axes": axes}
    if opset not in OPSETS:
        raise StepError(f"ONNX's operators are written as version {OPSETS[0]} to {OPSETS[-1]}; found --opset {opset}.")
    try:
        with _quiet():
            # The newer exporter wants a further package, and fixes sizes it cannot follow just as this one does.
            torch.onnx.export(graph, _example(what), str(path), opset_version=opset, dynamo=False, **named)
    except (RuntimeError, ValueError) as reason:  # the exporter's own errors are the first
        raise StepError(
            f"This {what.method} network on {what.trunk} cannot be written with opset {opset} "
            f"({str(reason).strip().splitlines()[0]}). Try another --opset, or --torchscript."
        ) from reason


def _agreed(graph: nn.Module, run: Run, what: Description) -> float:
    """Return the largest difference of `run` from the graph over sizes, batches and labels; raise where it is large."""
    largest = 0.0
    for images, labels in _probes(what):
        with torch.inference_mode():
            wanted = graph(images, labels)
        try:
            found = run(images, labels)
            found_out = [_difference(*pair, what.kind) for pair in zip(wanted, found, strict=True)]
        except RuntimeError as reason:
            raise _fixed(what, f"it fails on {_in_words(images)} ({str(reason).strip().splitlines()[-1]})") from reason
        if not all(each <= MOST_DIFFERENCE for each in found_out):  # NaN is not, either
            raise _fixed(what, f"its results for {_in_words(images)} differ by {max(found_out):.2g}")
        largest = max(largest, *found_out)
    return largest


def _probes(what: Description) -> Iterator[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(0)
    count = len(what.classes)
    for at, size in enumerate((_TRACED[1:], *SIZES)):
        batch = 1 if what.one_by_one else 1 + at % 3
        fitting = what.normalisation.fit_size(*size)
        coarse = torch.rand(batch, 3, 8, 8, generator=generator)
        planes = nn.functional.interpolate(coarse, fitting, mode="bicubic").clamp(0, 1) * 255
        labels = torch.rand(batch, count, generator=generator) < 0.5
        labels[:, at % count] = True
        yield planes.byte().permute(0, 2, 3, 1).contiguous(), labels


def _difference(wanted: Tensor, found: Tensor, kind: str) -> float:
    """Return the largest difference at the scale that results are used at: of probabilities, of others per largest."""
    if wanted.shape != found.shape:
        raise RuntimeError(f"its result is {tuple(found.shape)}, expected {tuple(wanted.shape)}")
    unit = 1.0 if kind == "segment" else float(wanted.abs().max().clamp(min=1e-5))
    return float((wanted - found).abs().max()) / unit


def _fixed(what: Description, words: str) -> StepError:
    return StepError(
        f"The exported {what.method} network on {what.trunk} does not do what the original does: {words}; at most "
        f"{MOST_DIFFERENCE:g} is allowed. Nothing was written. Export the other format, or use the checkpoint itself."
    )


def _in_words(images: Tensor) -> str:
    batch, height, width = images.shape[:3]
    return f"{batch} picture(s) of {height} x {width}"


def _example(what: Description) -> tuple[Tensor, Tensor]:
    batch = 1 if what.one_by_one else _TRACED[0]
    size = what.normalisation.fit_size(*_TRACED[1:])
    return torch.zeros(batch, *size, 3, dtype=torch.uint8), torch.ones(batch, len(what.classes), dtype=torch.bool)


@contextmanager
def _on_cpu(network: nn.Module) -> Iterator[None]:
    """Have the network on the CPU, where every machine traces the same, and put it back."""
    before = next(network.parameters()).device
    network.cpu()
    try:
        yield
    finally:
        network.to(before)


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave out what tracing says of sizes (compared afterwards), of its own future, and of the whole graph."""
    sys.stdout.flush()
    shown, nowhere = os.dup(_STDOUT), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, _STDOUT)  # the graph is printed below Python
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        os.dup2(shown, _STDOUT)
        os.close(shown)
        os.close(nowhere)
