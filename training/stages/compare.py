"""Train localizers in turn, same trunk, data, epochs and seeds, and print what their maps are worth.

Every finished row is kept in the output folder, so that an interrupted comparison continues where it was. The project
is only read: its labels, its plan and its applied model stay as they are. True masks of the compared split choose the
background threshold, as the field does it; the table says so.
"""

import argparse
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from napari_wsss.core.background import equivalent_alpha
from napari_wsss.core.errors import LabelError, ParameterError, StepError
from napari_wsss.core.files import publish_bytes, publish_json, read_object
from napari_wsss.core.inference import Inference
from napari_wsss.core.inside import found_below
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.masks import Mask
from napari_wsss.core.parameters import add_options, advanced_options, fields_of, from_dict, to_dict
from napari_wsss.core.plan import Step
from napari_wsss.core.registry import load_method, method_names
from napari_wsss.pipeline import run as pipeline
from napari_wsss.pipeline.applied_model import companions_for
from napari_wsss.pipeline.lineage import Lineage
from napari_wsss.project.project import Project
from training.config import RunConfig
from training.execute import finished_run
from training.hardware import prepare
from training.loop.checkpoints import LAST
from training.published_presets import published_figures
from training.report import Reporter, watched
from training.resolving import resolve_file
from training.scoring.contact_sheet import Cell, contact_sheet
from training.scoring.left_out import LeftOut
from training.scoring.scoring import AcceptedMasks, TrueMasks, score, scored_names, sweep
from training.scoring.tables import markdown
from training.stages.maps import add_device_options, hardware_of
from training.stages.voc_folder import MASKS, project_of, scored_classes

COLUMNS = ("method", "seed mIoU", "after CRF", "best threshold", "F-score", "training CPU min", "maps CPU min", "seeds")
CRF = Step("dense_crf", {"scale_with_image": True})
Row = dict[str, Any]
MapsOf = Callable[[str], ActivationMaps | None]
"""Image id -> its maps."""


