"""The stages without training: activation maps and pseudo masks of many images, by the pipeline."""

import argparse
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import replace
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

from napari_wsss.core.background import equivalent_alpha
from napari_wsss.core.errors import ParameterError, ProjectError, StepError, WsssError
from napari_wsss.core.files import MOST_RECORD_BYTES, read_regular
from napari_wsss.core.inference import Inference
from napari_wsss.core.parameters import add_options, advanced_options, fields_of, from_dict
from napari_wsss.core.plan import Plan
from napari_wsss.core.progress import Steps
from napari_wsss.core.registry import load_method, method_names
from napari_wsss.pipeline import run as pipeline
from napari_wsss.pipeline.background import estimate_background, sample_of, wants_estimate
from napari_wsss.pipeline.chain import applied_source
from napari_wsss.pipeline.large.maps import is_large
from napari_wsss.pipeline.large.masks import stored_mask
from napari_wsss.pipeline.lineage import Lineage, base_provenance
from napari_wsss.pipeline.over_images import StageReport, large_words
from napari_wsss.project.project import Project
from napari_wsss.project.sharing.share import Part, Selection, Share, lease_folder
from napari_wsss.project.states import STATES, UNDECIDED
from training.config import Hardware
from training.report import Reporter, watched
from training.typed_plan import plan_for, with_chain, with_inference, with_refiners
from training.workers import together

DONE, SOME_FAILED = 0, 4
NOTED_TOGETHER = 500


def add_selection_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose project, images and device."""
    parser.add_argument("--project", type=Path, required=True, help="project folder")
    parser.add_argument("--split", choices=("train", "val"), help="only images of this split")
    advanced = advanced_options(parser)
    text = "JSON or YAML file of options by name, or with a 'plan' (as in run.json) that replaces the project's"
    advanced.add_argument("--config", type=Path, metavar="FILE", help=text)
    advanced.add_argument("--states", nargs="+", choices=STATES, help="only images in these review states")
    add_ids_option(parser)
    add_device_options(parser)


def add_ids_option(parser: argparse.ArgumentParser) -> None:
    """Add the option that names single images."""
    parser.add_argument("--ids", nargs="+", help="only these images; a name of a text file: those in its lines")


def add_apply_option(parser: argparse.ArgumentParser) -> None:
    """Add the option that gives a stage's other options to the project."""
    parser.add_argument("--apply", action="store_true", help="let the project's plan have these options, too")


def add_sharing_options(parser: argparse.ArgumentParser, workers: int | None = 1, default: str = "1") -> None:
    """Add the options of a stage that several workers may share.

    Parameters
    ----------
    workers : int, optional
        How many there are where none is typed; None leaves that to the stage.
    default : str
        What is said of it.
    """
    text = f"processes that share the images, each on a GPU or some cores [{default}]"
    parser.add_argument("--workers", type=int, default=workers, help=text)
    parser.add_argument("--shard", default="1/1", help="i/n: the i-th of n parts, for arrays of jobs [%(default)s]")


