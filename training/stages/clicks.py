"""Count the clicks that masks cost.

The robot of the clicks literature corrects one thing after the other, from an empty mask and from what the project
proposes, with each engine that answers clicks in the window. Objects are those of the held-out split; finished ones are
kept in the output folder, so that an interrupted run goes on where it was.
"""

import argparse
import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.errors import LabelError, ParameterError
from napari_wsss.core.files import publish, publish_json
from napari_wsss.core.parameters import advanced_options
from napari_wsss.core.progress import Progress
from napari_wsss.pipeline import run as pipeline
from napari_wsss.pipeline.applied_model import MAP_BACKGROUND
from napari_wsss.pixels.clicks.pointing import Scene
from napari_wsss.project.project import Project
from napari_wsss.promptable.sam_onnx import check_pair, embed
from training.economy.clicking import (
    LEAST_SHARE,
    ByColour,
    BySegmenter,
    Engine,
    Target,
    clicks_until,
    overlaps,
    targets_in,
)
from training.report import Reporter
from training.scoring.scoring import TrueMasks
from training.scoring.tables import markdown

COLOUR, SEGMENTER = "colour", "segmenter"
NOTHING, PROPOSALS = "nothing", "proposals"
WANTED = (0.80, 0.85, 0.90)
"""Intersections over union until which clicks are counted."""
STAGE = "clicks"
COLUMNS = (
    *("engine", "from", "objects", "IoU before", "IoU after 1"),
    *(f"NoC{round(100 * wanted)}" for wanted in WANTED),
    "never 90 %",
)


def add_clicks_options(parser: argparse.ArgumentParser, typed: Sequence[str]) -> None:
    """Add the options of ``clicks``."""
    advanced = advanced_options(parser)
    parser.add_argument("--project", type=Path, required=True, help="project whose applied model proposes")
    parser.add_argument("--truth", type=Path, required=True, help="folder of true masks")
    parser.add_argument("--out", type=Path, required=True, help="objects, table and embeddings are kept here")
    parser.add_argument("--engines", nargs="+", choices=(COLOUR, SEGMENTER), default=(COLOUR,))
    advanced.add_argument("--starts", nargs="+", choices=(NOTHING, PROPOSALS), default=(NOTHING, PROPOSALS))
    parser.add_argument("--encoder", type=Path, help="of a SAM-family pair (.onnx), for the segmenter")
    parser.add_argument("--decoder", type=Path, help="of the same pair")
    parser.add_argument("--classes", nargs="+", help="only things of these classes [all]")
    advanced.add_argument("--objects", type=int, default=200, help="at most so many things [200]")
    advanced.add_argument("--per-image", type=int, default=1, help="at most so many of an image, the largest first [1]")
    advanced.add_argument("--least", type=float, default=LEAST_SHARE, help="smallest share of a picture [0.015]")


def clicks(options: argparse.Namespace, report: Reporter) -> int:
    """Count what is not counted yet, write the table, return the exit code."""
    if SEGMENTER in options.engines:
        if not (options.encoder and options.decoder):
            raise ParameterError("The segmenter is two files: name them with --encoder and --decoder.", name="encoder")
        check_pair(options.encoder, options.decoder)
    with Project.open_to_read(options.project) as project:
        counting = Counting(options, project)
        found = counting.targets()
        options.out.mkdir(parents=True, exist_ok=True)
        check_same(options)
        for engine in options.engines:
            for start in options.starts:
                for done, target in enumerate(found, 1):
                    counting.count(engine, start, target, done)
                    report.show(Progress(STAGE, done, len(found), f"{engine} from {start}: {target.image_id}"))
                write_table(options.out)
    report.say(write_table(options.out))
    return 0


def check_same(options: argparse.Namespace) -> None:
    """Note what all objects of an output folder share, or compare it with what is noted.

    Raises
    ------
    ParameterError
        When objects there were counted otherwise: they would stand in one table.
    """
    named = ("project", "truth", "classes", "objects", "per_image", "least", "decoder")
    given = {name: str(getattr(options, name)) for name in named}
    path = options.out / "options.json"
    if path.exists() and json.loads(path.read_text(encoding="utf-8")) != given:
        raise ParameterError(
            f"The objects in {options.out} were counted with other options; use another --out.", name="out"
        )
    publish_json(path, given)


