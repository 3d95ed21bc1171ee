"""What shares of what maps propose are worth beside a learner, and what images left out say about them.

    python -m tests.benchmarks.shares_of_maps --project start_project --truth voc_wsss_small/SegmentationClass \
      --weights WEIGHTS --given clicks --images 8 25 --limit 40

Some train images of a copy of a project with an applied localizer are clicked in, one click on each thing and one on
the background, or get their true masks. For each share it prints the agreement on images left out (no price paid), and
mIoU in percent, labels given, over background and `--classes`, after the dense CRF, on other train images and on the
val split, `--limit` of each.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.progress import finish
from napari_wsss.pipeline import run as pipeline
from napari_wsss.pipeline.learner.chains import learner_chain
from napari_wsss.pipeline.learner.pooling import pooled
from napari_wsss.project.project import Project
from training.data.samplers import spread
from training.economy.annotators import POLICIES
from training.economy.costs import Costs
from training.economy.hand import Hand, Noise
from training.pixel_learner.agreement import Tally
from training.pixel_learner.pixel_learner import PixelLearner
from training.resolving import resolve_file
from training.scoring.left_out import LeftOut
from training.scoring.scoring import TrueMasks, score, scored_names

SHARES = (0.0, 0.1, 0.2, 1 / 3, 0.5, 1.0)
Answer = Callable[[str], ActivationMaps]


def measure(chosen: argparse.Namespace, project: Project) -> None:
    """Print a row for each number of images and share."""
    truth = TrueMasks(chosen.truth)
    known = truth.known(project.catalog.ids(split="train"))
    drawn = [known[int(at)] for at in np.random.default_rng(chosen.seed).permutation(len(known))]
    others = spread(drawn[max(chosen.images) :], chosen.limit)
    held_out = spread(truth.known(project.catalog.ids(split="val")), chosen.limit)
    only = scored_names(project, tuple(chosen.classes))
    annotator = POLICIES[chosen.given](Hand(Costs(), Noise(), chosen.seed))

    def scored(ids: list[str], answer: Answer) -> float:
        def mask_of(image_id: str) -> NDArray[np.uint8]:
            image = project.load_image(image_id).pixels
            return pipeline.refine_maps(image, answer(image_id), learner_chain()).to_mask()

        return 100 * float(finish(score(project, ids, mask_of, truth, LeftOut())).mean_iou(only=only))

    for count in chosen.images:
        for image_id in drawn[:count]:
            annotator.annotate(project, image_id, truth(image_id), None)
        learner = _learner(project, chosen)
        finish(pipeline.localize(project, learner.given))
        folds = _folds(learner)
        finish(learner.learn())
        for share in SHARES:
            answer = partial(_answer, learner, share)
            figures = f"{scored(others, answer):.1f} on train, {scored(held_out, answer):.1f} on val"
            sys.stdout.write(f"{count} by {chosen.given}, share {share:.2f}: {folds[share]:.1f} on folds, {figures}\n")
            sys.stdout.flush()


def _learner(project: Project, chosen: argparse.Namespace) -> PixelLearner:
    told = {
        "network": {"trunk_weights": str(chosen.weights)},
        "optimisation": {"seed": chosen.seed},
        "hardware": {"threads": 1, "device": "cpu"},
    }
    found = PixelLearner(project, resolve_file("segmentation", {"method": "pixel_classifier", **told}))
    finish(found.take_all())
    return found


def _answer(learner: PixelLearner, share: float, image_id: str) -> ActivationMaps:
    own = learner.maps(image_id)
    return pooled(own, learner.localizer.proposed(image_id, own.classes), share)


def _folds(learner: PixelLearner) -> dict[float, float]:
    """Return the mean agreement in percent on images left out, for each share."""
    tallies = {share: Tally(learner.classifier.class_count) for share in SHARES}
    for example, answer, _ in finish(learner.left_out_answers(3)):
        proposed = learner.localizer.proposed(example.image_id, answer.classes)
        for share, tally in tallies.items():
            tally.add(example, pooled(answer, proposed, share).to_mask())
    return {share: 100 * float(np.nanmean(tally.iou[tally.shown_in > 1])) for share, tally in tallies.items()}


def main(arguments: list[str] | None = None) -> None:
    """Measure (see the module)."""
    parser = argparse.ArgumentParser(description="Measure what shares of maps are worth beside a learner.")
    parser.add_argument("--project", type=Path, required=True, help="with an applied localizer; a copy is worked on")
    parser.add_argument("--truth", type=Path, required=True, help="folder of true masks")
    parser.add_argument("--weights", type=Path, required=True, help="trunk weights")
    parser.add_argument("--given", choices=("clicks", "masks"), default="clicks")
    parser.add_argument("--images", type=int, nargs="+", required=True, help="how many are drawn, ascending")
    parser.add_argument("--classes", nargs="+", default=["cat", "cow", "dog", "horse", "person", "sheep"])
    parser.add_argument("--limit", type=int, default=40, help="images of each split that are scored")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(chosen.project, Path(folder) / "project")
        with Project.open(Path(folder) / "project") as project:
            measure(chosen, project)


if __name__ == "__main__":
    main()
