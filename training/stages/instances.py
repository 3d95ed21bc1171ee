"""Instances of the labelled classes, as IRNet makes them (Ahn et al., CVPR 2019, section 5): a numbered PNG per image.

Displacements say which cells belong to one instance; the part of each activation map in one instance walks on its own
along the affinities of the boundaries; where it is the strongest, there the instance is.
"""

import argparse
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_wsss.affinity.boundary_net import BoundaryNet, infer_displacement
from napari_wsss.core.cells import Cells
from napari_wsss.core.classes import voc_colours
from napari_wsss.core.errors import LabelError, StepError, WsssError
from napari_wsss.core.files import publish_bytes
from napari_wsss.core.inference import Inference
from napari_wsss.core.inside import below
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.parameters import add_options, fields_of, from_dict, parameter
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.core.registry import load_method
from napari_wsss.pipeline import run as pipeline
from napari_wsss.pipeline.chain import applied_source
from napari_wsss.pipeline.lineage import checkpoint_of, inference_of, method_of
from napari_wsss.project.project import Project
from napari_wsss.refine.random_walk import walk
from training.hardware import prepare
from training.report import Reporter, watched
from training.scoring.tables import to_csv
from training.stages.instance_maps import STILL, Instances, cluster, masks_of, split
from training.stages.maps import add_selection_options, chosen_ids, hardware_of

DONE, SOME_FAILED = 0, 4
TABLE = "instances.csv"
_WANTED = "Instances need displacements: train and apply IRNet (python -m training.run boundary --project DIR --apply)."
HEADER = ["image", "instance", "class", "score", "pixels", "top", "left", "bottom", "right"]


@dataclass(frozen=True)
class InstanceSettings:
    """How maps become instances."""

    affinity_power: float = parameter(
        10.0, "Affinity power (beta)", "Larger keeps scores inside boundaries.", bounds=(0.1, 64.0)
    )
    log2_steps: int = parameter(
        8, "Steps (t)", "2^t steps of the walk; 8 is for 500 pixels, smaller ones want fewer.", bounds=(0, 12)
    )
    threshold: float = parameter(0.25, "Background score", "Larger makes smaller instances.", bounds=(0.0, 1.0))
    smallest: float = parameter(
        0.01, "Smallest part", "Parts with a smaller share of the image's pixels are left out.", bounds=(0.0, 1.0)
    )
    still: float = parameter(
        STILL, "Centre size", "Centres are where displacements are shorter than so many cells.", bounds=(0.01, 100.0)
    )


def add_instances_options(parser: argparse.ArgumentParser, typed: Sequence[str]) -> None:
    """Add the options of ``instances``."""
    add_selection_options(parser)
    parser.add_argument("--out", type=Path, required=True, help="folder for one PNG per image and the table")
    add_options(parser, InstanceSettings)


def instances(options: argparse.Namespace, report: Reporter) -> int:
    """Write ``<image>.png`` (0 nothing, n the n-th instance) and `instances.csv`, return the exit code.

    Missing activation maps are computed first. An image that fails is reported and does not stop the others.

    Raises
    ------
    StepError
        When no classifier, or no network with displacements, is applied.
    """
    settings = from_dict(InstanceSettings, {n: v for n, v in vars(options).items() if n in fields_of(InstanceSettings)})
    with Project.open_to_read(options.project) as project:
        prepare(hardware_of(options))
        network, inference = _applied(project, options.device)
        ids = chosen_ids(project, options)
        source = applied_source(project.plan)
        run = pipeline.segment if source == "segment" else pipeline.localize
        failed = dict(watched(run(project, ids, options.device, background=False), report).failed)
        left = [image_id for image_id in ids if image_id not in failed]
        rows, also = watched(_each(project, left, network, inference, settings, options.out), report)
    failed |= also
    publish_bytes(options.out / TABLE, to_csv([HEADER, *rows]).encode())
    for image_id, reason in failed.items():
        report.say(f"failed: {image_id}: {reason}", image=image_id)
    report.say(f"{len(rows)} instances in {len(left) - len(also)} images", instances=len(rows), failed=failed)
    return SOME_FAILED if failed else DONE


