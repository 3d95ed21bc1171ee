"""List the published weights that are known, or say what a file is and how to use it; nothing is trained or stored."""

import argparse
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from napari_wsss.core.registry import Shelf, load_method
from napari_wsss.published import Inspection, inspect_published, shelf_of
from napari_wsss.weights.checkpoint import is_checkpoint, load_checkpoint
from napari_wsss.weights.descriptor import WeightsDescriptor
from napari_wsss.weights.download import sha256_of
from napari_wsss.weights.normalisation import CAFFE, IMAGENET, TENSORFLOW, Normalisation
from napari_wsss.weights.published import PUBLISHED
from napari_wsss.weights.trained import Trained, load_trained
from training.report import Reporter
from training.stages.adopt import LEAK, in_words, recipe_of, some

DONE = 0
HEADER = ["name", "network", "trunk", "input", "classes", "pixel masks", "licence", "where"]
_INPUTS = {IMAGENET: "RGB, ImageNet's mean and deviation", TENSORFLOW: "RGB, -1 to 1", CAFFE: "BGR, minus the mean"}
_LAYOUTS = {"background_first": "background first", "background_last": "background last", "foreground": "no background"}


def add_weights_options(parser: argparse.ArgumentParser, typed: Sequence[str]) -> None:
    """Add the options of ``weights``."""
    parser.add_argument("--inspect", type=Path, metavar="FILE", help="say what this file is and how to use it")


def weights(options: argparse.Namespace, report: Reporter) -> int:
    """Show the table of known weights, or what is known about one file; return the exit code.

    Raises
    ------
    WeightsError
        When the file is unreadable or of unknown origin.
    """
    if options.inspect is None:
        entries = [facts_of(entry) for entry in PUBLISHED]
        report.say(table(PUBLISHED), weights=entries)
        return DONE
    facts = inspected(options.inspect)
    report.say(_as_text(facts), inspected=facts)
    return DONE


def facts_of(entry: WeightsDescriptor) -> dict[str, Any]:
    """Return what is known about published weights, plain JSON types."""
    return {
        "name": entry.name,
        "title": entry.title,
        "shelf": shelf_of(entry) or "trunk",
        "network": entry.network,
        "trunk": entry.trunk,
        "normalisation": entry.normalisation.to_dict(),
        "class_layout": entry.class_layout,
        "classes": list(entry.classes),
        "pixel_supervised": entry.pixel_supervised,
        "url": entry.url,
        "sha256": entry.sha256,
        "licence": entry.licence,
        "citation": entry.citation,
        "source": entry.source,
    }


def table(entries: Sequence[WeightsDescriptor]) -> str:
    """Return weights as aligned text, one line each; of the licences only the terms of the weights."""
    rows = [HEADER, *(_row(entry) for entry in entries)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def inspected(path: Path) -> dict[str, Any]:
    """Return what a file is: origin, terms, input, classes, what fits our network and the command that uses it.

    Raises
    ------
    WeightsError
        When the file is unreadable or of unknown origin.
    """
    facts = _of_ours(path) if is_checkpoint(path) else _of_published(inspect_published(path), path)
    return {**facts, "file": str(path), "sha256": sha256_of(path)}


def _row(entry: WeightsDescriptor) -> list[str]:
    classes = f"{len(entry.classes)}, {_LAYOUTS[entry.class_layout]}" if entry.classes else "none"
    return [
        entry.name,
        entry.network if shelf_of(entry) else "(trunk)",
        entry.trunk,
        _INPUTS.get(entry.normalisation) or in_words(entry.normalisation),
        classes,
        "yes" if entry.pixel_supervised else "no",
        entry.licence.partition(";")[0],
        entry.url or entry.source,
    ]


def _of_published(found: Inspection, path: Path) -> dict[str, Any]:
    return facts_of(found.descriptor) | {
        "class_count": found.class_count,
        "classes": list(found.class_names),
        "loaded": len(found.report.loaded),
        "missing": list(found.report.missing),
        "unexpected": [*found.report.unexpected, *found.report.skipped_head],
        "problem": str(found.problem or ""),
        "command": _command(found.descriptor, found.shelf, found.is_whole, path),
    }


def _of_ours(path: Path) -> dict[str, Any]:
    shelf, what = _trained(path)
    return {
        "title": f"{load_method(shelf, what.method).title}, trained by this program",
        "shelf": shelf,
        "network": what.method,
        "trunk": what.trunk.name,
        "normalisation": what.normalisation.to_dict(),
        "classes": list(what.classes.names) if what.classes else [],
        "class_count": len(what.classes or ()),
        "command": _adopt(path),
    }


def _trained(path: Path) -> tuple[Shelf, Trained]:
    shelf: Shelf = load_checkpoint(path)[1].get("shelf", "localize")
    return shelf, load_trained(path, shelf)[1]


def _command(entry: WeightsDescriptor, shelf: Shelf | None, is_whole: bool, path: Path) -> str:
    if is_whole:
        return _adopt(path)
    network = f"--trunk {entry.trunk} --trunk-weights {shlex.quote(str(path))}"
    if shelf is None:
        return f"python -m training.run classifier --project DIR {network}"
    return f"python -m training.run {recipe_of(shelf, entry.network)} --project DIR --method {entry.network} {network}"


def _adopt(path: Path) -> str:
    return f"python -m training.run adopt --project DIR --weights {shlex.quote(str(path))} --apply"


def _as_text(facts: dict[str, Any]) -> str:
    lines = [facts["title"]]
    if facts.get("pixel_supervised"):
        lines.append(LEAK)
    on = "" if facts["shelf"] == "trunk" else f" on {facts['trunk']}"
    lines.append(f"network: {facts['network']} ({facts['shelf']}){on}")
    lines.append(f"input: {in_words(Normalisation.from_dict(facts['normalisation']))}")
    layout = _LAYOUTS.get(facts.get("class_layout", ""), "")
    counted = f"{facts['class_count']}{', ' + layout if layout else ''}" if facts["class_count"] else "none"
    lines.append(f"classes: {counted}{': ' + ', '.join(facts['classes']) if facts['classes'] else ''}")
    lines += [f"{name}: {facts[name]}" for name in ("citation", "licence", "source") if facts.get(name)]
    if "loaded" in facts:
        counts, words = [f"{facts['loaded']} loaded"], {"missing": "missing", "unexpected": "left out"}
        counts += [f"{len(facts[kind])} {word} ({some(facts[kind])})" for kind, word in words.items() if facts[kind]]
        lines.append(f"tensors: {'; '.join(counts)}")
    if facts.get("problem"):
        lines.append(f"does not fit: {facts['problem']}")
    else:
        lines.append(f"use: {facts['command']}")
    return "\n".join(lines)
