"""List the clusters of a project's classes: what the last rounds found, with a person's changes laid over."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from napari_wsss.core.cluster_edits import as_left, edits_of
from napari_wsss.core.clusters import ClassClusters, latest_clusters
from napari_wsss.core.errors import StepError
from napari_wsss.core.project import Project
from training.report import Reporter
from training.tables import aligned, write_tables

HEADER = ["class", "cluster", "images", "by a person", "mean distance", "centre images"]


def add_clusters_options(parser: argparse.ArgumentParser, typed: Sequence[str]) -> None:
    """Add the options of ``clusters``."""
    parser.add_argument("--project", type=Path, required=True, help="project folder")
    parser.add_argument("--classes", nargs="+", help="only these classes")
    parser.add_argument("--centres", type=int, default=3, help="how many images nearest to each centre are named")
    parser.add_argument("--out", type=Path, help="also write table.txt and table.csv into this folder")


def clusters(options: argparse.Namespace, report: Reporter) -> int:
    """Print one row per cluster, write the tables if asked to, return the exit code.

    Raises
    ------
    StepError
        When the project has no clusters yet.
    """
    with Project.open(options.project, read_only=True) as project:
        machine = latest_clusters(project.results_folder)
        if machine is None:
            raise StepError(
                "This project has no clusters yet. Train sub-categories first "
                "(python -m training.run classifier --method sub_category --project DIR)."
            )
        found, edits = as_left(project, machine), edits_of(project)
    chosen = [found.of(name) for name in options.classes or (one.name for one in found.classes)]
    rows = [HEADER, *(row for one in chosen for row in _rows(one, options.centres))]
    said = ", ".join(f"{name} {value}" for name, value in machine.facts.items())
    report.say(f"{said or 'clusters'}; {len(edits)} changes by a person\n{aligned(rows)}", clusters=rows[1:])
    if options.out:
        write_tables(options.out, {"clusters": rows})
    return 0


def _rows(found: ClassClusters, centres: int) -> list[list[str]]:
    rows = []
    for place in found.filled():
        inside = found.assignment == place
        rows.append(
            [
                found.name,
                found.names[place],
                str(int(inside.sum())),
                str(int(found.by_person[inside].sum())),
                f"{found.distances[inside].mean():.3f}",
                ", ".join(found.members(place, centres)),
            ]
        )
    return rows
