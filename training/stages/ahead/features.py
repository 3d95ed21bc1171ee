"""The stage ``features``: computes what the learner keeps of images before it is asked, by any number of workers.

The first lesson then needs no pass of the trunk. Which features a learner will ask for is known from the network it
stands on: beside a window that is the trunk of the applied classifier, at the usual size of the project's pictures.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from napari_wsss.core.errors import ParameterError, StepError, WsssError
from napari_wsss.core.inside import below
from napari_wsss.core.parameters import add_options, to_dict, typed_options
from napari_wsss.core.progress import Steps
from napari_wsss.pipeline.applied_model import RunError
from napari_wsss.pipeline.learner.tap_features import DISK_BYTES, STEP, ProjectFeatures
from napari_wsss.pipeline.over_images import Outcome, StageReport, Write, over_images
from napari_wsss.project.project import Project
from napari_wsss.project.sharing.share import Share, lease_folder
from training.config import Network
from training.pixel_learner.pixel_learner import PixelLearner
from training.report import Reporter, watched
from training.resolving import read_config, resolve_file
from training.stages.maps import add_selection_options, add_sharing_options, hardware_of, parts_of, selection
from training.workers import together

DONE, SOME_FAILED = 0, 4
METHOD = "pixel_classifier"
GIGABYTE = 2**30
_FULL = (
    "As much is kept as may be, and the features of some images are not there. Allow more by --gigabytes; else the "
    "learner computes them when it wants them."
)


def add_features_options(parser: argparse.ArgumentParser, typed: Sequence[str]) -> None:
    """Add the options of ``features``: selection, workers, the trunk, and how much may be kept."""
    add_selection_options(parser)
    add_sharing_options(parser)
    text = "how much may be kept of all images, in GB; a photograph of 500 x 375 takes 0.4 MB [%(default)g]"
    parser.add_argument("--gigabytes", type=float, default=DISK_BYTES / GIGABYTE, help=text)
    text = "factor on the size of pictures; 0 brings the longer side to about 480 pixels [%(default)g]"
    parser.add_argument("--enlargement", type=float, default=0.0, help=text)
    add_options(parser, Network)


def features(options: argparse.Namespace, report: Reporter) -> int:
    """Compute the features that are missing, return the exit code: `SOME_FAILED` where a picture cannot be read."""
    if not options.gigabytes > 0:
        raise ParameterError(f"--gigabytes is {options.gigabytes}; expected more than 0.", name="gigabytes")
    parts = parts_of(options)
    if len(parts) > 1:
        return together(options, parts, report)
    with Project.open_to_read(options.project) as project:
        config = resolve_file("segmentation", _told(project, options))
        classifier, disk_bytes = PixelLearner(project, config).classifier, int(options.gigabytes * GIGABYTE)
        kept = ProjectFeatures(project, classifier, disk_bytes, memory_bytes=0)
        with Share(selection(project, options), lease_folder(project, kept.provenance), parts[0]) as share:
            found = watched(computed_ahead(project, kept, share), report)
    for image_id, reason in found.failed.items():
        report.say(f"failed: {image_id}: {reason}", image=image_id)
    counts = f"{found.done_count} computed, {found.reused_count} reused, {len(found.failed)} failed"
    report.say(counts, done=found.done_count, reused=found.reused_count, failed=found.failed)
    return SOME_FAILED if found.failed else DONE


def computed_ahead(project: Project, kept: ProjectFeatures, share: Share) -> Steps[StageReport]:
    """Compute and keep the missing features of a worker's images.

    Parameters
    ----------
    project : Project
        Only read; features go to its disposable results.
    kept : ProjectFeatures
        Of that project.
    share : Share
        What this worker is to do.

    Raises
    ------
    StepError
        When there is no more room for them.
    """

    def read(image_id: str) -> str:
        if not kept.has(image_id):
            project.keep_image(image_id)
        return image_id

    def compute(image_id: str, write: Write) -> Steps[Outcome]:
        yield from ()
        if kept.has(image_id):
            return Outcome(is_reused=True)
        if not kept.keep(image_id):
            raise RunError(StepError(_FULL))
        return Outcome(is_reused=False)

    return over_images(STEP, share, read, compute, weigh=project.kept_pixels, forget=project.forget_image)


def _told(project: Project, options: argparse.Namespace) -> dict[str, Any]:
    """Return the configuration of the learner: what was typed, else the trunk of the applied classifier."""
    return {
        "method": METHOD,
        "network": {**_trunk_in_use(project), **typed_options(Network, options)},
        "parameters": {"enlargement": options.enlargement},
        "hardware": to_dict(hardware_of(options)),
    }


def _trunk_in_use(project: Project) -> dict[str, Any]:
    """Return which trunk the applied classifier's run stood on; nothing where that is not known."""
    if not project.plan.localizer_checkpoint:
        return {}
    try:
        run: Path = below(project.folder, project.plan.localizer_checkpoint).parent
        network = read_config(run, "classifier").get("network", {})
    except WsssError:  # adopted, or its folder is gone
        return {}
    return {name: network[name] for name in ("trunk", "trunk_weights", "width") if name in network}
