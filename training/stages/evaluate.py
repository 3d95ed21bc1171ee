"""Compare seeds, refined maps, pseudo masks, a segmentation network, accepted masks or saliency with true masks.

Several processes share the images: each leaves what its part came to in a folder, and one adds that up. What a part
computes and stores besides (maps, proposals) it takes under leases, as `localize` and `refine` do.
"""

import argparse
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType

import numpy as np

from napari_wsss.core.background import equivalent_alpha
from napari_wsss.core.errors import ParameterError, StepError
from napari_wsss.core.files import publish_json
from napari_wsss.core.inside import below
from napari_wsss.core.parameters import advanced_options
from napari_wsss.core.progress import Steps
from napari_wsss.core.provenance import Provenance
from napari_wsss.exchange.accepted_masks import Accepted
from napari_wsss.pipeline import run as pipeline
from napari_wsss.pipeline.apply import CHECKPOINTS
from napari_wsss.pipeline.chain import applied_source
from napari_wsss.pipeline.lineage import base_provenance, checkpoint_of, file_digest
from napari_wsss.project.criteria import Criteria
from napari_wsss.project.project import Project
from napari_wsss.project.sharing.share import WHOLE, Part, Selection, Share, lease_folder, of_part
from training.report import Reporter, watched
from training.scoring.left_out import LeftOut
from training.scoring.metrics import ABSENT_RULES, DEFAULT_RULE, AbsentRule, Scores, Sweep
from training.scoring.missing import Missing
from training.scoring.part_sums import added_up, leave, parts_in
from training.scoring.saliency_metrics import tables_of
from training.scoring.saliency_scoring import SaliencyMaps, tally_saliency
from training.scoring.score_tables import RULE_WORDS, format_sweep, score_rows, sweep_rows
from training.scoring.scoring import (
    THRESHOLDS,
    Predictor,
    TrueMasks,
    class_names,
    score_of,
    scored_names,
    seeds,
    sweep_of,
)
from training.scoring.tables import aligned, as_text, write_tables
from training.stages.maps import (
    add_selection_options,
    add_sharing_options,
    chosen_ids,
    parts_of,
    prepare_device,
)
from training.workers import carried_out

SOURCES = ("seeds", "refined", "pseudo", "segmenter", "accepted", "saliency")


def add_evaluate_options(parser: argparse.ArgumentParser, typed: Sequence[str]) -> None:
    """Add the options of ``evaluate``."""
    advanced = advanced_options(parser)
    add_selection_options(parser)
    parser.add_argument("--of", choices=SOURCES, required=True, help="what is compared")
    parser.add_argument("--truth", type=Path, help="folder of true masks named like the images")
    parser.add_argument("--classes", nargs="+", default=(), help="score background and these classes only")
    advanced.add_argument("--absent", choices=ABSENT_RULES, default=DEFAULT_RULE, help="what the mean runs over")
    advanced.add_argument("--checkpoint", type=Path, help="segmenter, saliency: this file instead of the applied model")
    advanced.add_argument("--labels-given", action="store_true", help="segmenter: only the labelled classes may appear")
    advanced.add_argument("--replaced", action="store_true", help="accepted: also masks of images replaced since")
    parser.add_argument("--out", type=Path, help="also write table.txt, table.csv and scores.json into this folder")
    advanced.add_argument("--write", type=Path, help="saliency: also write the maps into this folder, as grey PNGs")
    add_sharing_options(parser)
    text = "folder in which every --shard of an array leaves its sums; without --shard: add up what is there"
    parser.add_argument("--parts", type=Path, metavar="FOLDER", help=text)


