"""Measure what a person's seconds buy.

Simulated annotators give something, the pixel learner learns it, masks are scored.

Every finished row is kept in the output folder, so that an interrupted run goes on where it was. Annotators work in a
project of their own per policy and seed; the true masks of the val split are only ever scored.
"""

import argparse
import csv
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.files import publish
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.parameters import add_options, fields_of, from_dict
from napari_wsss.core.plan import Step
from napari_wsss.core.progress import Steps
from napari_wsss.pipeline import run as pipeline
from napari_wsss.project.project import Project
from training.config import RunConfig
from training.data.samplers import spread
from training.economy.annotators import Annotator, ClicksOnThings, DeepestErrorClicks, FullMasks
from training.economy.costs import Costs
from training.hardware import prepare
from training.pixel_learner.pixel_learner import PixelLearner
from training.report import Reporter, watched
from training.resolving import resolve_file
from training.scoring.metrics import Scores
from training.scoring.scoring import TrueMasks, score, scored_names
from training.scoring.tables import markdown
from training.stages.maps import add_device_options, hardware_of
from training.stages.voc_folder import MASKS, project_of, scored_classes

CRF = Step("dense_crf", {"preset": "probabilities"})
POLICIES: dict[str, Callable[[Costs], Annotator]] = {
    "masks": FullMasks,
    "clicks": ClicksOnThings,
    "three_clicks": lambda costs: ClicksOnThings(costs, 3),
    "error_clicks": DeepestErrorClicks,
}
COLUMNS = (
    *("policy", "images", "seed", "seconds", "seconds per image", "val mIoU", "val mIoU, CRF"),
    *("fit seconds", "CPU seconds"),
)
Mask = NDArray[np.uint8]
Row = dict[str, Any]


def add_economy_options(parser: argparse.ArgumentParser, typed: Sequence[str]) -> None:
    """Add the options of ``economy``."""
    parser.add_argument("--data", type=Path, required=True, help="VOC-like folder with masks")
    parser.add_argument("--weights", default="imagenet", help="trunk weights: file, published name, none")
    parser.add_argument("--out", type=Path, required=True, help="rows, projects, table and plot go here")
    parser.add_argument("--classes", nargs="+", help="score background and these [classes_eval.txt]")
    parser.add_argument("--policies", nargs="+", choices=tuple(POLICIES), default=("masks", "clicks"))
    parser.add_argument("--images", nargs="+", type=int, default=(25, 100, 400), help="numbers of annotated images")
    parser.add_argument("--seeds", nargs="+", type=int, default=(0,), help="draws of images, and of the learner")
    parser.add_argument("--no-crf", action="store_true", help="score the probabilities only")
    parser.add_argument("--limit", type=int, default=0, help="score at most so many images, evenly from all")
    parser.add_argument("--config", type=Path, help="JSON with the options of the pixel classifier's training")
    add_options(parser, Costs)
    add_device_options(parser)


def economy(options: argparse.Namespace, report: Reporter) -> int:
    """Measure what is not measured yet, write table, CSV and plot after every row, return the exit code."""
    prepare(hardware_of(options))
    options.out.mkdir(parents=True, exist_ok=True)
    for policy in options.policies:
        for seed in options.seeds:
            for row in Curve(options, policy, seed, report).rows():
                _keep(options.out, row)
                write_results(options.out)
    report.say((options.out / "economy.md").read_text(encoding="utf-8"))
    return 0


