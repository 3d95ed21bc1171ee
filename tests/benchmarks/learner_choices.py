"""What the pixel learner decides by measuring (sizes of pictures, unlabelled cells), and a memory of cells, tried too.

    python -m tests.benchmarks.learner_choices sizes --data neu_seg --weights WEIGHTS --images 8 25
    python -m tests.benchmarks.learner_choices unlabelled --data neu_seg --weights WEIGHTS --images 30 --limit 40
    python -m tests.benchmarks.learner_choices memory --data voc_wsss_small --weights WEIGHTS --images 3 5 10 --limit 30

Images are drawn at random from the train split. `sizes` scores the val split, and the folds by which a size is chosen;
the others score train images that were not drawn (`--limit` of them). mIoU without CRF, labels given, over background
and `--classes` (all of them without). Features lie in a temporary folder unless `--folder` names one.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import interpolate, normalize

from napari_wsss.core.progress import finish
from napari_wsss.pipeline.picture_sides import middle_side
from napari_wsss.pixels.background_strength import colours_part
from napari_wsss.project.project import Project
from training.data.samplers import spread
from training.economy.annotators import POLICIES
from training.economy.costs import Costs
from training.economy.hand import Hand, Noise
from training.pixel_learner.pixel_learner import PixelLearner
from training.resolving import resolve_file
from training.scoring.metrics import Scores, confusion_matrix
from training.scoring.scoring import TrueMasks
from training.stages.voc_folder import MASKS, project_of

Mask = NDArray[np.uint8]
SIDES = (320, 480, 640, 960)
SHARES = (0.0, 0.07, 0.15)
PARTS_OF_MEMORY = (0.0, 0.25, 0.5, 0.75, 1.0)
NEAREST, OF_VALUE, PURE, SHARPNESS = 5, 1000, 0.9, 20.0
"""Nearest cells that vote, kept cells of each value, share of a value in a kept cell, and how much a vote decides."""


class Trial:
    """A project of a VOC-like folder, some train images drawn by a seed, and how masks are scored."""

    def __init__(self, chosen: argparse.Namespace, folder: Path) -> None:
        self.chosen, self.truth = chosen, TrueMasks(chosen.data / MASKS)
        self.project: Project = project_of(chosen.data, folder / "project")
        ids = self.truth.known(self.project.catalog.ids(split="train"))
        self.ids = [ids[int(at)] for at in np.random.default_rng(chosen.seed).permutation(len(ids))]
        names = list(self.project.classes.names)
        self._scored = [0, *(names.index(name) + 1 for name in chosen.classes or names)]

    def learner(self, enlargement: float = 0.0, share: float = 0.0) -> PixelLearner:
        """Return a learner that has taken everything."""
        told = {
            "network": {"trunk_weights": str(self.chosen.weights)},
            "optimisation": {"seed": self.chosen.seed},
            "hardware": {"threads": 1, "device": "cpu"},
            "parameters": {"enlargement": enlargement},
            "sources": {"unlabelled_share": share},
        }
        found = PixelLearner(self.project, resolve_file("segmentation", {"method": "pixel_classifier", **told}))
        finish(found.take_all())
        return found

    def accept(self, ids: Sequence[str]) -> None:
        """Accept the true masks of images."""
        for image_id in ids:
            self.project.review.accept(image_id, self.truth(image_id))

    def score(self, ids: Sequence[str], mask_of: Callable[[str], Mask]) -> float:
        """Return the mIoU in percent of the masks of images."""
        width = len(self.project.classes) + 1
        matrix = np.zeros((width, width), np.int64)
        for image_id in ids:
            matrix += confusion_matrix(self.truth(image_id), mask_of(image_id), width)
        return 100 * float(np.nanmean(Scores(matrix).iou[self._scored]))

    def rest(self) -> list[str]:
        """Return some train images that no number of images draws."""
        return spread(self.ids[max(self.chosen.images) :], self.chosen.limit)


def mask_by(learner: PixelLearner, image_id: str) -> Mask:
    """Return the mask that a learner answers for an image."""
    return learner.maps(image_id).to_mask()


def sizes(trial: Trial) -> None:
    """Say agreement on folds and mIoU on the val split for pictures of several sizes."""
    held_out = spread(trial.truth.known(trial.project.catalog.ids(split="val")), trial.chosen.limit)
    for count in trial.chosen.images:
        trial.accept(trial.ids[:count])
        for side in SIDES:
            learner = trial.learner(round(side / middle_side(trial.project), 3))
            folds = 100 * finish(learner.agreement(3, with_maps=False)).mean
            finish(learner.learn())
            val = trial.score(held_out, partial(mask_by, learner))
            say(f"{count} masks at {side} pixels: {folds:.1f} on folds, {val:.1f} on val")


def unlabelled(trial: Trial) -> None:
    """Say what it is worth that unlabelled cells of clicked images count as background, and how colours part."""
    given = trial.ids[: trial.chosen.images[0]]
    annotator = POLICIES["clicks"](Hand(Costs(), Noise(), trial.chosen.seed))
    for image_id in given:
        annotator.annotate(trial.project, image_id, trial.truth(image_id), None)
    without = float("nan")
    for share in SHARES:
        learner = trial.learner(share=share)
        cells = learner._gathering.cells()
        finish(learner._fit(learner._gathering.with_unlabelled(cells), cells.shown))
        mask_of = partial(mask_by, learner)
        pictures = ((trial.project.load_image(image_id).pixels, mask_of(image_id) > 0) for image_id in given)
        parting = float(np.mean([colours_part(*one) for one in pictures]))
        without = parting if share == 0 else without
        covered = np.mean([(mask_of(image_id) > 0).mean() for image_id in given])
        scored = trial.score(trial.rest(), mask_of)
        times = f"{parting:.3g}, {parting / without:.2f} times that of share 0"
        say(f"share {share}: {scored:.1f}, colours part by {times}, things cover {100 * covered:.0f} %")


def memory(trial: Trial) -> None:
    """Say what nearest cells of accepted images add to the perceptron, blended by several parts."""
    for count in trial.chosen.images:
        trial.accept(trial.ids[:count])
        learner = trial.learner()
        finish(learner.learn())
        bank = Memory(learner)
        for part in PARTS_OF_MEMORY:
            figure = trial.score(trial.rest(), partial(bank.mask, part=part))
            say(f"{count} masks, {part} of the nearest cells: {figure:.1f}")


class Memory:
    """The nearest cells of what a learner learned from: the mean cosine of the nearest ones of each value."""

    def __init__(self, learner: PixelLearner) -> None:
        self._learner, cells = learner, learner._gathering.cells()
        self._mean, self._spread = cells.rows.float().mean(0), cells.rows.float().std(0).clamp(min=1e-3)
        share, value = cells.targets.max(1)
        random = torch.Generator().manual_seed(0)
        self._cells = {}
        for mask_value in range(cells.targets.shape[1]):
            at = torch.nonzero((value == mask_value) & (share > PURE))[:, 0]
            if len(at):
                chosen = at[torch.randperm(len(at), generator=random)[:OF_VALUE]]
                self._cells[mask_value] = self._normal(cells.rows[chosen])

    def _normal(self, rows: torch.Tensor) -> torch.Tensor:
        return normalize((rows.float() - self._mean) / self._spread, dim=1)

    def mask(self, image_id: str, part: float) -> Mask:
        """Return the mask of an image by so large a part of the memory; classes nobody has shown stay as they were."""
        maps, features = self._learner.maps(image_id), self._learner.features(image_id)
        assert maps.background is not None
        values = np.asarray([0, *(k + 1 for k in maps.classes)], np.uint8)
        found = np.concatenate([maps.background[None], maps.scores])
        at = [place for place, value in enumerate(values) if int(value) in self._cells]
        if part and len(at) > 1:
            rows = self._normal(self._learner.classifier.rows(features))
            near = [self._near(rows, int(values[place])).reshape(features.grid) for place in at]
            votes = interpolate(torch.stack(near)[None], size=maps.size, mode="bilinear", align_corners=True)[0]
            shares = (votes * SHARPNESS).softmax(0).numpy()
            found[at] = (1 - part) * found[at] + part * shares * found[at].sum(0)
        return np.asarray(values[found.argmax(0)])

    def _near(self, rows: torch.Tensor, value: int) -> torch.Tensor:
        alike = rows @ self._cells[value].T
        return alike.topk(min(NEAREST, alike.shape[1]), 1).values.mean(1)


def say(text: str) -> None:
    """Write a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main(arguments: list[str] | None = None) -> None:
    """Measure (see the module)."""
    parser = argparse.ArgumentParser(description="Measure what the pixel learner decides by measuring.")
    parser.add_argument("what", choices=("sizes", "unlabelled", "memory"))
    parser.add_argument("--data", type=Path, required=True, help="VOC-like folder with masks")
    parser.add_argument("--weights", type=Path, required=True, help="trunk weights")
    parser.add_argument("--images", type=int, nargs="+", required=True, help="how many are drawn, ascending")
    parser.add_argument("--classes", nargs="+", help="score background and these")
    parser.add_argument("--limit", type=int, default=60, help="images that are scored")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="a new folder for project and features")
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        trial = Trial(chosen, chosen.folder or Path(folder))
        with trial.project:
            {"sizes": sizes, "unlabelled": unlabelled, "memory": memory}[chosen.what](trial)


if __name__ == "__main__":
    main()
