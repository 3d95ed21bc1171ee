"""Run a trained network on a folder of pictures that is no project: masks or activation maps into another folder.

The network is a checkpoint, the folder of a run, or an exported ONNX file, for which torch need not be installed.
"""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from napari_wsss.core.errors import ParameterError, ProjectError
from napari_wsss.core.inference import Inference
from napari_wsss.core.parameters import add_options, advanced_options, typed_options
from napari_wsss.core.provenance import Provenance
from napari_wsss.exchange.labels import read_labels
from napari_wsss.exchange.labels_voc import pictures_folder
from napari_wsss.exchange.matching import ImageIndex
from napari_wsss.exchange.reading import KINDS
from napari_wsss.pixels.images import content_hash
from napari_wsss.prediction.folder import Job, predict_folder
from napari_wsss.prediction.predictor import Predictor, model_file, open_predictor
from napari_wsss.prediction.written import Wanted
from training.report import Reporter, watched

DONE, SOME_FAILED = 0, 4
MOST_AT_ONCE = 8


def add_predict_options(parser: argparse.ArgumentParser, typed: Sequence[str]) -> None:
    """Add the options of ``predict``."""
    advanced = advanced_options(parser)
    parser.add_argument("model", type=Path, help="a checkpoint (.safetensors), the folder of a run, or an .onnx file")
    parser.add_argument("folder", type=Path, help="the folder of pictures, sub-folders included")
    parser.add_argument("--out", type=Path, required=True, help="folder to write; the same command again goes on")
    parser.add_argument("--labels", type=Path, help="CSV, text list or folder: what a picture may show [anything]")
    advanced.add_argument("--kind", choices=KINDS, default="auto", help="how the labels are written [%(default)s]")
    advanced.add_argument("--encoding", default="", help="how a label file is written, as gb18030 [found out]")
    parser.add_argument("--scores", action="store_true", help="also the probabilities, as npz (maps always are)")
    advanced.add_argument("--class-pictures", action="store_true", help="also a grey PNG of each class")
    parser.add_argument("--overwrite", action="store_true", help="replace results of other models or settings")
    text = "without labels, a localizer's classes are those with at least this image-level probability [%(default)s]"
    advanced.add_argument("--presence", type=float, default=0.5, help=text)
    advanced.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps ... [%(default)s]")
    advanced.add_argument("--workers", type=int, help=f"pictures at once [the cores, at most {MOST_AT_ONCE}]")
    add_options(parser, Inference)


def predict(options: argparse.Namespace, report: Reporter) -> int:
    """Predict every picture of the folder; return the exit code, `SOME_FAILED` where one could not be."""
    if not 0 <= options.presence <= 1:
        raise ParameterError(f"--presence is {options.presence}; expected a number from 0 to 1.", name="presence")
    if options.workers is not None and options.workers < 1:
        raise ParameterError(f"--workers is {options.workers}; expected at least 1.", name="workers")
    index = ImageIndex.of_folder(pictures_folder(options.folder))
    if options.out.resolve().is_relative_to(index.root.resolve()):
        raise ProjectError(
            f"{options.out} lies in the folder of pictures, and what is written there are pictures, too."
        )
    predictor, settings, workers = _opened(options)
    report.say(f"{predictor.kind}: {', '.join(predictor.classes.names)}", classes=list(predictor.classes.names))
    for reason in index.unusable:
        report.say(f"left out: {reason}")
    job = Job(
        pictures=index.root,
        ids=index.ids,
        labels=_labels(options, predictor, report),
        target=options.out,
        wanted=Wanted(
            predictor.kind == "segment", options.scores or predictor.kind != "segment", options.class_pictures
        ),
        key=Provenance("predict", settings, weights=content_hash(model_file(options.model))).key,
        overwrite=options.overwrite,
        workers=workers,
    )
    try:
        found = watched(predict_folder(predictor, job), report)
    except OSError as reason:
        raise ProjectError(
            f"Nothing more can be written to {options.out} ({reason}). Make room, and the same command goes on."
        ) from reason
    report.say(found.summary(), done=len(found.done), kept=len(found.kept), failed=found.failed)
    return SOME_FAILED if found.failed or not job.ids else DONE


def _opened(options: argparse.Namespace) -> tuple[Predictor, dict[str, Any], int]:
    """Return the network, the settings that decide its results, and how many pictures it gets at once."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    workers = options.workers or min(cores, MOST_AT_ONCE)
    typed = typed_options(Inference, options)
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in typed.items()}
    settings = {**plain, "presence": options.presence}
    return open_predictor(options.model, options.device, max(1, cores // workers), settings), settings, workers


def _labels(options: argparse.Namespace, predictor: Predictor, report: Reporter) -> dict[str, frozenset[str]]:
    """Return the labels of pictures, of those that have some; say what of them is not used."""
    if options.labels is None:
        return {}
    also = predictor.classes.names
    found = read_labels(
        options.folder, options.labels, options.kind, check_images=False, encoding=options.encoding, also=also
    )
    report.say(found.summary())
    strange = sorted(set(found.classes) - set(also))
    if strange:
        report.say(f"The model knows no {', '.join(strange)}: these labels count for nothing.")
    return found.labels
