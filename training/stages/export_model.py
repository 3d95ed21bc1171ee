"""Write a trained segmenter or localizer as one file, ONNX or TorchScript, compared with the original.

Inside the file are the normalisation, and a description of the rest: sizes, classes and their mask values.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from napari_wsss.core.errors import ParameterError, ProjectError
from napari_wsss.core.parameters import advanced_options
from napari_wsss.prediction.checkpoint import restored
from napari_wsss.prediction.predictor import model_file
from napari_wsss.weights.download import sha256_of
from training.exporting.files import OPSET, export_onnx, export_torchscript
from training.report import Reporter

DONE = 0
SUFFIXES = {"onnx": ".onnx", "torchscript": ".pt"}


def add_export_model_options(parser: argparse.ArgumentParser, typed: Sequence[str]) -> None:
    """Add the options of ``export-model``."""
    advanced = advanced_options(parser)
    parser.add_argument("model", type=Path, help="a checkpoint (.safetensors), or the folder of a run")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--onnx", dest="form", action="store_const", const="onnx", help="as ONNX [the usual]")
    form.add_argument("--torchscript", dest="form", action="store_const", const="torchscript", help="as TorchScript")
    parser.add_argument("--out", type=Path, help="the file to write [beside the checkpoint]")
    advanced.add_argument("--opset", type=int, help=f"version of ONNX's operators [{OPSET}]")
    parser.add_argument("--overwrite", action="store_true", help="replace the file")
    parser.set_defaults(form="onnx")


def export_model(options: argparse.Namespace, report: Reporter) -> int:
    """Write the file, say how far its results are from the original's, and return the exit code."""
    source = model_file(options.model)
    target = options.out or source.with_suffix(SUFFIXES[options.form])
    if target.exists() and not options.overwrite:
        raise ProjectError(f"{target} is there already; choose another --out, or --overwrite.")
    if options.form == "torchscript" and options.opset:
        raise ParameterError("--opset is about ONNX; leave it out with --torchscript.", name="opset")
    network, classes, what = restored(source, "cpu")
    facts: dict[str, Any] = {"checkpoint": source.name, "sha256": sha256_of(source)}
    facts["pixel_supervised"] = bool({**what.run, **what.run.get("adopted", {})}.get("pixel_supervised"))
    if options.form == "onnx":
        difference = export_onnx(network, classes, target, facts, options.opset or OPSET)
    else:
        difference = export_torchscript(network, classes, target, facts)
    report.say(
        f"{target}: {network.title} on {network.trunk.name}, {len(classes)} classes, {target.stat().st_size / 1e6:.1f} "
        f"MB. Largest difference from the original: {difference:.2g}.",
        exported=str(target),
        difference=difference,
    )
    return DONE
