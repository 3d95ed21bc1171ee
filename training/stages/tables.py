"""The papers' tables for one's own project: as text, CSV and LaTeX, published figures beside where they are known.

Trained networks are those of the project's comparison, else its newest finished runs; nothing is trained here, and
what is missing is said with the command that makes it. What is measured is kept in the output folder.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from napari_wsss.core.classes import BACKGROUND, IGNORE
from napari_wsss.core.errors import StepError
from napari_wsss.core.inference import Inference
from napari_wsss.core.parameters import add_options, advanced_options, fields_of, from_dict
from napari_wsss.core.registry import load_method
from napari_wsss.pipeline import run as pipeline
from napari_wsss.pipeline.applied_model import RunError
from napari_wsss.project.project import Project
from training.hardware import prepare
from training.published_presets import published_figures
from training.report import Reporter
from training.scoring.saliency_metrics import SaliencyTally
from training.scoring.scoring import AcceptedMasks, TrueMasks, class_names
from training.scoring.table_set import Rows, TableSet
from training.stages.compare import measured_rows
from training.stages.maps import add_device_options, hardware_of
from training.stages.measures import Chain, Measures
from training.stages.trained_runs import Model, trained_models, trained_segmenters
from training.stages.voc_folder import MASKS, scored_classes

SPLITS = ("train", "val")
WALKING = ("cam", "sub_category")
"""Methods whose maps are also measured after a random walk."""
SALIENCY = ("adaptive_f", "mean_f", "maximal_f", "mean_absolute_error", "e_measure")


def add_tables_options(parser: argparse.ArgumentParser, typed: Sequence[str]) -> None:
    """Add the options of ``tables``."""
    advanced = advanced_options(parser)
    parser.add_argument("--project", type=Path, required=True, help="project folder")
    parser.add_argument("--data", type=Path, help="VOC-like folder whose masks are the truth")
    parser.add_argument("--truth", type=Path, help="folder of true masks [of --data, else the accepted masks]")
    parser.add_argument("--classes", nargs="+", help="score background and these [classes_eval.txt of --data, or all]")
    advanced.add_argument("--limit", type=int, default=0, help="score at most so many images per split")
    advanced.add_argument("--only", nargs="+", choices=tuple(TABLES), default=tuple(TABLES), help="these tables")
    advanced.add_argument("--comparison", type=Path, help="output folder of compare [PROJECT/comparison]")
    parser.add_argument("--out", type=Path, help="tables and figures go here [PROJECT/tables]")
    add_device_options(parser)
    add_options(parser, Inference)


def tables(options: argparse.Namespace, report: Reporter) -> int:
    """Make the tables, print them and write `table.txt`, `table.csv` and `tables.tex`; return the exit code."""
    prepare(hardware_of(options))
    out = options.out or options.project / "tables"
    with Project.open_to_read(options.project) as project:
        maker = Maker.of(project, options, out, report)
        for name in options.only:
            TABLES[name](maker)
    maker.found.write(out)
    report.say(maker.found.as_text(), tables=maker.found.tables, notes=maker.found.notes, missing=maker.found.missing)
    return 0


@dataclass
class Maker:
    """Makes the tables of one project."""

    project: Project
    measures: Measures
    models: dict[str, Model]
    comparison: Path
    found: TableSet = field(default_factory=TableSet)

    @classmethod
    def of(cls, project: Project, options: argparse.Namespace, out: Path, report: Reporter) -> Maker:
        """Return what the options choose."""
        folder = options.truth or (options.data / MASKS if options.data else None)
        typed = {name: getattr(options, name) for name in fields_of(Inference) if hasattr(options, name)}
        measures = Measures(
            project,
            out / "measured",
            TrueMasks(folder, project.classes) if folder else AcceptedMasks(project),
            report,
            from_dict(Inference, typed),
            options.device,
            options.limit,
            tuple(options.classes or (scored_classes(options.data) if options.data else ())),
        )
        comparison = options.comparison or project.folder / "comparison"
        models = {model.method: model for model in trained_models(project, comparison)}
        return cls(project, measures, models, comparison)

    # -- the tables ---------------------------------------------------------------------------------------

    def ablation(self) -> None:
        """Put the parts of SEAM and of the CRF (SEAM, table 1)."""
        cls: Any = load_method("localize", "seam")
        rows: Rows = [["method", "ER", "PCM", "OHEM", "seed mIoU", "after CRF", "published"]]
        for title, values in cls.ablation.items():
            measured = [row for row in measured_rows(self.comparison) if row["title"] == title]
            if measured:
                chosen = from_dict(cls.Parameters, values)
                parts = (
                    chosen.equivariance_weight > 0,
                    chosen.correlation,
                    chosen.correlation and chosen.hard_share < 1,
                )
                means = [_percent(np.mean([row[key] for row in measured])) for key in ("seed_miou", "crf_miou")]
                published = self._published("seam", "seed mIoU", "train") if not values else ""
                rows.append([title, *("x" if part else "" for part in parts), *means, published])
        missing = self._command("compare", "--methods seam --ablation") if len(rows) <= len(cls.ablation) else ""
        self.found.put("Parts of SEAM", rows, missing=[missing])

    def walk(self) -> None:
        """Put CAM and SC-CAM before and after the random walk (SC-CAM, table 2)."""
        shown = self._splits()
        rows: Rows = [["method", *(f"{split} mIoU" for split in shown), *(f"published {split}" for split in shown)]]
        missing = [self._missing(method) for method in WALKING]
        for model in (self.models[method] for method in WALKING if method in self.models):
            published = [self._published(model.method, "seed mIoU", split) for split in shown]
            rows.append([model.title, *(self._miou(model, split, "seeds") for split in shown), *published])
            # PSA's figure stands with its affinity network.
            walker = "affinity_net" if model.method == "cam" else model.method
            published = [self._published(walker, "random walk mIoU", split) for split in shown]
            try:
                walked = [self._miou(model, split, "walk") for split in shown]
            except (StepError, RunError) as reason:
                missing.append(str(reason))
            else:
                rows.append([f"{model.title} + random walk", *walked, *published])
        self.found.put("Random walk", rows, self._basis(), missing=missing)

    def rounds(self) -> None:
        """Put mIoU and F-score of every round of SC-CAM (its table 3)."""
        rows: Rows = [["round", *(f"{split} {what}" for split in self._splits() for what in ("mIoU", "F-score"))]]
        model = self.models.get("sub_category")
        for one in model.rounds() if model else ():
            cells = []
            for split in self._splits():
                scores = self.measures.of(one, split, "seeds").scores
                f_score = scores.mean(scores.f_score, only=self.measures.only)
                cells += [_percent(scores.mean_iou(only=self.measures.only)), _percent(f_score)]
            rows.append([one.title, *cells])
        self.found.put("Rounds of SC-CAM", rows, self._basis(), missing=[self._missing("sub_category")])

    def classes(self) -> None:
        """Put the IoU of every class by every trained localizer, one table per split."""
        missing = "" if self.models else self._command("compare", "--methods cam,seam,sub_category,edam")
        for split in self._splits():
            rows = self._class_rows(list(self.models.values()), split, "seeds")
            published = [self._published(method, "seed mIoU", split) for method in self.models]
            if any(published):
                rows.append(["published", *published])
            self.found.put(f"IoU of every class, {split}", rows, self._basis(), missing=[missing])

    def segmentation(self) -> None:
        """Put the IoU of every class by every trained segmentation network, which is given no labels."""
        models = trained_segmenters(self.project)
        missing = "" if models else self._command("segmentation", "")
        for split in self._splits():
            known = [f for m in models for f in published_figures(m.method, self.project.classes.names)]
            published = "; ".join(str(figure) for figure in known if figure.split == split)
            self.found.put(
                f"IoU of every class by segmentation networks, {split}",
                self._class_rows(models, split, "segmented"),
                self._images(),
                f"Published: {published}." if published else "",
                missing=[missing],
            )

    def saliency(self) -> None:
        """Put how good the project's saliency is, every object of any class being the truth (LDF, table 1)."""
        rows, missing = [["split", "images", *SALIENCY]], []
        for split in self._splits():
            try:
                tally = self._salient(split)
            except (StepError, RunError) as reason:
                missing.append(str(reason))
                break
            figures = tally.figures()
            rows.append([split, str(tally.images), *(f"{figures[n]:.4f}" if n in figures else "" for n in SALIENCY)])
        self.found.put("Saliency", rows, missing=missing)

    # -- what they are made of ----------------------------------------------------------------------------

    def _class_rows(self, models: Sequence[Model], split: str, chain: Chain) -> Rows:
        """Return a row per class and the mean, a column per model; the header alone without models."""
        measured = {model.title: self.measures.of(model, split, chain).scores for model in models}
        rows: Rows = [["class", *measured]]
        for k, name in enumerate(class_names(self.project) if measured else ()):
            if self.measures.only is None or name in self.measures.only:
                rows.append([name, *(_percent(scores.iou[k]) for scores in measured.values())])
        means = [_percent(scores.mean_iou(only=self.measures.only)) for scores in measured.values()]
        return [*rows, ["mean", *means]] if measured else rows

    def _salient(self, split: str) -> SaliencyTally:
        tally = SaliencyTally()
        for image_id in self.measures.ids(split):
            evidence = pipeline.evidence_of(self.project, image_id, self.measures.device, background=False)
            truth = self.measures.truth(image_id)
            tally.add(evidence.saliency().values, truth != BACKGROUND, truth != IGNORE)
        return tally

    def _splits(self) -> list[str]:
        return [split for split in SPLITS if self.measures.ids(split)]

    def _miou(self, model: Model, split: str, chain: Chain) -> str:
        return f"{self.measures.miou(model, split, chain):.1f}"

    def _published(self, method: str, what: str, split: str) -> str:
        figures = published_figures(method, self.project.classes.names)
        return next((f"{f.value:.1f}" for f in figures if (f.what, f.split) == (what, split)), "")

    def _basis(self) -> str:
        return f"{self._images()[:-1]}; each background threshold is the best of its split."

    def _images(self) -> str:
        counts = ", ".join(f"{len(self.measures.ids(split))} {split} images" for split in self._splits())
        scored = ", ".join(self.measures.only) if self.measures.only else "all classes"
        return f"Over {scored}; {counts or 'no true masks'}."

    def _missing(self, method: str) -> str:
        return "" if method in self.models else self._command("classifier", f"--method {method}")

    def _command(self, stage: str, words: str) -> str:
        command = f"python -m training.run {stage} --project {self.project.folder.name} {words}"
        return f"Not trained yet: {command.rstrip()}"


TABLES: Mapping[str, Callable[[Maker], None]] = {
    "ablation": Maker.ablation,
    "walk": Maker.walk,
    "rounds": Maker.rounds,
    "classes": Maker.classes,
    "segmentation": Maker.segmentation,
    "saliency": Maker.saliency,
}
"""Name of a table -> what makes it."""


def _percent(share: float) -> str:
    return "" if np.isnan(share) else f"{100 * float(share):.1f}"