@dataclass(frozen=True)
class Entry:
    """One training that is compared: a method with parameters that differ from its defaults, and a seed."""

    title: str
    method: str
    seed: int
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What its files are called."""
        words = "".join(letter if letter.isalnum() else "-" for letter in self.title)
        return f"{words}-seed{self.seed}"


def add_compare_options(parser: argparse.ArgumentParser, typed: Sequence[str]) -> None:
    """Add the options of ``compare``."""
    advanced = advanced_options(parser)
    parser.add_argument("--project", type=Path, required=True, help="project folder (made from --data when missing)")
    parser.add_argument("--data", type=Path, help="VOC-like folder with masks: makes the project, gives the truth")
    parser.add_argument("--truth", type=Path, help="folder of true masks [of --data, else the accepted masks]")
    parser.add_argument("--classes", nargs="+", help="score background and these [classes_eval.txt of --data, or all]")
    parser.add_argument("--methods", type=_names, default=("cam",), help="names with commas between them")
    advanced.add_argument("--seeds", nargs="+", type=int, default=(0,), help="train each method once per seed")
    advanced.add_argument("--epochs", type=int, help="of every training, instead of each method's own default")
    parser.add_argument("--trunk", default="mobilenet_v2", help="the same trunk for all")
    parser.add_argument("--trunk-weights", default="imagenet", help="trunk weights: file, published name, none")
    advanced.add_argument("--config", type=Path, help="JSON: method name (or 'all') -> sections as in run.json")
    advanced.add_argument("--ablation", action="store_true", help="each method's published ablation instead of itself")
    advanced.add_argument("--every-round", action="store_true", help="one row per round of methods that have rounds")
    parser.add_argument("--split", choices=("train", "val"), default="train", help="the images that are scored")
    advanced.add_argument("--limit", type=int, default=0, help="score at most so many images (a fixed random choice)")
    advanced.add_argument("--sheet", type=int, default=6, help="images on the contact sheet; 0 for none")
    parser.add_argument("--out", type=Path, help="rows, table and contact sheet go here [PROJECT/comparison]")
    add_device_options(parser)
    add_options(parser, Inference)


def compare(options: argparse.Namespace, report: Reporter) -> int:
    """Measure what is not measured yet, write `comparison.md` after every row, return the exit code."""
    prepare(hardware_of(options))
    options.out = options.out or options.project / "comparison"
    if options.data is not None and not (options.project / "project.sqlite").exists():
        project_of(options.data, options.project).close()
    with Project.open_to_read(options.project) as project:
        options.out.mkdir(parents=True, exist_ok=True)
        comparison = Comparison(project, options, report)
        for entry in comparison.entries():
            comparison.measure(entry)
        report.say(comparison.table())
        if options.sheet:
            contact_sheet(options.out / "contact_sheet.png", comparison.sheet_rows(options.sheet))
    return 0


@dataclass
class Comparison:
    """The project that is compared on, and the rows."""

    project: Project
    options: argparse.Namespace
    report: Reporter

    def __post_init__(self) -> None:
        options, data = self.options, self.options.data
        folder = options.truth or (data / MASKS if data else None)
        self.truth = TrueMasks(folder, self.project.classes) if folder else AcceptedMasks(self.project)
        self.only = scored_names(self.project, options.classes or (scored_classes(data) if data else ()))
        known = self.truth.known(self.project.catalog.ids(split=options.split))
        order = np.random.default_rng(0).permutation(len(known))
        self.ids = [known[int(index)] for index in order][: options.limit or None]
        typed = {name: getattr(options, name) for name in fields_of(Inference) if hasattr(options, name)}
        self.inference = from_dict(Inference, typed)
        self.configs = _read_configs(options.config)

    def entries(self) -> list[Entry]:
        """Return the trainings, seed by seed, so that an interrupted comparison has every method once first."""
        found = []
        for seed in self.options.seeds:
            for method in self.options.methods:
                cls = load_method("localize", method)
                variants = getattr(cls, "ablation", {}) if self.options.ablation else {cls.title: {}}
                if not variants:
                    raise ParameterError(f"{cls.title} publishes no ablation; leave out --ablation or choose seam.")
                found += [Entry(title, method, seed, values) for title, values in variants.items()]
        return found

    def measure(self, entry: Entry) -> None:
        """Train an entry and score its maps, unless both was done before."""
        config = self._config(entry)
        note, is_program = self.options.out / f"{entry.name}.run", getattr(self.options, "is_program", False)
        run = finished_run(self.project, config, note, self.report, in_time=is_program)
        for title, checkpoint in self._checkpoints(entry, run.path):
            path = self._path(title, entry.seed)
            if path.exists():
                continue
            self.report.say(f"scoring {title}, seed {entry.seed}", row=path.stem)
            row = self._scored(entry.method, checkpoint)
            row |= {"title": title, "seed": entry.seed, "method": entry.method, "checkpoint": str(checkpoint)}
            row["training_minutes"] = float(run.record.get("cpu_seconds", float("nan"))) / 60
            publish_json(path, row, indent=2, allow_nan=True)
            publish_bytes(self.options.out / "comparison.md", self.table().encode())

    def rows(self) -> list[Row]:
        """Return the measured rows in the order they were made."""
        return measured_rows(self.options.out)

    def table(self) -> str:
        """Return the measured rows as Markdown, one line per method with mean and spread over its seeds."""
        rows = self.rows()
        titles = list(dict.fromkeys(row["title"] for row in rows))
        cells = [_cells(title, [row for row in rows if row["title"] == title]) for title in titles]
        scored = ", ".join(self.only) if self.only else "all classes"
        notes = (
            f"\n\nmIoU and F-score over {scored}; {len(self.ids)} {self.options.split} images, image-level labels "
            "given. The threshold is the best of 0.01 to 0.89 on these very images; the CRF starts from the background "
            "power equivalent to it. Over several seeds: mean ± half the range.\n"
        )
        published = self._published(dict.fromkeys(row["method"] for row in rows))
        return markdown([list(COLUMNS), *cells]) + notes + published

    def _published(self, methods: Iterable[str]) -> str:
        """Return a line per method with figures published for these classes; nothing for other than VOC's."""
        known = {name: published_figures(name, self.project.classes.names) for name in methods}
        lines = [f"\nPublished for {name}: {'; '.join(map(str, found))}.\n" for name, found in known.items() if found]
        return "".join(lines)

    def sheet_rows(self, count: int) -> list[list[Cell]]:
        """Return one row of cells for each of `count` images, a random choice: image, true mask, every method."""
        chosen = [row for row in self.rows() if row["seed"] == self.options.seeds[0]]
        methods = [(row["title"], self._maps(row["method"], Path(row["checkpoint"]))) for row in chosen]
        palette, sheet = self.project.classes.palette, []
        left_out = {image_id for row in chosen for image_id in row.get("left_out", ())}
        for image_id in [image_id for image_id in self.ids if image_id not in left_out][:count]:
            pixels = self.project.load_image(image_id).pixels
            labels = self.project.catalog.get(image_id).labels
            true = _as_maps(self.truth(image_id), self.project.classes.indices(labels))
            cells: list[Cell] = [(", ".join(sorted(labels)), pixels, None, palette), ("truth", pixels, true, palette)]
            sheet.append([*cells, *((title, pixels, maps_of(image_id), palette) for title, maps_of in methods)])
        return sheet

    # -- what a row is made of ----------------------------------------------------------------------------

    def _config(self, entry: Entry) -> RunConfig:
        options, hardware = self.options, {"device": self.options.device, "threads": self.options.threads}
        # 'auto' would let a timing decide about bfloat16, for each training anew.
        alike = {"hardware": {"precision": "float32"}}
        given = _merged(_merged(alike, self.configs.get("all", {})), self.configs.get(entry.method, {}))
        optimisation = {"seed": entry.seed} | ({"epochs": options.epochs} if options.epochs else {})
        network = {"trunk": options.trunk, "trunk_weights": str(options.trunk_weights)}
        ours = {"network": network, "optimisation": optimisation, "hardware": hardware}
        parameters = {**given.get("parameters", {}), **entry.parameters}
        return resolve_file("classifier", {**_merged(given, ours), "method": entry.method, "parameters": parameters})

    def _checkpoints(self, entry: Entry, folder: Path) -> list[tuple[str, Path]]:
        rounds = sorted(folder.glob(f"round-*/{LAST}")) if self.options.every_round else []
        named = [(f"{entry.title}, {path.parent.name.replace('-', ' ')}", path) for path in rounds]
        return named or [(entry.title, folder / LAST)]

    def _scored(self, method: str, checkpoint: Path) -> Row:
        maps_of, started = self._maps(method, checkpoint), time.process_time()
        left_out = LeftOut()
        swept = watched(sweep(self.project, self.ids, maps_of, self.truth, left_out), self.report)
        ids = left_out.rest(self.ids)
        maps_minutes = (time.process_time() - started) / 60
        index = swept.best(only=self.only)
        best, threshold = swept.scores(index), swept.thresholds[index]
        steps = (Step("power_background", {"background_power": equivalent_alpha(threshold)}), CRF)

        def refined(image_id: str) -> Mask:
            maps = maps_of(image_id)
            assert maps is not None
            return pipeline.refined_mask(self.project.load_image(image_id).pixels, maps, steps)

        after = watched(score(self.project, ids, refined, self.truth, left_out), self.report)
        left_out.say(self.report)
        return {
            "seed_miou": best.mean_iou(only=self.only),
            "threshold": threshold,
            "f_score": best.mean(best.f_score, only=self.only),
            "crf_miou": after.mean_iou(only=self.only),
            "maps_minutes": maps_minutes,
            "images": len(left_out.rest(self.ids)),
            "left_out": left_out,
            "split": self.options.split,
        }

    def _maps(self, method: str, checkpoint: Path) -> MapsOf:
        return checkpoint_maps(self.project, method, checkpoint, self.inference, self.options.device)

    def _path(self, title: str, seed: int) -> Path:
        path: Path = self.options.out / f"row-{Entry(title, '', seed).name}.json"
        return path