def add_device_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose device and threads."""
    advanced = advanced_options(parser)
    for name in ("device", "threads"):
        one = fields_of(Hardware)[name]
        text = f"{one.metadata['description']} [{one.default}]"
        advanced.add_argument(f"--{name}", type=type(one.default), default=one.default, help=text)


def hardware_of(options: argparse.Namespace) -> Hardware:
    """Return the hardware settings the options choose."""
    return from_dict(Hardware, {"device": options.device, "threads": options.threads})


def prepare_device(options: argparse.Namespace) -> None:
    """Set device and threads, where torch is installed: maps made elsewhere are used without it."""
    if find_spec("torch") is None:
        return
    from training.hardware import prepare

    prepare(hardware_of(options))


def chosen_ids(project: Project, options: argparse.Namespace) -> list[str]:
    """Return the ids the options choose, in catalog order (`--ids`: as typed), without excluded images.

    Raises
    ------
    ProjectError
        For an id the project does not have.
    """
    if options.ids:
        return [project.catalog.get(image_id).id for image_id in named_ids(options.ids, project.catalog)]
    states = options.states or [state for state in STATES if state != "excluded"]
    return list(project.catalog.ids(states=states, split=options.split))


def selection(project: Project, options: argparse.Namespace) -> Selection:
    """Return the same images as `chosen_ids`, to be shared; errors likewise."""
    ids = named_ids(options.ids, project.catalog) if options.ids else None
    return Selection(project, ids, options.states, options.split)


def named_ids(words: Sequence[str], known: Container[str]) -> list[str]:
    """Return the ids that are typed, or lie as lines in the text files that are.

    Parameters
    ----------
    words : sequence of str
        As typed behind ``--ids``.
    known : container of str
        Ids there are: a word that is one is no name of a file.

    Raises
    ------
    ParameterError
        When a file is no list of ids.
    """
    found: list[str] = []
    for word in words:
        path = Path(word)
        if word in known or not path.is_file():
            found.append(word)
            continue
        try:
            found += filter(None, read_regular(path, MOST_RECORD_BYTES).decode().splitlines())
        except (OSError, UnicodeDecodeError) as reason:
            raise ParameterError(
                f"{path} is no list of images ({reason}); expected a text file (UTF-8) with an id on each line.",
                name="ids",
            ) from reason
    return found


def parts_of(options: argparse.Namespace) -> list[Part]:
    """Return the parts of the images that the options give to this machine, one for each worker.

    Raises
    ------
    ParameterError
        When they make no sense.
    """
    if options.workers < 1:
        raise ParameterError(f"--workers is {options.workers}; expected at least 1.", name="workers")
    return Part.parsed(options.shard).split(options.workers)


def add_localize_options(parser: argparse.ArgumentParser, typed: Sequence[str]) -> None:
    """Add the options of ``localize``: selection, workers, and those of inference."""
    add_selection_options(parser)
    add_apply_option(parser)
    add_sharing_options(parser)
    add_options(parser, Inference)


def localize(options: argparse.Namespace, report: Reporter) -> int:
    """Compute the missing activation maps by the applied model, return the exit code."""
    with Project.open_to_read(options.project) as project:
        plan = plan_for(project, options, with_inference, report)
    return _shared(options, report, plan, _localize)


def _localize(project: Project, share: Share, plan: Plan, device: str) -> Steps[StageReport]:
    run = pipeline.segment if applied_source(plan) == "segment" else pipeline.localize
    return run(project, share, device, background=False, plan=plan)


def add_refine_options(parser: argparse.ArgumentParser, typed: Sequence[str]) -> None:
    """Add the options of ``refine``: selection, workers, the chain of refiners, and each refiner's parameters."""
    add_apply_option(parser)
    add_sharing_options(parser)
    add_chain_options(parser)


def add_chain_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose images, the chain of refiners, and each refiner's parameters."""
    add_selection_options(parser)
    parser.add_argument("--refiners", nargs="+", choices=method_names("refine"), help="the chain, in order")
    parser.add_argument(
        "--saliency", type=Path, help="folder of grey PNGs named like the images, for steps that need saliency"
    )
    for method in method_names("refine"):
        add_options(parser, load_method("refine", method).Parameters, prefix=f"{method}_")


def refine(options: argparse.Namespace, report: Reporter) -> int:
    """Compute the missing pseudo masks from maps (which are computed too where missing), return the exit code."""
    if Part.parsed(options.shard).count == 1:
        _estimate_where_wanted(options, report)
    with Project.open_to_read(options.project) as project:
        plan = plan_for(project, options, with_refiners, report)
        if Part.parsed(options.shard).count > 1:
            _refuse_to_guess(project, plan)
    code = _shared(options, report, plan, _refine)
    if Part.parsed(options.shard).count == 1:
        with Project.open_to_read(options.project) as project:
            if plan == project.plan:
                note_fresh(options.project, selection(project, options))
    return code


def _refine(project: Project, share: Share, plan: Plan, device: str) -> Steps[StageReport]:
    return pipeline.propose(project, share, device, background=False, plan=plan)


