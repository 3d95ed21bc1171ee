"""Find clusters of each class's images by the applied localizer's features, or list those there are."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from napari_wsss.clusters.edits import as_left, edits_of, refresh_image_clusters
from napari_wsss.clusters.found import ClassClusters, Clusters, keep_clusters, latest_clusters
from napari_wsss.core.errors import ParameterError, StepError
from napari_wsss.core.parameters import advanced_options
from napari_wsss.project.project import Project
from training.clusters.feature_clusters import FeatureClusters
from training.hardware import prepare
from training.report import Reporter, watched
from training.scoring.left_out import LeftOut
from training.scoring.tables import aligned, write_tables
from training.stages.maps import add_device_options, hardware_of, open_unless_held

HEADER = ["class", "cluster", "images", "by a person", "mean distance", "centre images"]


def add_clusters_options(parser: argparse.ArgumentParser, typed: Sequence[str]) -> None:
    """Add the options of ``clusters``."""
    advanced = advanced_options(parser)
    default = FeatureClusters()
    parser.add_argument("--project", type=Path, required=True, help="project folder")
    parser.add_argument("--list", action="store_true", help="find nothing, list the clusters there are")
    parser.add_argument("--count", type=int, default=default.count, help=f"clusters per class [{default.count}]")
    parser.add_argument(
        "--pool",
        choices=("map", "image"),
        default=default.pool,
        help=f"compare images by what is under the class's map, or by the whole image [{default.pool}]",
    )
    advanced.add_argument("--projection", choices=("auto", "pca", "umap"), default=default.projection)
    advanced.add_argument("--seed", type=int, default=default.seed)
    parser.add_argument("--classes", nargs="+", help="list only these classes")
    advanced.add_argument("--centres", type=int, default=3, help="how many images nearest to each centre are named")
    parser.add_argument("--out", type=Path, help="also write table.txt and table.csv into this folder")
    add_device_options(parser)


def clusters(options: argparse.Namespace, report: Reporter) -> int:
    """Find clusters unless they are only to be listed, print one row per cluster, return the exit code.

    Raises
    ------
    StepError
        When no localizer is applied, or there is nothing to list.
    ParameterError
        When less than one cluster per class is asked for.
    """
    if options.count < 1:
        raise ParameterError(f"{options.count} clusters per class are impossible; give at least 1.", name="count")
    with Project.open_to_read(options.project) as project:
        machine = _listed(project) if options.list else _found(project, options, report)
        found, edits = as_left(project, machine), edits_of(project)
    if not options.list:
        _note(options.project)
    chosen = [found.of(name) for name in options.classes or (one.name for one in found.classes)]
    rows = [HEADER, *(row for one in chosen for row in _rows(one, options.centres))]
    said = ", ".join(f"{name} {value}" for name, value in machine.facts.items())
    report.say(f"{said or 'clusters'}; {len(edits)} changes by a person\n{aligned(rows)}", clusters=rows[1:])
    if options.out:
        write_tables(options.out, {"clusters": rows})
    return 0


def _listed(project: Project) -> Clusters:
    machine = latest_clusters(project.results_folder)
    if machine is None:
        raise StepError("This project has no clusters yet. Find some: python -m training.run clusters --project DIR.")
    return machine


def _found(project: Project, options: argparse.Namespace, report: Reporter) -> Clusters:
    prepare(hardware_of(options))
    wanted = FeatureClusters(options.count, options.pool, options.projection, options.seed, options.device)
    left_out = LeftOut()
    machine = watched(wanted.find(project, left_out), report)
    left_out.say(report)
    keep_clusters(project.results_folder, machine)
    return machine


def _note(folder: Path) -> None:
    """Bring the project's table of image clusters after the result.

    A window that has the project open does that itself, so then nothing is written.
    """
    project = open_unless_held(folder)
    if project is None:
        return
    with project:
        refresh_image_clusters(project)


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
