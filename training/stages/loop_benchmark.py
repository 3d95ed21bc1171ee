"""Measure the loop on a folder with true masks: seeds, seeds after CRF, DeepLab from pseudo and accepted masks.

Every finished row is kept in the output folder, so that an interrupted benchmark continues where it was. True masks
of the train split are used three times, and the table says so: to choose the background threshold, to choose the CRF's
background power, and as the masks a person would have accepted. The val split is only ever scored.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from napari_wsss.core.files import publish_bytes, publish_json
from napari_wsss.core.inference import SegmentInference
from napari_wsss.core.masks import Mask
from napari_wsss.core.parameters import advanced_options
from napari_wsss.core.plan import Step
from napari_wsss.pipeline import run as pipeline
from napari_wsss.processes.option_files import read_mapping
from napari_wsss.processes.stage_list import Recipe
from napari_wsss.project.project import Project
from training.config import RunConfig
from training.execute import apply, continued, finished_run
from training.hardware import prepare
from training.loop.checkpoints import LAST
from training.report import Reporter, watched
from training.resolving import resolve_file
from training.run_folder import RunFolder
from training.scoring.left_out import LeftOut
from training.scoring.metrics import Scores, Sweep
from training.scoring.scoring import Predictor, TrueMasks, score, scored_names, seeds, sweep
from training.scoring.tables import markdown
from training.stages.maps import add_device_options, hardware_of
from training.stages.voc_folder import MASKS, project_of, scored_classes

COLUMNS = ("stage", "train mIoU", "val mIoU", "val mIoU, labels given", "CPU minutes", "how")
CRF = Step("dense_crf", {"scale_with_image": True})
Row = dict[str, Any]


def add_benchmark_options(parser: argparse.ArgumentParser, typed: Sequence[str]) -> None:
    """Add the options of ``benchmark``."""
    advanced = advanced_options(parser)
    parser.add_argument("--data", type=Path, required=True, help="VOC-like folder with masks")
    parser.add_argument("--weights", default="imagenet", help="trunk weights: file, published name, none")
    parser.add_argument("--out", type=Path, required=True, help="rows, project and table go here")
    parser.add_argument("--classes", nargs="+", help="score background and these [classes_eval.txt]")
    advanced.add_argument("--alphas", nargs="+", type=float, default=(1.0, 2.0, 4.0, 8.0), help="CRF background powers")
    advanced.add_argument("--accepted", nargs="+", type=int, default=(0, 25, 100, 400), help="counts of accepted masks")
    advanced.add_argument("--iterations", type=int, default=1000, help="steps of each segmentation training")
    advanced.add_argument("--epochs", type=int, help="epochs of the classifier")
    advanced.add_argument("--config", type=Path, help="JSON with sections 'classifier' and 'segmentation'")
    advanced.add_argument("--limit", type=int, default=0, help="score at most so many images per split (for a trial)")
    add_device_options(parser)


def benchmark(options: argparse.Namespace, report: Reporter) -> int:
    """Measure what is not measured yet, write `benchmark.md` after every row, return the exit code."""
    prepare(hardware_of(options))
    options.out.mkdir(parents=True, exist_ok=True)
    with project_of(options.data, options.out / "project") as project:
        bench = Bench(project, options, report)
        for name, make in bench.rows():
            bench.measure(name, make)
            table = bench.table()
        report.say(table)
    return 0


@dataclass
class Bench:
    """The project being measured, and its rows."""

    project: Project
    options: argparse.Namespace
    report: Reporter

    def __post_init__(self) -> None:
        classes = self.options.classes or scored_classes(self.options.data)
        self.only = scored_names(self.project, classes)
        self.truth = TrueMasks(self.options.data / MASKS)
        # In the catalog's order images may be sorted by content; a fixed shuffle makes every subset a fair one.
        self.ids = {
            split: _shuffled(self.truth.known(self.project.catalog.ids(split=split))) for split in ("train", "val")
        }
        self.configs: dict[str, Any] = {}
        if self.options.config:
            self.configs = read_mapping(self.options.config)

    def rows(self) -> list[tuple[str, Callable[[], Row]]]:
        """Return the rows in the order they are measured."""
        crf = [(f"crf-{alpha:g}", lambda alpha=alpha: self.crf(alpha)) for alpha in self.options.alphas]
        retrained = [
            (f"deeplab-{count}", lambda count=count: self.deeplab(count)) for count in sorted(self.options.accepted)
        ]
        proposals = [
            (f"proposals-{count}", lambda count=count: self.proposals(count)) for count in sorted(self.options.accepted)
        ]
        return [("seeds", self.seeds), *crf, ("pseudo", self.pseudo), *retrained, *proposals]

    def measure(self, name: str, make: Callable[[], Row]) -> None:
        """Measure a row and keep it, unless it is there."""
        path = self._path(name)
        if path.exists():
            return
        self.report.say(f"measuring {name}", row=name)
        started = time.process_time()
        row = make()
        minutes = row.pop("cpu_minutes", (time.process_time() - started) / 60)
        publish_json(path, {**row, "cpu_minutes": minutes}, indent=2, allow_nan=True)
        publish_bytes(self.options.out / "benchmark.md", self.table().encode())

    def row(self, name: str) -> Row:
        """Return a measured row."""
        found: Row = json.loads(self._path(name).read_text(encoding="utf-8"))
        return found

    def table(self) -> str:
        """Return the measured rows as Markdown."""
        rows = [self.row(name) for name, _ in self.rows() if self._path(name).exists()]
        cells = [
            [
                row["stage"],
                *(_percent(row.get(key)) for key in ("train", "val", "val_labels_given")),
                "not recorded" if np.isnan(row["cpu_minutes"]) else f"{row['cpu_minutes']:.1f}",
                row["how"],
            ]
            for row in rows
        ]
        counted = f"{len(self.ids['train'])} train and {len(self.ids['val'])} val images"
        scored = ", ".join(self.only) if self.only else "all classes"
        return markdown([list(COLUMNS), *cells]) + f"\n\nmIoU over {scored}; {counted}.\n"

    # -- the rows -----------------------------------------------------------------------------------------

    def seeds(self) -> Row:
        """Train the classifier, apply it, and score its maps at the best threshold of the train split."""
        config = self._config("classifier", {"epochs": self.options.epochs} if self.options.epochs else {})
        trained = self._trained("classifier", config)
        apply(self.project, config, self._run(trained), best=False)
        started = time.process_time()
        every = [image_id for ids in self.ids.values() for image_id in ids]
        watched(pipeline.localize(self.project, every, self.options.device, background=False), self.report)
        localizing = (time.process_time() - started) / 60
        swept = {split: self._sweep(ids) for split, ids in self.ids.items()}
        best = swept["train"].best(only=self.only)
        spent = self._minutes(trained)
        return {
            "stage": "CAM seeds",
            "train": swept["train"].scores(best).mean_iou(only=self.only),
            "val_labels_given": swept["val"].scores(best).mean_iou(only=self.only),
            "threshold": swept["train"].thresholds[best],
            "cpu_minutes": spent + localizing,
            "how": f"threshold {swept['train'].thresholds[best]:g}, best on train; training {spent:.1f} min, "
            f"maps of {len(every)} images {localizing:.1f} min",
        }

    def crf(self, alpha: float) -> Row:
        """Score the train seeds after CRF at one background power, and the same seeds without CRF."""
        steps = _chain(alpha)
        plain = self._score("train", lambda i: self._refined(i, steps[:1]))
        refined = self._score("train", lambda i: self._refined(i, steps))
        return {
            "stage": f"after CRF, alpha {alpha:g}",
            "train": refined.mean_iou(only=self.only),
            "without_crf": plain.mean_iou(only=self.only),
            "how": f"without CRF at this alpha {_percent(plain.mean_iou(only=self.only))}; "
            "kernel widths scaled with the image",
        }

    def pseudo(self) -> Row:
        """Make the pseudo masks of all images at the alpha that was best on train, and score them."""
        measured = [self.row(f"crf-{alpha:g}") for alpha in self.options.alphas]
        alpha = self.options.alphas[int(np.argmax([row["train"] for row in measured]))]
        self.project.set_plan(replace(self.project.plan, refiners=_chain(alpha)))
        every = [*self.project.catalog.ids()]
        watched(pipeline.propose(self.project, every, self.options.device, background=False), self.report)
        found = {split: self._score(split, self._proposed) for split in self.ids}
        return {
            "stage": "pseudo masks",
            "train": found["train"].mean_iou(only=self.only),
            "val_labels_given": found["val"].mean_iou(only=self.only),
            "alpha": alpha,
            "how": f"CAM, power background alpha {alpha:g} (best on train), CRF; what DeepLab learns from",
        }

    def deeplab(self, count: int) -> Row:
        """Train DeepLab on the pseudo masks, `count` of them replaced by accepted (true) masks, and score it."""
        for image_id in self.ids_to_accept(count):
            if self.project.catalog.state(image_id) != "accepted":
                self.project.review.accept(image_id, self.truth(image_id))
        config = self._config("segmentation", {"iterations": self.options.iterations})
        trained = self._trained(f"deeplab-{count}", config)
        run = self._run(trained)
        predictor = Predictor(self.project, run.path / LAST, self.options.device)
        train = self._score("train", lambda i: predictor.mask(i, labels_given=True))
        val = self._score("val", lambda i: predictor.mask(i, labels_given=False))
        given = self._score("val", lambda i: predictor.mask(i, labels_given=True))
        return {
            "stage": f"DeepLab, {count} accepted",
            "train": train.mean_iou(only=self.only),
            "val": val.mean_iou(only=self.only),
            "val_labels_given": given.mean_iou(only=self.only),
            "cpu_minutes": self._minutes(run.path),
            "how": f"{self.options.iterations} iterations, {count} accepted masks and pseudo masks of the other "
            "train images; train with labels given",
        }

    def proposals(self, count: int) -> Row:
        """Score what the labeler sees next: the trained DeepLab with mirroring, after the CRF, labels given."""
        config = self._config("segmentation", {"iterations": self.options.iterations})
        checkpoint = self._trained(f"deeplab-{count}", config) / LAST
        predictor = Predictor(self.project, checkpoint, self.options.device, inference=SegmentInference(flip=True))

        def mask(image_id: str) -> Mask:
            pixels = self.project.load_image(image_id).pixels
            return pipeline.refined_mask(pixels, predictor.maps(image_id), (CRF,))

        found = {split: self._score(split, mask) for split in self.ids}
        return {
            "stage": f"its proposals, {count} accepted",
            "train": found["train"].mean_iou(only=self.only),
            "val_labels_given": found["val"].mean_iou(only=self.only),
            "how": f"the DeepLab of {count} accepted masks, mirrored, then CRF, labels given: what a labeler sees",
        }

    def ids_to_accept(self, count: int) -> list[str]:
        """Return the first `count` train images of the fixed shuffle; smaller sets are part of larger ones."""
        return _shuffled(self.truth.known(self.project.catalog.ids(split="train")))[:count]

    # -- what the rows are made of ------------------------------------------------------------------------

    def _config(self, recipe: Recipe, optimisation: dict[str, Any]) -> RunConfig:
        given = self.configs.get(recipe, {})
        hardware = {"device": self.options.device, "threads": self.options.threads}
        return resolve_file(
            recipe,
            {
                **given,
                "network": {"trunk_weights": str(self.options.weights), **given.get("network", {})},
                "optimisation": {**optimisation, **given.get("optimisation", {})},
                "hardware": {**hardware, **given.get("hardware", {})},
            },
        )

    def _trained(self, name: str, config: RunConfig) -> Path:
        """Return the folder of a finished run, continuing the one that an interruption left."""
        note, is_program = self.options.out / f"{name}.run", getattr(self.options, "is_program", False)
        return finished_run(self.project, config, note, self.report, in_time=is_program).path

    def _run(self, folder: Path) -> RunFolder:
        return continued(self.project, folder)[1]

    def _minutes(self, folder: Path) -> float:
        """Return the CPU minutes of a run, nan when it did not record them."""
        return float(self._run(folder).record.get("cpu_seconds", float("nan"))) / 60

    def _sweep(self, ids: Sequence[str]) -> Sweep:
        chosen = ids[: self.options.limit or None]
        left_out = LeftOut()
        found = watched(
            sweep(self.project, chosen, lambda i: seeds(self.project, i), self.truth, left_out), self.report
        )
        left_out.say(self.report)
        return found

    def _score(self, split: str, mask_of: Callable[[str], Mask | None]) -> Scores:
        chosen, left_out = self.ids[split][: self.options.limit or None], LeftOut()
        found = watched(score(self.project, chosen, mask_of, self.truth, left_out), self.report)
        left_out.say(self.report)
        return found

    def _proposed(self, image_id: str) -> Mask | None:
        return pipeline.proposal(self.project, image_id)

    def _refined(self, image_id: str, steps: Sequence[Step]) -> Mask:
        maps = seeds(self.project, image_id)
        assert maps is not None
        return pipeline.refined_mask(self.project.load_image(image_id).pixels, maps, steps)

    def _path(self, name: str) -> Path:
        path: Path = self.options.out / f"row-{name}.json"
        return path


def _chain(alpha: float) -> tuple[Step, ...]:
    power = Step("power_background", {"background_power": alpha})
    return power, CRF


def _shuffled(ids: Sequence[str]) -> list[str]:
    order = np.random.default_rng(0).permutation(len(ids))
    return [ids[int(index)] for index in order]


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f}"
