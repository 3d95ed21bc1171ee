"""Measure what a person's seconds buy.

Simulated annotators give something, the pixel learner learns it, masks are scored.

Every finished row is kept in the output folder, so that an interrupted run goes on where it was. Annotators work in
projects of their own, one per policy, order and seed; a project that is given is only read. The true masks of the val
split are only ever scored; to choose something by, score train images that nobody annotates (``--score-on rest``).
"""

import argparse
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.errors import LabelError, ParameterError
from napari_wsss.core.files import publish_json
from napari_wsss.core.parameters import add_options, advanced_options, from_dict, typed_options
from napari_wsss.core.plan import Step
from napari_wsss.core.progress import Progress
from napari_wsss.pipeline.lineage import has_model
from napari_wsss.processes.option_files import read_mapping
from napari_wsss.project.project import Project
from napari_wsss.project.records import NewImage
from training.config import RunConfig
from training.data.samplers import spread
from training.economy.annotators import POLICIES, TAGS
from training.economy.costs import Costs
from training.economy.curves import Row
from training.economy.hand import Hand, Noise
from training.economy.machine import Machine
from training.economy.orders import ORDERS, Pool
from training.economy.results import keep_row, row_path, write_results
from training.hardware import prepare
from training.pixel_learner.pixel_learner import PixelLearner
from training.report import Reporter, watched
from training.resolving import resolve_file
from training.scoring.left_out import LeftOut
from training.scoring.scoring import TrueMasks, score, scored_names
from training.sources import PixelClassifierSources
from training.stages.maps import add_device_options, hardware_of
from training.stages.voc_folder import MASKS, project_of, scored_classes

CRF = Step("dense_crf", {"preset": "probabilities"})
STAGE = "economy"
WITH, WITHOUT = "with", "without"
VAL, REST = "val", "rest"
FIRST_LESSON = 8
"""Images after which proposals are the learner's, as beside a window, for a person who looks at them."""
Mask = NDArray[np.uint8]


def add_economy_options(parser: argparse.ArgumentParser, typed: Sequence[str]) -> None:
    """Add the options of ``economy``."""
    advanced = advanced_options(parser)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--data", type=Path, help="VOC-like folder with masks")
    source.add_argument("--project", type=Path, help="project whose images, labels, splits and applied models are used")
    parser.add_argument("--truth", type=Path, help="folder of true masks, needed with --project")
    parser.add_argument("--weights", default="imagenet", help="trunk weights: file, published name, none")
    parser.add_argument("--out", type=Path, required=True, help="rows, projects, table and plot go here")
    parser.add_argument("--classes", nargs="+", help="score background and these [classes_eval.txt]")
    parser.add_argument("--policies", nargs="+", choices=tuple(POLICIES), default=("masks", "clicks"))
    advanced.add_argument("--orders", nargs="+", choices=tuple(ORDERS), default=("random",), help="of images [random]")
    parser.add_argument(
        *("--learner",), nargs="+", choices=(WITH, WITHOUT), default=(WITH,), help="with the pixel learner, or without"
    )
    parser.add_argument("--images", nargs="+", type=int, default=(25, 100, 400), help="numbers of annotated images")
    parser.add_argument("--seeds", nargs="+", type=int, default=(0,), help="draws of images, and of the learner")
    advanced.add_argument("--no-crf", action="store_true", help="show and score the learner's probabilities only")
    advanced.add_argument("--pool", type=int, default=0, help="annotate among so many train images, evenly from all")
    advanced.add_argument(
        *("--score-on",), choices=(VAL, REST), default=VAL, help="'rest': train images outside of --pool, to choose by"
    )
    advanced.add_argument("--limit", type=int, default=0, help="score at most so many images, evenly from all")
    advanced.add_argument("--config", type=Path, help="JSON with the options of the pixel classifier's training")
    add_options(parser, Costs)
    add_options(parser, Noise)
    add_device_options(parser)


def economy(options: argparse.Namespace, report: Reporter) -> int:
    """Measure what is not measured yet, write tables and plot after every row, return the exit code."""
    if options.project and not options.truth:
        raise LabelError("The masks are scored against true ones: name their folder (--truth).")
    prepare(hardware_of(options))
    options.out.mkdir(parents=True, exist_ok=True)
    check_same(options)
    for setting in settings_of(options):
        for row in Measuring(options, *setting, report).rows():
            keep_row(options.out, row)
            write_results(options.out)
    report.say(write_results(options.out))
    return 0