def evaluate(options: argparse.Namespace, report: Reporter) -> int:
    """Score what the options choose, print and write the tables, return the exit code."""
    parts = parts_of(options)
    is_whole = options.shard == str(WHOLE)
    if options.of == "saliency":
        if not is_whole or len(parts) > 1 or options.parts:
            raise ParameterError("Saliency is scored by one process; leave --workers, --shard and --parts out.")
        prepare_device(options)
        return _evaluate_saliency(options, report)
    if options.truth is None:
        raise ParameterError("Give --truth FOLDER: true masks named like the images.", name="truth")
    if not is_whole and options.parts is None:
        raise ParameterError(
            "One part of the images has no figures. Give --parts FOLDER, where every part leaves its sums; the same "
            "command without --shard adds them up.",
            name="parts",
        )
    with Project.open_to_read(options.project) as project, ExitStack() as stack:
        only = scored_names(project, options.classes)
        truth = TrueMasks(options.truth, project.classes)
        ids = _answerable(project, truth.known(chosen_ids(project, options)), options.of, report)
        if options.of == "accepted":
            ids = _decided(project, ids, report, replaced=options.replaced)
        one = _Evaluation(project, options, truth, Selection(project, ids))
        left_out = LeftOut()
        if len(parts) > 1:
            folder = options.parts or Path(stack.enter_context(TemporaryDirectory(prefix="wsss-evaluate-")))
            carried_out(options, parts, report, ("--parts", str(folder)))
            if not is_whole:
                return _told_parts(parts, folder, report)
            found = added_up(folder, parts, one.key, one.nothing, left_out)
        elif options.parts and is_whole:
            found = added_up(options.parts, parts_in(options.parts), one.key, one.nothing, left_out)
        else:
            prepare_device(options)
            found = watched(one.part(parts[0], left_out), report)
            if not is_whole:
                leave(options.parts, parts[0], one.key, found, left_out)
                return _told_parts(parts, options.parts, report, one.selection, left_out)
        left_out.rest(ids)
    return _told(found, ids, left_out, options, only, report)


def _told_parts(
    parts: Sequence[Part],
    folder: Path,
    report: Reporter,
    images: Selection | None = None,
    left_out: Mapping[str, str] = MappingProxyType({}),
) -> int:
    """Say what this machine has done of a whole; what is left out is said of the whole."""
    count = len(list(of_part(images, parts[0]))) - len(left_out) if images else 0
    names = ", ".join(map(str, parts))
    report.say(f"The sums of part {names} are in {folder}.", done=count, reused=0, failed=dict(left_out))
    return 0


def _told(
    found: Scores | Sweep,
    ids: Sequence[str],
    left_out: LeftOut,
    options: argparse.Namespace,
    only: Sequence[str] | None,
    report: Reporter,
) -> int:
    """Print and write the tables of all images."""
    swept = found if isinstance(found, Sweep) else None
    scores = found.scores(found.best(options.absent, only)) if isinstance(found, Sweep) else found
    left_out.say(report)
    report.say(f"{options.of} of {len(left_out.rest(ids))} images against {options.truth}")
    if swept is not None:
        report.say(format_sweep(swept, options.absent, only))
    rows = chosen_rows(scores, options.absent, only)
    facts = summary(scores, swept, options.absent, only)
    text = aligned(rows) + "\n" + "\n".join(f"{name}: {value}" for name, value in facts.items())
    report.say(text, scores=facts, left_out=left_out)
    if options.out:
        tables = {options.of: rows} | ({"sweep": sweep_rows(swept, options.absent, only)} if swept else {})
        _write(options.out, tables, facts, left_out)
    return 0