@dataclass
class Curve:
    """One policy with one seed: more and more images annotated, learned from and scored."""

    options: argparse.Namespace
    policy: str
    seed: int
    report: Reporter

    def __post_init__(self) -> None:
        typed = {name: getattr(self.options, name) for name in fields_of(Costs) if hasattr(self.options, name)}
        self.annotator = POLICIES[self.policy](from_dict(Costs, typed))
        self.truth = TrueMasks(self.options.data / MASKS)

    def rows(self) -> Iterator[Row]:
        """Yield the rows that are not there yet; all smaller numbers of images are annotated on the way."""
        counts, out = sorted(self.options.images), self.options.out
        missing = [count for count in counts if not _path(out, self.policy, count, self.seed).exists()]
        if not missing:
            return
        folder = out / f"{self.policy}-{self.seed}" / "project"
        shutil.rmtree(folder, ignore_errors=True)
        share_features(out, folder)
        with project_of(self.options.data, folder) as project:
            learner = PixelLearner(project, self._config())
            order = shuffled(self.truth.known(project.catalog.ids(split="train")), self.seed)
            seconds, done = 0.0, 0
            for count in counts[: counts.index(missing[-1]) + 1]:
                started = time.process_time()
                seconds += self._annotate(project, learner, order[done:count])
                done = count
                if count in missing:
                    yield self._row(project, learner, count, seconds, started)

    def _annotate(self, project: Project, learner: PixelLearner, ids: Sequence[str]) -> float:
        seconds = 0.0
        for number in range(self.annotator.rounds):
            for image_id in ids:
                shown = learner.maps(image_id).to_mask() if learner.learned and number else None
                seconds += self.annotator.annotate(project, image_id, self.truth(image_id), shown)
            learner.take(ids)
            watched(learner.learn(), self.report)
        return seconds

    def _row(self, project: Project, learner: PixelLearner, count: int, seconds: float, started: float) -> Row:
        only = scored_names(project, self.options.classes or scored_classes(self.options.data))
        assert learner.learned is not None
        row = {
            **{"policy": self.policy, "images": count, "seed": self.seed, "seconds": round(seconds, 1)},
            **{"fit": learner.learned.seconds, "val": self._score(project, learner.maps).mean_iou(only=only)},
        }
        if not self.options.no_crf:
            row["crf"] = self._score(project, lambda image_id: refined(project, learner, image_id)).mean_iou(only=only)
        return {**row, "cpu": time.process_time() - started}

    def _score(self, project: Project, maps_of: Callable[[str], ActivationMaps]) -> Scores:
        ids = self.truth.known(project.catalog.ids(split="val"))
        ids = spread(ids, self.options.limit or len(ids))
        steps: Steps[Scores] = score(project, ids, lambda image_id: maps_of(image_id).to_mask(), self.truth)
        return watched(steps, self.report)

    def _config(self) -> RunConfig:
        given = json.loads(self.options.config.read_text(encoding="utf-8")) if self.options.config else {}
        network = {"trunk_weights": str(self.options.weights), **given.get("network", {})}
        optimisation = {"seed": self.seed, **given.get("optimisation", {})}
        hardware = {"device": self.options.device, "threads": self.options.threads, **given.get("hardware", {})}
        sections = {"network": network, "optimisation": optimisation, "hardware": hardware}
        return resolve_file("segmentation", {**given, "method": "pixel_classifier", **sections})


def refined(project: Project, learner: PixelLearner, image_id: str) -> ActivationMaps:
    """Return the learner's probabilities of an image after the dense CRF."""
    return pipeline.refine_maps(project.load_image(image_id).pixels, learner.maps(image_id), (CRF,))


def shuffled(ids: Sequence[str], seed: int) -> list[str]:
    """Return ids in an order fixed by the seed."""
    return [ids[int(index)] for index in np.random.default_rng(seed).permutation(len(ids))]


def share_features(out: Path, folder: Path) -> None:
    """Link the features that another project of this run computed into a new one (same images, same trunk)."""
    for found in sorted(out.glob("*/project/results/features.*")):
        target = folder / "results" / found.name
        if target.parent != found.parent and not target.exists():
            shutil.copytree(found, target, copy_function=os.link)


def write_results(out: Path) -> None:
    """Write `economy.md`, `economy.csv` and `economy.png` from the rows that are there."""
    rows = sorted(
        (json.loads(path.read_text(encoding="utf-8")) for path in out.glob("row-*.json")),
        key=lambda row: (row["policy"], row["images"], row["seed"]),
    )
    cells = [list(COLUMNS), *(_cells(row) for row in rows)]
    with publish(out / "economy.md") as file:
        file.write(markdown(cells).encode())
    with (out / "economy.csv").open("w", newline="", encoding="utf-8") as table:
        csv.writer(table).writerows(cells)
    write_curves(out / "economy.png", rows)


def write_curves(path: Path, rows: Sequence[Row]) -> None:
    """Write mIoU against a person's seconds as PNG, one curve per policy, the mean of its seeds."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for policy in dict.fromkeys(row["policy"] for row in rows):
        chosen = [row for row in rows if row["policy"] == policy]
        points = []
        for images in sorted({row["images"] for row in chosen}):
            same = [row for row in chosen if row["images"] == images]
            value = [float(row["crf"] if "crf" in row else row["val"]) for row in same]
            points.append((np.mean([row["seconds"] for row in same]), 100 * np.mean(value)))
        axes.plot(*zip(*points, strict=True), marker="o", label=policy)
    axes.set(xscale="log", xlabel="seconds of a person", ylabel="val mIoU, labels given (%)")
    axes.legend(loc="best")
    with publish(path) as file:
        figure.savefig(file, format="png", dpi=110)


def _cells(row: Row) -> list[str]:
    percent = [f"{100 * row[name]:.1f}" if name in row else "" for name in ("val", "crf")]
    each = f"{row['seconds'] / row['images']:.1f}"
    first = [str(row[name]) for name in ("policy", "images", "seed")]
    return [*first, f"{row['seconds']:.0f}", each, *percent, f"{row['fit']:.1f}", f"{row['cpu']:.0f}"]


def _keep(out: Path, row: Row) -> None:
    with publish(_path(out, row["policy"], row["images"], row["seed"])) as file:
        file.write(json.dumps(row, indent=2).encode())


def _path(out: Path, policy: str, images: int, seed: int) -> Path:
    return out / f"row-{policy}-{images}-{seed}.json"
