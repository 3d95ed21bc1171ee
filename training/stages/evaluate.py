"""Compare seeds, refined maps, pseudo masks, a segmentation network, accepted masks or saliency with true masks."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from napari_wsss.core.background import equivalent_alpha
from napari_wsss.core.errors import ParameterError, StepError
from napari_wsss.core.files import publish_json
from napari_wsss.core.inside import below
from napari_wsss.core.masks import Mask
from napari_wsss.core.parameters import advanced_options
from napari_wsss.core.progress import Steps
from napari_wsss.exchange.accepted_masks import Accepted
from napari_wsss.pipeline import run as pipeline
from napari_wsss.pipeline.chain import applied_source
from napari_wsss.project.criteria import Criteria
from napari_wsss.project.project import Project
from training.report import Reporter, watched
from training.scoring.left_out import LeftOut
from training.scoring.metrics import ABSENT_RULES, DEFAULT_RULE, AbsentRule, Scores, Sweep
from training.scoring.missing import Missing
from training.scoring.saliency_metrics import tables_of
from training.scoring.saliency_scoring import SaliencyMaps, tally_saliency
from training.scoring.score_tables import RULE_WORDS, format_sweep, score_rows, sweep_rows
from training.scoring.scoring import Predictor, TrueMasks, score, scored_names, seeds, sweep
from training.scoring.tables import aligned, as_text, write_tables
from training.stages.maps import add_selection_options, chosen_ids, prepare_device

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


def evaluate(options: argparse.Namespace, report: Reporter) -> int:
    """Score what the options choose, print and write the tables, return the exit code."""
    prepare_device(options)
    if options.of == "saliency":
        return _evaluate_saliency(options, report)
    if options.truth is None:
        raise ParameterError("Give --truth FOLDER: true masks named like the images.", name="truth")
    with Project.open_to_read(options.project) as project:
        only = scored_names(project, options.classes)
        truth = TrueMasks(options.truth, project.classes)
        ids = _answerable(project, truth.known(chosen_ids(project, options)), options.of, report)
        if options.of == "accepted":
            ids = _decided(project, ids, report, replaced=options.replaced)
        swept, left_out = None, LeftOut()
        if options.of in ("seeds", "refined"):
            swept = watched(_sweep(project, ids, options, truth, left_out), report)
            best, rest = swept.thresholds[swept.best(options.absent, only)], left_out.rest(ids)
            scores = watched(score(project, rest, _maps_at(project, options, best), truth, left_out), report)
        else:
            scores = watched(_scores(project, ids, options, truth, left_out), report)
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


def _sweep(
    project: Project, ids: Sequence[str], options: argparse.Namespace, truth: TrueMasks, left_out: LeftOut
) -> Steps[Sweep]:
    maps_of = seeds if options.of == "seeds" else pipeline.refined_maps
    run = pipeline.localize if options.of == "seeds" else pipeline.propose
    left_out.update((yield from run(project, ids, options.device, background=False)).failed)
    rest = left_out.rest(ids)
    return (yield from sweep(project, rest, lambda image_id: maps_of(project, image_id), truth, left_out))


def _maps_at(project: Project, options: argparse.Namespace, threshold: float) -> Callable[[str], Mask | None]:
    """Return what gives the masks of seeds or refined maps at a background threshold."""
    maps_of = seeds if options.of == "seeds" else pipeline.refined_maps

    def mask_of(image_id: str) -> Mask | None:
        maps = maps_of(project, image_id)
        return maps.to_mask(threshold) if maps else None

    return mask_of


def _scores(
    project: Project, ids: Sequence[str], options: argparse.Namespace, truth: TrueMasks, left_out: LeftOut
) -> Steps[Scores]:
    if options.of == "accepted":
        return (yield from score(project, ids, project.masks.read_accepted, truth, left_out))
    if options.of == "pseudo":
        left_out.update((yield from pipeline.propose(project, ids, options.device, background=False)).failed)
        rest = left_out.rest(ids)
        return (yield from score(project, rest, lambda image_id: pipeline.proposal(project, image_id), truth, left_out))
    checkpoint = options.checkpoint
    if checkpoint is None and project.plan.segmenter_checkpoint:
        checkpoint = below(project.folder, project.plan.segmenter_checkpoint)
    if checkpoint is None or not checkpoint.is_file():
        raise StepError(
            "No segmentation network is applied to this project. Train and apply one, or give --checkpoint FILE.",
            missing=("model",),
        )
    predictor = Predictor(project, checkpoint, options.device, labels_given=options.labels_given)
    return (yield from score(project, ids, predictor, truth, left_out))


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