def find_instances(
    network: BoundaryNet,
    image: NDArray[np.uint8],
    maps: ActivationMaps,
    inference: Inference,
    settings: InstanceSettings,
) -> Instances:
    """Return the instances of one image.

    Parameters
    ----------
    network : BoundaryNet
    image : (H, W, 3) uint8
    maps : ActivationMaps
        Of the image's labelled classes; a background is not looked at.
    inference : Inference
        How the network is run.
    settings : InstanceSettings
    """
    affinities = network.infer(image, inference)
    clusters = cluster(infer_displacement(network, image, inference), still=settings.still)
    cells = Cells(maps.size, affinities.grid)
    parts, rows = split(cells.averaged(maps.scores), clusters)
    if not len(parts):
        return masks_of(np.zeros((0, *maps.size), np.float32), rows)
    walked = walk(parts, affinities, power=settings.affinity_power, steps=2**settings.log2_steps)
    scores = np.clip(cells.enlarged(walked), 0, None)
    scores /= max(float(scores.max(initial=0)), float(np.finfo(np.float32).tiny))
    classes = np.array(maps.classes, np.intp)[rows]
    return masks_of(scores, classes, threshold=settings.threshold, smallest=settings.smallest)


def _applied(project: Project, device: str) -> tuple[BoundaryNet, Inference]:
    if not project.plan.affinity_checkpoint:
        raise StepError(f"No affinity network is applied to this project. {_WANTED}", missing=("model",))
    method = method_of(project.plan, "affinity")
    path = checkpoint_of(project, project.plan, "affinity")
    network = load_method("affinity", method).restore(path, device)[0]
    if not isinstance(network, BoundaryNet):
        raise StepError(
            f"The applied affinity network ({method}) has no displacements. {_WANTED}", missing=("boundary",)
        )
    inference = inference_of(project.plan, "affinity")
    assert isinstance(inference, Inference)
    return network, inference


def _each(
    project: Project,
    ids: Sequence[str],
    network: BoundaryNet,
    inference: Inference,
    settings: InstanceSettings,
    folder: Path,
) -> Steps[tuple[list[list[str]], dict[str, str]]]:
    """Write the pictures; return the rows of the table, and what failed."""
    rows: list[list[str]] = []
    failed: dict[str, str] = {}
    for done, image_id in enumerate(ids, start=1):
        try:
            maps = pipeline.base_maps(project, image_id)
            if maps is None:
                raise LabelError("it is not labelled yet, and a classifier looks for labelled classes only")
            found = find_instances(network, project.load_image(image_id).pixels, maps, inference, settings)
            _write(below(folder, f"{image_id}.png"), found)
            rows += _rows(image_id, found, project.classes.names)
        except (WsssError, OSError) as reason:
            failed[image_id] = str(reason)
        yield Progress("instances", done, len(ids), image_id)
    return rows, failed


def _write(path: Path, found: Instances) -> None:
    values = found.numbered()
    picture = Image.fromarray(values)
    if values.dtype == np.uint8:
        picture.putpalette(voc_colours(256).tobytes())
    content = io.BytesIO()
    picture.save(content, "PNG")
    publish_bytes(path, content.getvalue())


def _rows(image_id: str, found: Instances, names: Sequence[str]) -> Iterator[list[str]]:
    """Yield one row of the table per instance; the box's last row and column lie in it."""
    facts: Any = zip(found.masks, found.classes, found.scores, strict=True)
    for number, (mask, k, score) in enumerate(facts, start=1):
        y, x = np.nonzero(mask)
        box = (y.min(), x.min(), y.max(), x.max())
        yield [image_id, str(number), names[k], f"{score:.4f}", str(len(y)), *(str(int(edge)) for edge in box)]
