"""`napari-wsss`: make, look at, open, export and fill projects from a terminal.

Training and everything that computes is ``python -m training.run``; ``napari-wsss evaluate`` hands its options on.
Exit codes: 0 done, 1 `check` found something, 2 wrong options, 4 something a person can correct (said in one line).
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from tqdm import tqdm

from napari_wsss.core.errors import ProjectError, StepError, WsssError
from napari_wsss.core.inside import writable
from napari_wsss.exchange.accepted_masks import Accepted, AcceptedMask, write_labels
from napari_wsss.exchange.label_report import LabelReport
from napari_wsss.exchange.labels import KINDS, read_labels
from napari_wsss.exchange.mask_import import MaskImportReport, import_masks
from napari_wsss.exchange.masks_png import ExportOptions, ExportReport, export_masks
from napari_wsss.exchange.new_images import NewImages, find_new_images
from napari_wsss.pipeline.every_pixel import suggestion
from napari_wsss.pixels.deep_images import USUAL
from napari_wsss.processes.children import distrust, print_any_name, python, run_here
from napari_wsss.project.backups import BACKUPS, list_backups
from napari_wsss.project.criteria import Criteria
from napari_wsss.project.durable.check import check
from napari_wsss.project.durable.restoring import generations, read_generation, restore
from napari_wsss.project.project import FILE_NAME, Project
from napari_wsss.session.runs.folders import runs_in, unreadable_in
from napari_wsss.session.session import HELD_OUT, create_project

DONE, FOUND, WRONG_OPTIONS, CORRECTABLE = 0, 1, 2, 4
Told = LabelReport | NewImages | ExportReport | MaskImportReport
Verb = Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        Command line without the program's name; that of this process otherwise.
    """
    distrust(Path.cwd())
    print_any_name()
    typed = list(sys.argv[1:] if arguments is None else arguments)
    if typed[:1] == ["evaluate"]:
        return evaluate(typed[1:])
    options = parser().parse_args(typed)
    try:
        code: int = options.verb(options)
    except (WsssError, OSError) as error:
        print(f"napari-wsss: {error}", file=sys.stderr)
        return CORRECTABLE
    return code


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    top = argparse.ArgumentParser("napari-wsss", description=__doc__.splitlines()[0], allow_abbrev=False)
    commands = top.add_subparsers(required=True, metavar="command")

    def add(name: str, verb: Verb, text: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
        made.set_defaults(verb=verb)
        return made

    _sample_options(add("sample", sample, "generate pictures with image-level labels and a project on them"))
    _create_options(add("create", create, "make a project from a folder of images and their image-level labels"))
    _label_options(add("labels-report", labels_report, "say what image-level labels would be used; writes nothing"))
    _add_options(add("add-images", add_images, "take new pictures of the project's image folder into the project"))
    _locate_options(add("locate-images", locate_images, "find the images of a project again that were moved"))
    _project_argument(add("open", open_project, "open a project in napari"))
    _project_argument(add("info", info, "say what is in a project"))
    _check_options(add("check", check_project, "look whether a project is whole; repair what needs no decision"))
    _restore_options(add("restore", restore_project, "list the generations of a project, or restore one"))
    _scaling_options(add("scale-deep", scale_deep, "choose how pictures of more than 8 bits are scaled to 0..255"))
    _export_options(add("export", export, "write the accepted masks as palette PNGs with VOC lists"))
    _import_options(add("import-masks", import_existing, "take existing masks as drafts, or as accepted masks"))
    commands.add_parser("evaluate", help="same as `python -m training.run evaluate`", add_help=False)
    return top


# -- options ------------------------------------------------------------------------------------------------------


def _sample_options(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("folder", type=Path, help="the project folder to make; the pictures go into its folder 'pictures'")
    sub.add_argument("--images", type=int, default=300, help="how many pictures [%(default)s]")
    sub.add_argument("--size", type=int, default=160, help="their height and width in pixels [%(default)s]")
    sub.add_argument("--seed", type=int, default=0, help="the same seed gives the same pictures [%(default)s]")


def _label_options(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--images", type=Path, required=True, help="folder of images, or a VOC-style folder")
    _source_options(sub)
    _whole_options(sub)


def _whole_options(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--all", action="store_true", help="every entry of the report, not examples alone")
    sub.add_argument("--json", action="store_true", help="the whole report as one JSON object, and nothing else")


def _source_options(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--labels", type=Path, help="CSV, text list or folder with the labels [searched for]")
    sub.add_argument("--encoding", default="", help="how a label file is written, as gb18030 or cp1251 [found out]")
    sub.add_argument("--kind", choices=KINDS, default="auto", help="how the labels are written [%(default)s]")


def _create_options(sub: argparse.ArgumentParser) -> None:
    _label_options(sub)
    sub.add_argument("--project", type=Path, required=True, help="the project folder to make")
    sub.add_argument("--classes", nargs="+", help="class names in order, where the labels do not say them")
    sub.add_argument("--every-pixel", action="store_true", help="every pixel belongs to a class: no background")
    _split_option(sub)


def _split_option(sub: argparse.ArgumentParser) -> None:
    words = "share for validation where no split is given [%(default)s]"
    sub.add_argument("--hold-out", type=float, default=HELD_OUT, help=words)


def _add_options(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("pictures", type=Path, nargs="*", help="only these pictures, or those below these folders")
    sub.add_argument("--project", type=Path, required=True, help="project folder")
    _source_options(sub)
    _split_option(sub)
    sub.add_argument("--dry-run", action="store_true", help="say what would be added, write nothing")
    _whole_options(sub)


def _locate_options(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--project", type=Path, required=True, help="project folder")
    sub.add_argument("--images", type=Path, help="the folder that holds the images now [the one it had]")


def _check_options(sub: argparse.ArgumentParser) -> None:
    _project_argument(sub)
    sub.add_argument("--repair", action="store_true", help="put right what can be without touching a person's work")
    sub.add_argument("--json", action="store_true", help="the findings as one JSON object, and nothing else")


def _restore_options(sub: argparse.ArgumentParser) -> None:
    _project_argument(sub)
    words = "restore this file of its backups, or `newest`; without it the generations are listed, nothing is changed"
    sub.add_argument("--generation", metavar="NAME", help=words)


def _scaling_options(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--project", type=Path, required=True, help="project folder")
    sub.add_argument(
        "--low", type=float, default=USUAL[0], help="percentile of the pixels that becomes 0 [%(default)s]"
    )
    sub.add_argument("--high", type=float, default=USUAL[1], help="percentile that becomes 255 [%(default)s]")


def _export_options(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--project", type=Path, required=True, help="project folder")
    sub.add_argument("--out", type=Path, required=True, help="folder to write")
    sub.add_argument("--grey", action="store_true", help="also plain grey PNGs (value = class)")
    sub.add_argument("--previews", action="store_true", help="also colour pictures to look at")
    sub.add_argument("--sources", action="store_true", help="also who made each pixel: a person or which model")
    sub.add_argument("--replaced", action="store_true", help="also masks of images that were replaced since")
    sub.add_argument("--overwrite", action="store_true", help="allow a folder that holds masks already")
    sub.add_argument("--dry-run", action="store_true", help="check everything, write nothing")
    _whole_options(sub)


def _import_options(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--project", type=Path, required=True, help="project folder")
    sub.add_argument("--masks", type=Path, required=True, help="folder of masks named like the images, or of an export")
    sub.add_argument("--accept", action="store_true", help="as accepted masks instead of drafts")
    sub.add_argument("--split", choices=("train", "val"), help="only images of this split")
    sub.add_argument("--limit", type=int, help="at most so many masks, in the project's order")
    sub.add_argument("--overwrite", action="store_true", help="also images that have a draft or an accepted mask")
    _whole_options(sub)


def _project_argument(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("project", type=Path, help="project folder")


# -- commands -----------------------------------------------------------------------------------------------------


def sample(options: argparse.Namespace) -> int:
    """Generate the sample pictures and make a project on them."""
    from napari_wsss.sample.project import generate_sample

    if (options.folder / FILE_NAME).exists():
        raise ProjectError(f"{options.folder} holds a project already; open it, or choose another folder.")
    if options.images < 1 or options.size < 64:
        raise ProjectError("The sample needs at least 1 image and 64 pixels; correct --images or --size.")
    pictures = options.folder / "pictures"
    report = generate_sample(pictures, images=options.images, size=options.size, seed=options.seed)
    create_project(options.folder, pictures, read_labels(pictures), None, HELD_OUT).close()
    print(f"{report.summary()}.")
    print(f"Project: {options.folder}. Next:")
    print(f"  python -m training.run classifier --project {options.folder} --trunk-weights none --apply")
    return DONE


def create(options: argparse.Namespace) -> int:
    """Make a project and say what its labels are."""
    report = _labels(options, options.classes or ())
    _tell(report, options)
    with create_project(options.project, options.images, report, options.classes, options.hold_out) as project:
        counts = {split: sum(1 for _ in project.catalog.ids(split=split)) for split in ("train", "val")}
        print(f"Project {project.folder} with {len(project.catalog)} images: {_listed(counts)}.")
        if options.every_pixel:
            project.set_plan(replace(project.plan, every_pixel=True))
        _suggest_every_pixel(project)
    return DONE


def _suggest_every_pixel(project: Project) -> None:
    why = "" if project.plan.every_pixel else suggestion(project)
    if why:
        print(f"{why} If there is no background, say so: --every-pixel when it is made, or on the page Project.")


def labels_report(options: argparse.Namespace) -> int:
    """Say what a label source holds and what is wrong with it."""
    _tell(_labels(options), options)
    return DONE


def _labels(options: argparse.Namespace, also: Sequence[str] = ()) -> LabelReport:
    return read_labels(options.images, options.labels, options.kind, encoding=options.encoding, also=also)


def add_images(options: argparse.Namespace) -> int:
    """Add the pictures that lie in the image folder since the project was made; say which, and which not."""
    opened = Project.open_to_read if options.dry_run else _opened
    with opened(options.project) as project:
        found = find_new_images(project, options.pictures, options.labels, options.kind, options.encoding)
        _tell(found, options)
        if found.images and not options.dry_run:
            project.add_images(found.images)
            project.hold_out(options.hold_out)
            splits = Counter(project.catalog.get(image.id).split for image in found.images)
            print(f"Added: {_listed(dict(sorted(splits.items())))}. The project has {len(project.catalog)} images now.")
    return DONE


def locate_images(options: argparse.Namespace) -> int:
    """Find moved images by their path, content or name; say which are still missing."""
    with _opened(options.project) as project:
        missing = project.locate_images(options.images)
        print(f"{len(project.catalog) - len(missing)} of {len(project.catalog)} images are in {project.images_root}.")
    if missing:
        print(f"{len(missing)} are missing: {', '.join(missing[:10])}{' ...' if len(missing) > 10 else ''}")
    return CORRECTABLE if missing else DONE


def check_project(options: argparse.Namespace) -> int:
    """Say what is not as it should be; 1 when something is, also after a repair."""
    found = check(options.project, repair=options.repair)
    open_ones = [finding for finding in found if not finding.repaired]
    if options.json:
        print(json.dumps({"sound": not open_ones, "findings": [finding.to_dict() for finding in found]}, indent=1))
        return FOUND if open_ones else DONE
    for finding in found:
        done = " Repaired." if finding.repaired else ""
        print(f"{finding.kind}: {writable(finding.name)}: {writable(finding.words)}{done}")
    repaired = len(found) - len(open_ones)
    print(f"{options.project}: {len(open_ones) or 'no'} finding(s){f', {repaired} repaired' if repaired else ''}.")
    return FOUND if open_ones else DONE


def restore_project(options: argparse.Namespace) -> int:
    """List the generations with what they hold, or make one of them the project's database."""
    if options.generation is None:
        present = options.project / FILE_NAME
        if present.is_file():
            print(f"now: {read_generation(present).line()}")
        listed = generations(options.project)
        print("\n".join(one.line() for one in listed) or "There are no backups.")
        return DONE if listed else CORRECTABLE
    restored, kept = restore(options.project, "" if options.generation == "newest" else options.generation)
    print(f"Restored {restored.name}.{f' The replaced database is kept as {kept}.' if kept else ''}")
    with _opened(options.project) as project:  # its masks follow now
        print(f"The project has {_listed(project.catalog.counts())}.")
    return DONE


def scale_deep(options: argparse.Namespace) -> int:
    """Scale pictures of more than 8 bits between other percentiles of their pixels."""
    with _opened(options.project) as project:
        project.set_deep_percentiles(options.low, options.high)
    print(f"Pictures of more than 8 bits are scaled from {options.low:g} to {options.high:g} % of their pixels.")
    return DONE


def open_project(options: argparse.Namespace) -> int:
    """Start napari with the dock on a project."""
    if not (options.project / FILE_NAME).exists() and options.project.name != FILE_NAME:
        raise ProjectError(
            f"There is no project in {options.project} (no {FILE_NAME}); make one with: napari-wsss create"
        )
    try:
        from napari_wsss.widgets.dock import open_window
    except ModuleNotFoundError as missing:
        raise StepError(
            f'napari is not installed ({missing.name} is missing). Install it with: pip install "napari-wsss[gui]".',
            missing=("gui",),
        ) from missing
    open_window(options.project)
    with Project.open_to_read(options.project) as project:
        _say_backup(project)  # the one at closing had no window left to be said in
    return DONE


def info(options: argparse.Namespace) -> int:
    """Say what is in a project."""
    with Project.open_to_read(options.project) as project:
        _say_left_out(project)
        catalog, plan = project.catalog, project.plan
        splits = {split or "without split": sum(1 for _ in catalog.ids(split=split)) for split in ("train", "val", "")}
        lines = {
            "Project": project.folder,
            "Images": f"{len(catalog)} in {project.images_root}",
            "States": _listed(catalog.counts()),
            "Splits": _listed(splits),
            "Labels": _listed(catalog.class_counts() | _without_labels(project)),
            "Model": plan.segmenter_checkpoint or plan.localizer_checkpoint or "none applied yet",
            "Pixels": "every one belongs to a class" if plan.every_pixel else "of a class, or background",
            "Refiners": " -> ".join(step.method for step in plan.refiners) or "none",
            "Results": f"{project.store.size_bytes() / 1e6:.1f} MB (may be deleted at any time)",
            "Backups": project.backup_error or f"{len(list_backups(project.folder / BACKUPS))} of project.sqlite",
            "Runs": "; ".join(f"{run.folder.name} {run.state}" for run in runs_in(project.training_folder)) or "none",
        }
        lines |= {f"Left out ({name})": why for name, why in unreadable_in(project.training_folder).items()}
    print("\n".join(f"{name + ':':<10}{text}" for name, text in lines.items()))
    return DONE


def _without_labels(project: Project) -> dict[str, int]:
    """Return how many images are labelled none of the classes, and how many are not labelled, where there are any."""
    counts = {
        "none of the classes": project.catalog.count(Criteria(negative=True)),
        "not labelled yet": project.catalog.count(Criteria(unlabelled=True)),
    }
    return {what: count for what, count in counts.items() if count}


def export(options: argparse.Namespace) -> int:
    """Write the accepted masks; say what was left out and why."""
    chosen = ExportOptions(options.grey, options.previews, options.overwrite, options.dry_run, options.sources)
    with Project.open_to_read(options.project) as project:
        _say_left_out(project)
        records = list(project.catalog.records(states=("accepted",)))
        accepted = Accepted.of(project, [record.id for record in records], replaced=options.replaced)
        masks = [(one, AcceptedMask(project, one)) for one in accepted.ids]
        splits = {record.id: record.split for record in records}
        report = export_masks(masks, project.classes, options.out, chosen, splits)
        if not options.dry_run:
            write_labels(project, options.out)
        others = {state: count for state, count in project.catalog.counts().items() if state != "accepted" and count}
    _tell(report, options)
    for reason in accepted.left_out:
        print(f"napari-wsss: left out: {reason}.", file=sys.stderr)
    if others:
        print(f"Not exported, because not accepted: {_listed(others)}.")
    return DONE


def import_existing(options: argparse.Namespace) -> int:
    """Take the masks of a folder into a project; never over a person's work unless told so."""
    with _opened(options.project) as project:
        images = {one: project.image_path(one) for one in project.catalog.ids()}
        labels = {record.id: record.labels for record in project.catalog.records() if record.labelled}
        report = import_masks(options.masks, images, project.classes, labels)
        _tell(report, options)
        taken = _take(project, list(project.catalog.ids(split=options.split)), report, options)
        _suggest_every_pixel(project)
    kind = "accepted masks" if options.accept else "drafts"
    print(f"{taken.count} masks taken as {kind}; {taken.kept} images kept the mask they had.")
    return DONE


@contextmanager
def _opened(folder: Path) -> Iterator[Project]:
    """Yield a project opened for writing; say on closing when its backup failed."""
    with Project.open(folder) as project:
        _say_left_out(project)
        yield project
    _say_backup(project)


def _tell(report: Told, options: argparse.Namespace) -> None:
    """Print a report: with examples of every kind of problem, whole, or as JSON."""
    if options.json:
        print(report.as_json())
        return
    print(report.summary())
    if options.all:
        print(report.whole())


def _say_left_out(project: Project) -> None:
    for sentence in project.left_out:
        print(f"napari-wsss: {sentence}", file=sys.stderr)


def _say_backup(project: Project) -> None:
    if project.backup_error:
        print(f"napari-wsss: {project.backup_error}", file=sys.stderr)


@dataclass
class _Taken:
    count: int = 0
    kept: int = 0


def _take(project: Project, ids: Sequence[str], report: MaskImportReport, options: argparse.Namespace) -> _Taken:
    taken = _Taken()
    wanted = islice((one for one in ids if one in report.masks), options.limit)
    for image_id in tqdm(list(wanted), desc="masks", unit="image", leave=False):
        if not options.overwrite and project.masks.any(image_id):
            taken.kept += 1
            continue
        values = report.read(image_id)
        if options.accept:
            project.review.accept(image_id, values)
        else:
            project.review.save_draft(image_id, values)
        taken.count += 1
    return taken


def evaluate(arguments: Sequence[str]) -> int:
    """Run ``python -m training.run evaluate`` with the same options and return its exit code."""
    return run_here(python("-m", "training.run", "evaluate", *arguments))


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())


if __name__ == "__main__":
    sys.exit(main())