def _shared(
    options: argparse.Namespace,
    report: Reporter,
    plan: Plan,
    stage: Callable[[Project, Share, Plan, str], Steps[StageReport]],
) -> int:
    """Carry out this machine's part of a stage, by several workers where they are wanted."""
    parts = parts_of(options)
    if len(parts) > 1:
        return together(options, parts, report)
    with Project.open_to_read(options.project) as project:
        prepare_device(options)
        kind = base_provenance(project, plan, applied_source(plan))
        with Share(selection(project, options), lease_folder(project, kind), parts[0]) as share:
            return _told(watched(stage(project, share, plan, options.device), report), report)


def add_background_options(parser: argparse.ArgumentParser, typed: Sequence[str]) -> None:
    """Add the options of ``background``."""
    parser.add_argument("--project", type=Path, required=True, help="project folder")
    add_device_options(parser)


def background(options: argparse.Namespace, report: Reporter) -> int:
    """Estimate the automatic background strength anew, write it into the plan, return the exit code."""
    prepare_device(options)
    with Project.open(options.project) as project:
        _estimate(project, options.device, report)
    return DONE


def _estimate(project: Project, device: str, report: Reporter) -> None:
    ids = sample_of(project)
    watched(pipeline.localize(project, ids, device, background=False), report)
    found = watched(estimate_background(project, ids), report)
    project.set_plan(replace(project.plan, automatic=found))
    report.say(
        f"background threshold {found.threshold} (power {equivalent_alpha(found.threshold):.3f}), estimated from the "
        f"maps of {found.images} images and what a person decided in {found.decided}",
        automatic=found.to_dict(),
    )


def _estimate_where_wanted(options: argparse.Namespace, report: Reporter) -> None:
    """Estimate the background strength where the plan follows it; a window that has the project open does it itself."""
    project = open_unless_held(options.project)
    if project is None:
        return
    with project:
        plan = with_chain(project.plan, options)
        if wants_estimate(project, plan, len(sample_of(project))):
            prepare_device(options)
            _estimate(project, options.device, report)


def open_unless_held(folder: Path) -> Project | None:
    """Return a project open for writing, None while another program (a window) has it open."""
    try:
        return Project.open(folder)
    except ProjectError as error:
        if not error.read_only_possible:
            raise
        return None


def note_fresh(folder: Path, ids: Iterable[str]) -> None:
    """Write down that the proposals of undecided images are as new as the model, and what they are in doubt of.

    A window that has the project open keeps its own account, so then nothing is written.
    """
    project = open_unless_held(folder)
    if project is None:
        return
    with project:
        left = iter(ids)
        while some := list(islice(left, NOTED_TOGETHER)):
            with project.together():
                for image_id in some:
                    _note_fresh(project, image_id)


def _note_fresh(project: Project, image_id: str) -> None:
    record = project.catalog.get(image_id)
    try:
        item = Lineage.of(project, image_id, record=record)
        proposed = stored_mask(item) if is_large(project, image_id) else pipeline.stored_proposal(item)
    except (WsssError, OSError):  # named by the run
        return
    doubtful = project.classes.names_of(proposed.doubtful) if proposed else ()
    project.catalog.set_doubtful(image_id, doubtful)
    if proposed and record.stale and record.state in UNDECIDED:
        project.catalog.set_facts(image_id, stale=False)


def _told(found: StageReport, report: Reporter) -> int:
    for image_id, reason in found.failed.items():
        report.say(f"failed: {image_id}: {reason}", image=image_id)
    if found.without_labels:
        report.say(found.without_labels)
    if found.large_count:
        report.say(large_words(found.large_count))
    counts = f"{found.done_count} computed, {found.reused_count} reused, {len(found.failed)} failed"
    numbers = {"done": found.done_count, "reused": found.reused_count, "large": found.large_count}
    report.say(counts, **numbers, failed=found.failed)
    return SOME_FAILED if found.failed else DONE


def _refuse_to_guess(project: Project, plan: Plan) -> None:
    """Raise `StepError` while parts of one run could be made with different background strengths."""
    if wants_estimate(project, plan, len(sample_of(project))):
        raise StepError(
            "The background strength is still to be estimated, and one part of a run cannot do that for the others. Do "
            f"it once before them: napari-wsss background --project {project.folder}; or choose it, as with "
            "--constant-background-background-threshold."
        )