def measured_rows(folder: Path) -> list[Row]:
    """Return the rows that comparisons left in their output folder, in the order they were made; no damaged ones."""
    paths = sorted(folder.glob("row-*.json"), key=lambda path: path.stat().st_mtime_ns)
    return [row for path in paths if (row := _read_row(path)) is not None]


def _read_row(path: Path) -> Row | None:
    try:
        row = read_object(path)
    except (OSError, ValueError):
        return None
    return row if {"title", "method", "checkpoint", "seed"} <= row.keys() else None


def checkpoint_maps(project: Project, method: str, checkpoint: Path, inference: Inference, device: str) -> MapsOf:
    """Return what gives an image's maps by a checkpoint inside the project, applied or not.

    They are stored where the pipeline would look for them were the model applied.

    Raises
    ------
    LabelError
        When the checkpoint was trained for other classes.
    ProjectError
        When it lies outside the project.
    """
    inside = found_below(project.folder, str(checkpoint))
    relative = inside.relative_to(project.folder.resolve()).as_posix()
    localizer = Step(method, to_dict(inference))
    plan = replace(
        project.plan, localizer=localizer, localizer_checkpoint=relative, segmenter_checkpoint="", refiners=()
    )
    network, classes, _ = load_method("localize", method).restore(checkpoint, device)
    if classes != project.classes:
        raise LabelError(f"{checkpoint} was trained for other classes than the project's. Remove its run and row.")

    def maps_of(image_id: str) -> ActivationMaps | None:
        item = Lineage.of(project, image_id, "localize", plan)
        stored = project.store.read_maps(item.base, image_id, item.base_content)
        if stored is not None and stored.classes == item.classes:
            return stored
        given = companions_for(item, classes)
        pixels = project.load_image(image_id).pixels
        maps: ActivationMaps = network.infer(pixels, item.classes, inference, *([given] if given else []))
        project.store.write_maps(item.base, image_id, item.base_content, maps)
        return maps

    return maps_of