def check_same(options: argparse.Namespace) -> None:
    """Note the options that all rows of an output folder share, or compare them with what is noted.

    Raises
    ------
    ParameterError
        When rows there were measured with others: they would stand in one table.
    """
    named = ("data", "project", "truth", "weights", "classes", "no_crf", "pool", "limit", "score_on", "config")
    given = {name: str(getattr(options, name)) for name in named}
    given |= {name: str(value) for cls in (Costs, Noise) for name, value in typed_options(cls, options).items()}
    path = options.out / "options.json"
    if path.exists() and (known := json.loads(path.read_text(encoding="utf-8"))) != given:
        other = ", ".join(sorted(name for name in {*known, *given} if known.get(name) != given.get(name)))
        raise ParameterError(
            f"The rows in {options.out} were measured with another {other}; measure into another folder (--out), or "
            "with the same.",
            name="out",
        )
    publish_json(path, given)


def settings_of(options: argparse.Namespace) -> list[tuple[str, str, bool, int]]:
    """Return policy, order, learner and seed of every curve that was asked for; tags have one order and no learner."""
    asked = [
        (policy, order, learner == WITH, seed)
        for policy in options.policies
        for order in (options.orders if policy != TAGS else ("file",))
        for learner in (options.learner if policy != TAGS else (WITHOUT,))
        for seed in (options.seeds if policy != TAGS else (0,))
    ]
    return list(dict.fromkeys(asked))


@dataclass
class Measuring:
    """One policy in one order with one seed: more and more images annotated, learned from and scored."""

    options: argparse.Namespace
    policy: str
    order: str
    learner: bool
    seed: int
    report: Reporter

    def __post_init__(self) -> None:
        costs = from_dict(Costs, typed_options(Costs, self.options))
        noise = from_dict(Noise, typed_options(Noise, self.options))
        self.annotator = POLICIES[self.policy](Hand(costs, noise, self.seed))
        self.truth = TrueMasks(self.options.truth or self.options.data / MASKS)

    def rows(self) -> Iterator[Row]:
        """Yield the rows that are not there yet; all smaller numbers of images are annotated on the way.

        Raises
        ------
        LabelError
            When there is neither a learner nor an applied model: nothing would be proposed.
        """
        with self._project() as project:
            ids = self.truth.known(project.catalog.ids(split="train"))
            ids = spread(ids, self.options.pool or len(ids))
            missing = [count for count in self._counts(ids) if not self._path(count).exists()]
            if not missing:
                return
            if not self.learner and not has_model(project.plan):
                raise LabelError(
                    f"Without the learner, {self.policy} needs a project (--project) in which a model is applied: "
                    "nothing else proposes masks."
                )
            config = self._config()
            assert isinstance(config.sources, PixelClassifierSources)
            learner = PixelLearner(project, config) if self.learner else None
            folds = config.sources.enlargement_folds
            machine = Machine(project, learner, () if self.options.no_crf else (CRF,), folds)
            pool = Pool(project, machine, ids, self.seed)
            for count in [count for count in self._counts(ids) if count <= missing[-1]]:
                started = time.process_time()
                self._annotate(pool, ORDERS[self.order](pool, count - len(pool.spent)))
                if machine.sizes:
                    self.report.say(f"{len(pool.spent)} images: {machine.sizes}.")
                if count in missing:
                    yield self._row(pool, started)

    def _counts(self, ids: Sequence[str]) -> list[int]:
        wanted = [len(ids)] if self.policy == TAGS else self.options.images
        return sorted({min(count, len(ids)) for count in wanted})

    def _path(self, count: int) -> Path:
        return row_path(self.options.out, self.policy, self.order, self.learner, count, self.seed)

    def _annotate(self, pool: Pool, ids: Sequence[str]) -> None:
        """Visit images as often as the annotator does, some at a time, and learn after each round."""
        some = between_lessons(ids, len(pool.spent)) if self.learner and self.annotator.looks else [ids]
        for visited in some:
            spent = dict.fromkeys(visited, 0.0)
            for _ in range(self.annotator.rounds):
                for done, image_id in enumerate(visited, 1):
                    shown = pool.machine.shown(image_id) if self.annotator.looks else None
                    spent[image_id] += self.annotator.annotate(pool.project, image_id, self.truth(image_id), shown)
                    self.report.show(Progress(STAGE, done, len(visited), image_id))
                pool.machine.learn(visited)
            pool.spent.update(spent)

    def _row(self, pool: Pool, started: float) -> Row:
        machine, no_crf = pool.machine, self.options.no_crf
        held_out = self._held_out(pool)
        refined = self._mean_iou(pool.project, held_out, lambda image_id: _mask_of(machine, image_id))
        plain = refined
        if self.learner and not no_crf:
            plain = self._mean_iou(pool.project, held_out, lambda image_id: _mask_of(machine, image_id, refined=False))
        return Row(
            policy=self.policy,
            order=self.order,
            learner=self.learner,
            images=len(pool.spent),
            seed=self.seed,
            gestures=sum(pool.spent.values()),
            waited=machine.seconds,
            everything=self._mean_iou(pool.project, pool.ids, machine.mask),
            held_out=plain,
            refined=None if no_crf else refined,
            fit=machine.fit,
            cpu=time.process_time() - started,
        )

    def _held_out(self, pool: Pool) -> list[str]:
        """Return the images that are only scored: the val split, or the train images nobody may annotate.

        Raises
        ------
        ParameterError
            When none is left.
        """
        catalog = pool.project.catalog
        if self.options.score_on == VAL:
            return self.truth.known(catalog.ids(split="val"))
        found = [image_id for image_id in self.truth.known(catalog.ids(split="train")) if image_id not in set(pool.ids)]
        if not found:
            raise ParameterError("No train image is left to score; annotate among fewer (--pool).", name="score_on")
        return found

    def _mean_iou(self, project: Project, ids: Sequence[str], mask_of: Callable[[str], Mask | None]) -> float:
        classes = self.options.classes or (scored_classes(self.options.data) if self.options.data else ())
        only = scored_names(project, classes)
        chosen, left_out = spread(ids, self.options.limit or len(ids)), LeftOut()
        scores = watched(score(project, chosen, mask_of, self.truth, left_out), self.report)
        left_out.say(self.report)
        return float(scores.mean_iou(only=only))

    # -- the project and the learner ----------------------------------------------------------------------

    def _project(self) -> Project:
        """Return a fresh project to annotate in, with everything that was computed already for its like."""
        kind = "learner" if self.learner else "maps"
        folder = self.options.out / f"{self.policy}-{self.order}-{kind}-{self.seed}" / "project"
        shutil.rmtree(folder, ignore_errors=True)
        if self.options.project:
            share(self.options.project, folder, "training")
        others = [*([self.options.project] if self.options.project else []), *self.options.out.glob("*/project")]
        for other in sorted(set(others) - {folder}):
            share(other, folder, "results")
        if not self.options.project:
            return project_of(self.options.data, folder)
        return unannotated(self.options.project, folder)

    def _config(self) -> RunConfig:
        given = read_mapping(self.options.config) if self.options.config else {}
        network = {"trunk_weights": str(self.options.weights), **given.get("network", {})}
        optimisation = {"seed": self.seed, **given.get("optimisation", {})}
        hardware = {"device": self.options.device, "threads": self.options.threads, **given.get("hardware", {})}
        sections = {"network": network, "optimisation": optimisation, "hardware": hardware}
        return resolve_file("segmentation", {**given, "method": "pixel_classifier", **sections})


