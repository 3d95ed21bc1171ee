"""Run a trained network on a folder of pictures that is no project: masks or activation maps into another folder.

The network is a checkpoint, the folder of a run, or an exported ONNX file, for which torch need not be installed.
Several processes share the pictures as they share those of a project (`training.workers`).
"""

import argparse
from collections.abc import Sequence
from contextlib import suppress
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
from napari_wsss.prediction.lines import Lines
from napari_wsss.prediction.predictor import Predictor, model_file, open_predictor
from napari_wsss.prediction.written import LARGE, Wanted
from napari_wsss.project.sharing.share import BLOCK, WHOLE, Listed, Part, Share
from training.report import Reporter, watched
from training.stages.maps import add_ids_option, add_sharing_options, named_ids, parts_of
from training.workers import cores, together

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
    text = "what masks of pictures of 100 megapixels and more become: %(choices)s [%(default)s]"
    advanced.add_argument("--large-as", choices=tuple(LARGE), default="tiff", help=text)
    parser.add_argument("--overwrite", action="store_true", help="replace results of other models or settings")
    text = "without labels, a localizer's classes are those with at least this image-level probability [%(default)s]"
    advanced.add_argument("--presence", type=float, default=0.5, help=text)
    advanced.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps ... [%(default)s]")
    advanced.add_argument("--threads", type=int, default=0, help="CPU threads of each process [its share of the cores]")
    add_ids_option(parser)
    add_sharing_options(parser, None, f"as the cores and pictures allow, at most {MOST_AT_ONCE}")
    add_options(parser, Inference)


def predict(options: argparse.Namespace, report: Reporter) -> int:
    """Predict every picture of the folder; return the exit code, `SOME_FAILED` where one could not be."""
    if not 0 <= options.presence <= 1:
        raise ParameterError(f"--presence is {options.presence}; expected a number from 0 to 1.", name="presence")
    index = ImageIndex.of_folder(pictures_folder(options.folder))
    if options.out.resolve().is_relative_to(index.root.resolve()):
        raise ProjectError(
            f"{options.out} lies in the folder of pictures, and what is written there are pictures, too."
        )
    chosen = _chosen(options, index)
    parts = _parts(options, len(chosen))
    # Many processes open it themselves: this one says what it is.
    predictor, settings = _opened(options, options.device if len(parts) == 1 else "cpu")
    report.say(f"{predictor.kind}: {', '.join(predictor.classes.names)}", classes=list(predictor.classes.names))
    for reason in index.unusable:
        report.say(f"left out: {reason}")
    job = Job(
        pictures=index.root,
        ids=index.ids,
        labels=_labels(options, predictor, report),
        target=options.out,
        wanted=Wanted(
            predictor.kind == "segment",
            options.scores or predictor.kind != "segment",
            options.class_pictures,
            options.large_as,
        ),
        key=Provenance("predict", settings, weights=content_hash(model_file(options.model))).key,
        overwrite=options.overwrite,
        part=parts[0],
    )
    if not index.ids:
        report.say(f"There is no picture in {options.folder}.", done=0, reused=0, failed={})
        return SOME_FAILED
    try:
        if len(parts) > 1:
            return _by_workers(options, parts, job, report)
        return _here(predictor, job, chosen, report)
    except OSError as reason:
        raise ProjectError(
            f"Nothing more can be written to {options.out} ({reason}). Make room or correct the permissions, and "
            "the same command goes on."
        ) from reason
    finally:
        _tidy(job.leases)


def _here(predictor: Predictor, job: Job, chosen: Listed, report: Reporter) -> int:
    with Share(chosen, job.leases, job.part) as share:
        found = watched(predict_folder(predictor, job, share), report)
    for image_id, reason in found.failed.items():
        report.say(f"failed: {image_id}: {reason}", image=image_id)
    counts = f"{found.done_count} predicted, {found.reused_count} were there already, {len(found.failed)} failed."
    report.say(counts, done=found.done_count, reused=found.reused_count, failed=found.failed)
    return SOME_FAILED if found.failed else DONE


def _by_workers(options: argparse.Namespace, parts: Sequence[Part], job: Job, report: Reporter) -> int:
    code = together(options, parts, report)
    if options.shard == str(WHOLE):
        Lines(job.target).join(parts, job.ids)
    return code


def _chosen(options: argparse.Namespace, index: ImageIndex) -> Listed:
    """Return the pictures that the options choose.

    Raises
    ------
    ProjectError
        For one that is not in the folder.
    """
    if not options.ids:
        return Listed(index.ids)
    known = frozenset(index.ids)
    wanted = named_ids(options.ids, known)
    strange = [one for one in wanted if one not in known]
    if strange:
        raise ProjectError(
            f"There is no picture {strange[0]!r} in {index.root}; expected paths relative to it, such as "
            f"{next(iter(index.ids), 'a.jpg')!r}."
        )
    return Listed(index.ids, wanted)


def _parts(options: argparse.Namespace, count: int) -> list[Part]:
    """Return the parts that this machine does, as many as pay where nobody says.

    A job of an array has one: the parts are a whole only if every job has as many.
    """
    if options.workers is None:
        own = min(cores(), MOST_AT_ONCE, max(1, count // BLOCK))
        return Part.parsed(options.shard).split(own if options.shard == str(WHOLE) else 1)
    return parts_of(options)


def _opened(options: argparse.Namespace, device: str) -> tuple[Predictor, dict[str, Any]]:
    """Return the network, and the settings that decide its results."""
    typed = typed_options(Inference, options)
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in typed.items()}
    settings = {**plain, "presence": options.presence}
    return open_predictor(options.model, device, options.threads or cores(), settings), settings


def _tidy(folder: Path) -> None:
    """Remove the folders of leases where nobody has any."""
    with suppress(OSError):
        folder.rmdir()
        folder.parent.rmdir()


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