class _Evaluation:
    """What the options compare, of any part of the images."""

    def __init__(self, project: Project, options: argparse.Namespace, truth: TrueMasks, selection: Selection) -> None:
        self._project, self._options, self._truth = project, options, truth
        self.selection = selection
        self._checkpoint = _segmenter_file(project, options) if options.of == "segmenter" else None

    @property
    def nothing(self) -> Scores | Sweep:
        """The figures of no image."""
        names = class_names(self._project)
        return Sweep.nothing(THRESHOLDS, names) if self._options.of in ("seeds", "refined") else Scores.nothing(names)

    @property
    def key(self) -> str:
        """Of all that decides the sums of a part, besides what is in the images and their true masks."""
        options, project = self._options, self._project
        chosen = ("of", "labels_given", "replaced")
        told = {name: getattr(options, name) for name in chosen} | {"truth": str(options.truth.resolve())}
        told |= {"classes": list(project.classes.names), "images": self.selection.key, "plan": project.plan.to_dict()}
        models = [self._checkpoint] if self._checkpoint else []
        weights = " ".join(map(file_digest, [*models, *self._models()]))
        return Provenance("evaluate", told, weights=weights).key

    def _models(self) -> list[Path]:
        return [
            checkpoint_of(self._project, self._project.plan, shelf)
            for name, shelf in CHECKPOINTS.items()
            if getattr(self._project.plan, name)
        ]

    def part(self, part: Part, left_out: LeftOut) -> Steps[Scores | Sweep]:
        """Compute what is missing of a part of the images, and compare it with the true masks."""
        project, options, truth = self._project, self._options, self._truth
        ids = list(of_part(self.selection, part))
        if options.of == "accepted":
            return (yield from score_of(project, ids, project.masks.read_accepted, truth, left_out))
        if self._checkpoint is not None:
            predictor = Predictor(project, self._checkpoint, options.device, labels_given=options.labels_given)
            return (yield from score_of(project, ids, predictor, truth, left_out))
        yield from self._computed(part, ids, left_out)
        rest = [image_id for image_id in ids if image_id not in left_out]
        if options.of == "pseudo":
            return (yield from score_of(project, rest, partial(pipeline.proposal, project), truth, left_out))
        maps_of = seeds if options.of == "seeds" else pipeline.refined_maps
        return (yield from sweep_of(project, rest, partial(maps_of, project), truth, left_out))

    def _computed(self, part: Part, ids: Sequence[str], left_out: LeftOut) -> Steps[None]:
        """Compute and store the missing maps, or proposals."""
        project = self._project
        of_seeds = self._options.of == "seeds"
        run = pipeline.localize if of_seeds else pipeline.propose
        kind = base_provenance(project, project.plan, "localize" if of_seeds else applied_source(project.plan))
        with Share(self.selection, lease_folder(project, kind), part) as share:
            found = yield from run(project, share, self._options.device, background=False)
        left_out.update({image_id: found.failed[image_id] for image_id in ids if image_id in found.failed})


def _segmenter_file(project: Project, options: argparse.Namespace) -> Path:
    """Return the segmentation network's checkpoint; raise `StepError` when there is none."""
    found: Path | None = options.checkpoint
    if found is None and project.plan.segmenter_checkpoint:
        found = below(project.folder, project.plan.segmenter_checkpoint)
    if found is None or not found.is_file():
        raise StepError(
            "No segmentation network is applied to this project. Train and apply one, or give --checkpoint FILE.",
            missing=("model",),
        )
    return found


def _answerable(project: Project, ids: Sequence[str], of: str, report: Reporter) -> list[str]:
    """Return the images that have what is scored; those that wait for labels are left out, and said."""
    from_maps = of == "seeds" or (of in ("refined", "pseudo") and applied_source(project.plan) == "localize")
    waiting = set(project.catalog.find(Criteria(unlabelled=True))) if from_maps else set()
    left_out = [image_id for image_id in ids if image_id in waiting]
    if left_out:
        report.say(f"Left out, as not labelled yet: {len(left_out)} images, first {left_out[0]}.")
    return [image_id for image_id in ids if image_id not in waiting]