def between_lessons(ids: Sequence[str], before: int) -> list[Sequence[str]]:
    """Return the next images in parts, each as long as a person who looks sees proposals of the same lesson.

    Lessons come at 8, 16, 32 ... images, so that what a person sees does not depend on which numbers of images are
    scored. Beside a window they come with every decision from 8 images on: what is measured is no better than that.

    Parameters
    ----------
    ids : sequence of str
    before : int
        Images that were annotated before these.
    """
    parts, end = [], FIRST_LESSON
    while ids:
        while end <= before:
            end *= 2
        parts.append(ids[: end - before])
        ids, before = ids[end - before :], end
    return parts


def unannotated(source: Path, folder: Path) -> Project:
    """Return a new project with the images, labels, splits and plan of another, and nothing a person drew."""
    with Project.open_to_read(source) as given:
        images = [
            NewImage(record.id, record.labels, record.split, record.negative, record.unknown)
            for record in given.catalog.records()
        ]
        project = Project.create(folder, given.images_root, given.classes, images)
        project.set_plan(given.plan)
    return project


def share(source: Path, target: Path, part: str) -> None:
    """Link the files that another project of the same images has in a part of its folder; what is there stays."""
    for found in sorted(path for path in (source / part).rglob("*") if path.is_file()):
        place = target / found.relative_to(source)
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(found, place)
            except OSError:  # on another disk
                shutil.copy2(found, place)


def _mask_of(machine: Machine, image_id: str, *, refined: bool = True) -> Mask | None:
    maps = machine.maps(image_id, refined=refined)
    return None if maps is None else maps.to_mask()
