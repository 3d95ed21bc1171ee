"""What every step of a recommended start is worth against true masks, which decide nothing."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from napari_wsss.core.inference import Inference
from napari_wsss.core.masks import Mask
from napari_wsss.core.plan import Step
from napari_wsss.pipeline import run as pipeline
from napari_wsss.pipeline.recommended import Offer, chain_for
from napari_wsss.project.project import Project
from training.report import Reporter, watched
from training.run_folder import RunFolder
from training.scoring.left_out import LeftOut
from training.scoring.scoring import TrueMasks, score, scored_names
from training.scoring.tables import markdown
from training.stages.compare import MapsOf, checkpoint_maps

COLUMNS = ("step", "background alone", "with CRF", "training CPU min")


def add_truth_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose what steps are scored against."""
    parser.add_argument("--truth", type=Path, help="folder of true masks: score the proposals of every step")
    parser.add_argument("--classes", nargs="+", default=(), help="score background and these classes only")
    parser.add_argument("--split", choices=("train", "val"), default="val", help="the images that are scored")
    parser.add_argument("--limit", type=int, default=0, help="score at most so many images (a fixed random choice)")


class StepScores:
    """Scores of the proposals of each step, image-level labels given.

    Parameters
    ----------
    options : Namespace
        With those of `add_truth_options`, ``project`` and perhaps ``device``.
    report : Reporter

    Attributes
    ----------
    rows : list of dict
        Plain JSON types, one per step.
    """

    def __init__(self, options: argparse.Namespace, report: Reporter) -> None:
        self._options, self._report = options, report
        self._truth = TrueMasks(options.truth)
        self._device = getattr(options, "device", "auto")
        self.rows: list[dict[str, Any]] = []

    def measured(self, offer: Offer, parts: Mapping[str, str]) -> str:
        """Score an offered model by its chain and the background step alone; return all rows as Markdown.

        Parameters
        ----------
        offer : Offer
        parts : mapping of str to str
            The runs so far, whose CPU time counts.
        """
        chain = chain_for(offer)
        with Project.open_to_read(self._options.project) as project:
            checkpoint = project.folder / offer.checkpoint
            maps_of = checkpoint_maps(project, offer.method, checkpoint, Inference(), self._device)
            found = [self._mean_iou(project, maps_of, steps) for steps in (chain[:1], chain)]
            runs = [RunFolder.open(project.training_folder / name) for name in parts.values()]
        seconds = sum(float(run.record.get("cpu_seconds", 0.0)) for run in runs)
        self.rows.append({"step": offer.title, "alone": found[0], "crf": found[1], "minutes": seconds / 60})
        return self._table()

    def _mean_iou(self, project: Project, maps_of: MapsOf, steps: tuple[Step, ...]) -> float:
        def mask_of(image_id: str) -> Mask:
            maps = maps_of(image_id)
            assert maps is not None
            return pipeline.refined_mask(project.load_image(image_id).pixels, maps, steps)

        only = scored_names(project, self._options.classes)
        left_out = LeftOut()
        scores = watched(score(project, self._ids(project), mask_of, self._truth, left_out), self._report)
        left_out.say(self._report)
        return scores.mean_iou(only=only)

    def _ids(self, project: Project) -> list[str]:
        known = self._truth.known(project.catalog.ids(split=self._options.split))
        order = np.random.default_rng(0).permutation(len(known))
        return [known[int(index)] for index in order][: self._options.limit or None]

    def _table(self) -> str:
        cells = [
            [row["step"], f"{100 * row['alone']:.1f}", f"{100 * row['crf']:.1f}", f"{row['minutes']:.1f}"]
            for row in self.rows
        ]
        return markdown([list(COLUMNS), *cells])