@dataclass
class Counting:
    """The clicks on the things of one project."""

    options: argparse.Namespace
    project: Project

    def targets(self) -> list[Target]:
        """Return the things to be clicked on, image by image.

        Raises
        ------
        LabelError
            When a class is unknown or there is no such thing.
        """
        classes = self.project.classes
        unknown = sorted(set(self.options.classes or ()) - set(classes.names))
        if unknown:
            raise LabelError(f"The project has no class {', '.join(unknown)}; it has {', '.join(classes.names)}.")
        values = [classes.mask_value(name) for name in self.options.classes or classes.names]
        truth = TrueMasks(self.options.truth)
        found: list[Target] = []
        for image_id in truth.known(self.project.catalog.ids(split="val")):
            found += targets_in(image_id, truth(image_id), values, self.options.per_image, self.options.least)
            if len(found) >= self.options.objects:
                break
        if not found:
            raise LabelError("No held-out image has such a thing; check --classes, --least and the project's splits.")
        return found[: self.options.objects]

    def count(self, engine: str, start: str, target: Target, number: int) -> None:
        """Have the robot click on one thing, unless that was done."""
        path = self.options.out / f"{engine}-{start}" / f"{number:05d}.json"
        if path.exists():
            return
        scene = self._scene(target, start)
        found = overlaps(target, scene.before, self._engine(engine, scene, target.image_id), enough=WANTED[-1])
        path.parent.mkdir(exist_ok=True)
        publish_json(path, {"image": target.image_id, "value": target.value, "overlaps": found})

    def _scene(self, target: Target, start: str) -> Scene:
        pixels = self.project.load_image(target.image_id).pixels
        empty = np.zeros(target.truth.shape, np.uint8)
        nobody = np.zeros(target.truth.shape, bool)
        if start == NOTHING:
            return Scene(pixels, target.value, empty, nobody)
        maps = pipeline.base_maps(self.project, target.image_id)
        proposal = pipeline.proposal(self.project, target.image_id)
        if proposal is None:
            raise LabelError(
                f"{target.image_id} has no proposal: apply a model to the project and compute those of the val split "
                "(training.run refine --split val)."
            )
        return Scene(pixels, target.value, proposal, nobody, maps, MAP_BACKGROUND)

    def _engine(self, engine: str, scene: Scene, image_id: str) -> Engine:
        if engine == COLOUR:
            return ByColour(scene)
        return BySegmenter(scene, self._embedding(image_id, scene.pixels), self.options.decoder)

    def _embedding(self, image_id: str, pixels: NDArray[np.uint8]) -> NDArray[np.float16]:
        path = self.options.out / "embeddings" / f"{image_id}.npy"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            with publish(path) as file:
                np.save(file, embed(self.options.encoder, pixels))
        found: NDArray[np.float16] = np.load(path)
        return found


def write_table(out: Path) -> str:
    """Write ``clicks.md`` and ``clicks.csv`` of all objects counted so far and return the text."""
    rows = [list(COLUMNS), *rows_in(out)]
    text = markdown(rows)
    with publish(out / "clicks.md") as file:
        file.write(text.encode())
    with (out / "clicks.csv").open("w", newline="", encoding="utf-8") as table:
        csv.writer(table).writerows(rows)
    return text


def rows_in(out: Path) -> Iterator[list[str]]:
    """Yield a row of cells for each engine and start there is."""
    for engine in (COLOUR, SEGMENTER):
        for start in (NOTHING, PROPOSALS):
            paths = sorted((out / f"{engine}-{start}").glob("*.json"))
            curves = [json.loads(path.read_text(encoding="utf-8"))["overlaps"] for path in paths]
            if curves:
                counts = [f"{np.mean([clicks_until(curve, wanted) for curve in curves]):.2f}" for wanted in WANTED]
                failed = sum(max(curve) < WANTED[-1] for curve in curves)
                before, after = (np.mean([curve[min(k, len(curve) - 1)] for curve in curves]) for k in (0, 1))
                yield [engine, start, str(len(curves)), f"{before:.3f}", f"{after:.3f}", *counts, str(failed)]