def _as_maps(mask: Mask, classes: tuple[int, ...]) -> ActivationMaps:
    """Return a mask as maps that are 1 where it names a class."""
    rows = [(mask == k + 1).astype(np.float32) for k in classes]
    return ActivationMaps(np.stack(rows), classes) if rows else ActivationMaps.empty(*mask.shape)


def _cells(title: str, rows: Sequence[Row]) -> list[str]:
    seeds = ", ".join(str(row["seed"]) for row in rows)
    thresholds = ", ".join(f"{row['threshold']:g}" for row in rows)
    percent = [_spread([100 * row[key] for row in rows]) for key in ("seed_miou", "crf_miou", "f_score")]
    minutes = [_spread([row[key] for row in rows]) for key in ("training_minutes", "maps_minutes")]
    return [title, percent[0], percent[1], thresholds, percent[2], *minutes, seeds]


def _spread(values: Sequence[float]) -> str:
    if len(values) == 1:
        return f"{values[0]:.1f}"
    return f"{np.mean(values):.1f} ± {(max(values) - min(values)) / 2:.1f}"


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return two configurations by section, `above` laid over `below` option by option."""
    sections = {*below, *above} - {"method"}
    return {name: {**below.get(name, {}), **above.get(name, {})} for name in sections}


def _names(text: str) -> tuple[str, ...]:
    known, names = method_names("localize"), tuple(name.strip() for name in text.split(",") if name.strip())
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise argparse.ArgumentTypeError(f"unknown methods: {', '.join(unknown) or 'none given'}; known: {known}")
    return names


def _read_configs(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        content = read_object(path)
    except (OSError, ValueError) as reason:
        raise StepError(f"The configuration {path} cannot be read ({reason}); expected a JSON object.") from reason
    return content