def _decided(project: Project, ids: Sequence[str], report: Reporter, *, replaced: bool) -> list[str]:
    """Return the accepted images whose masks are of the images there are now, the others are said."""
    accepted = [image_id for image_id in ids if project.masks.has_accepted(image_id)]
    found = Accepted.of(project, accepted, replaced=replaced)
    for reason in found.left_out:
        report.say(f"left out: {reason}")
    if len(accepted) < len(ids):
        report.say(f"left out: {len(ids) - len(accepted)} images without an accepted mask")
    if not found.ids:
        raise StepError("There is no accepted mask to evaluate among the chosen images. Accept some, or choose others.")
    return list(found.ids)


def _evaluate_saliency(options: argparse.Namespace, report: Reporter) -> int:
    if options.truth is None and options.write is None:
        raise ParameterError("Give --truth FOLDER to compare with, --write FOLDER for the maps, or both.", name="truth")
    truth = TrueMasks(options.truth) if options.truth else None
    with Project.open_to_read(options.project) as project:
        ids = chosen_ids(project, options)
        if truth and not options.write:
            ids = truth.known(ids)
        maps, left_out = SaliencyMaps(project, options.checkpoint, options.device), LeftOut()
        tally = watched(tally_saliency(ids, maps, truth, options.write, left_out), report)
    left_out.say(report)
    facts = {name: round(value, 6) for name, value in tally.figures().items()}
    tables = tables_of(tally) if tally.images else {}
    against = f", {tally.images} against {options.truth}" if truth else ""
    report.say(f"saliency of {len(left_out.rest(ids))} images{against}")
    report.say(as_text(tables), scores=facts, left_out=left_out)
    if options.out:
        _write(options.out, tables, facts, left_out)
    return 0


def _write(
    folder: Path, tables: Mapping[str, list[list[str]]], facts: Mapping[str, float | str], left_out: LeftOut
) -> None:
    write_tables(folder, tables)
    publish_json(folder / "scores.json", {**facts, "left_out": left_out}, indent=2)


def chosen_rows(scores: Scores, rule: AbsentRule, only: Sequence[str] | None) -> list[list[str]]:
    """Return the per-class table of the scored classes, its mean over exactly these."""
    rows = score_rows(scores, rule)
    if only is None:
        return rows
    figures = (scores.iou, scores.precision, scores.recall, scores.f_score)
    means = [f"{scores.mean(figure, rule, only):.4f}" for figure in figures]
    kept = [row for row in rows[1:-1] if row[0] in only]
    return [rows[0], *kept, [f"mean ({rule})", *means, *("" for _ in rows[0][5:])]]


def summary(
    scores: Scores, swept: Sweep | None, rule: AbsentRule, only: Sequence[str] | None
) -> dict[str, float | str]:
    """Return the figures of an evaluation by name, plain JSON types; all fractions in [0, 1]."""
    facts: dict[str, float | str] = {
        "miou": round(scores.mean_iou(rule, only), 6),
        "mean_precision": round(scores.mean(scores.precision, rule, only), 6),
        "mean_recall": round(scores.mean(scores.recall, rule, only), 6),
        "mean_f_score": round(scores.mean(scores.f_score, rule, only), 6),
        "pixel_accuracy": round(scores.pixel_accuracy, 6),
        "undecided_share": round(1 - scores.coverage, 6),
        "absent_classes": RULE_WORDS[rule],
    }
    if scores.missing is not None:
        facts |= _missing_facts(scores.missing, scores.names if only is None else only, scores.names)
    if swept is not None:
        best = swept.thresholds[swept.best(rule, only)]
        facts["best_threshold"] = best
        facts["equivalent_alpha"] = round(equivalent_alpha(best), 3)
    return facts


def _missing_facts(missing: Missing, only: Sequence[str], names: Sequence[str]) -> dict[str, float]:
    """Return how often the masks leave out a class of an image, and parts of one, of the classes `only`."""
    counts = {
        "classes_in_images": missing.images,
        "vanished_classes": missing.vanished,
        "parts": missing.parts,
        "missed_parts": missing.missed,
    }
    chosen = np.isin(names, list(only))
    return {name: int(count[chosen].sum()) for name, count in counts.items()}
