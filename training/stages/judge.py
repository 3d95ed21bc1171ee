"""Hold a new model, or another chain, against what the project uses now, before it is applied.

Both propose for the same images a person said something about: accepted masks, and where these are few also strokes,
scribbles and clicks, best of images that taught neither. `training.scoring.verdict` says what counts as better.
Proposals are stored where the pipeline looks for them, so applying the model later computes none of them again.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from napari_wsss.core.classes import IGNORE
from napari_wsss.core.errors import ParameterError, StepError, WeightsError
from napari_wsss.core.files import publish_json
from napari_wsss.core.parameters import advanced_options
from napari_wsss.core.plan import Plan
from napari_wsss.core.progress import Progress, Steps, retold
from napari_wsss.pipeline.apply import rival_of, with_applied
from napari_wsss.pipeline.lineage import SHELF_OF_STAGE, ModelShelf, is_asked
from napari_wsss.pipeline.plan_history import last_change
from napari_wsss.pipeline.run import own_proposal, propose
from napari_wsss.project.project import Project
from napari_wsss.weights.checkpoint import load_checkpoint
from training.hardware import prepare
from training.pixel_learner.examples import Example
from training.report import Reporter, watched
from training.scoring.paired import Case, Paired
from training.scoring.scoring import class_names
from training.scoring.tables import aligned, write_tables
from training.scoring.verdict import Verdict
from training.stages.compared_images import basis_of, chosen_images, taught_by
from training.stages.maps import add_chain_options, chosen_ids, hardware_of
from training.typed_plan import with_chain

STAGE = "judge"
MOST_IMAGES = 100


@dataclass(frozen=True)
class Rivals:
    """Two plans of one project."""

    candidate: Plan
    present: Plan
    is_applied: bool = False


def add_judge_options(parser: argparse.ArgumentParser, typed: Sequence[str]) -> None:
    """Add the options of ``judge``: a model, and those of ``refine`` for a chain; nothing is changed."""
    advanced = advanced_options(parser)
    add_chain_options(parser)
    parser.add_argument("--weights", type=Path, help="a run's best.safetensors [the applied model]")
    parser.add_argument("--last-change", action="store_true", help="the chain against what it was one change before")
    advanced.add_argument("--limit", type=int, default=MOST_IMAGES, help="compare on at most so many images")
    parser.add_argument("--out", type=Path, help="also write table.txt, table.csv and verdict.json into this folder")


def judge(options: argparse.Namespace, report: Reporter) -> int:
    """Say whether the candidate is better than what is used now, print and write the table, return the exit code."""
    prepare(hardware_of(options))
    if options.limit < 1:
        raise ParameterError(f"--limit is {options.limit}; expected at least 1 image.", name="limit")
    with Project.open_to_read(options.project) as project:
        rivals = rivals_of(project, options)
        taught = taught_by(project, rivals.candidate) | taught_by(project, rivals.present)
        known = chosen_images(project, chosen_ids(project, options), options.limit, taught)
        verdict, failed = watched(judged(project, rivals, known.examples, taught, options.device), report)
    for image_id, reason in {**known.left_out, **failed}.items():
        report.say(f"left out: {image_id}: {reason}", image=image_id)
    facts = verdict.to_dict()
    report.say(f"{aligned(verdict.rows())}\n{verdict.text()}", verdict=facts)
    if options.out:
        write_tables(options.out, {STAGE: verdict.rows()})
        publish_json(options.out / "verdict.json", facts, indent=2)
    return 0


def rivals_of(project: Project, options: argparse.Namespace) -> Rivals:
    """Return the plans the options choose: a model in place of the present one, another chain, or both.

    Without either, the present models are the candidate and those used before them the present.

    Raises
    ------
    StepError
        When proposals do not depend on the model, or there is nothing to compare with.
    WeightsError
        When the file is no checkpoint of ours.
    """
    plan = project.plan
    if options.last_change:
        return Rivals(plan, before_last_change(project), is_applied=True)
    if options.weights is not None:
        plan = with_weights(project, options.weights)
    candidate = with_chain(plan, options)
    present = rival_of(project, candidate)
    return Rivals(candidate, present, candidate == project.plan)


def before_last_change(project: Project) -> Plan:
    """Return the project's plan as it was before the last change of refiners or their parameters."""
    change = last_change(project)
    if change is None:
        raise StepError("No refiner or parameter was changed yet, so there is no earlier chain to compare with.")
    return change.taken_back(project.plan)


def with_weights(project: Project, path: Path) -> Plan:
    """Return the project's plan with a checkpoint in place of the model of its shelf."""
    _, meta = load_checkpoint(path)
    shelf: ModelShelf = meta.get("shelf", "")
    if shelf not in SHELF_OF_STAGE.values():
        raise WeightsError(f"{path} is no network that can be applied; give the best.safetensors of a run.")
    plan = with_applied(project, shelf, meta["method"], path)
    if not is_asked(plan, shelf):
        raise StepError(
            f"No refiner of the project asks the {shelf} network, so it changes no proposal. Give the chain that uses "
            "it too (--refiners)."
        )
    return plan


def judged(
    project: Project, rivals: Rivals, examples: Sequence[Example], taught: frozenset[str], device: str = "auto"
) -> Steps[tuple[Verdict, dict[str, str]]]:
    """Compute the missing proposals of both plans and compare them with what a person said.

    Parameters
    ----------
    project : Project
    rivals : Rivals
    examples : sequence of Example
        What is known of the images.
    taught : frozenset of str
        Images that taught one of the models.
    device : str
        As `networks.device.choose_device` takes it.

    Returns
    -------
    generator of Progress
        Returns the verdict, and why images were left out, by id.

    Raises
    ------
    StepError, ParameterError, WeightsError
        When a plan cannot run.
    LabelError
        When no image is left.
    """
    ids = [one.image_id for one in examples]
    plans, failed = (rivals.candidate, rivals.present), dict[str, str]()
    for side, plan in enumerate(plans):
        steps = propose(project, ids, device, background=False, plan=plan)
        failed |= (yield from retold(steps, partial(_counted, side, len(ids)))).failed
    used = [one for one in examples if one.image_id not in failed]
    scores = Paired.of(class_names(project), (_case(project, one, plans) for one in used))
    return Verdict(scores, basis_of(project, used, taught, plans), rivals.is_applied), failed


def _case(project: Project, example: Example, plans: tuple[Plan, Plan]) -> Case:
    candidate, present = (own_proposal(project, example.image_id, plan) for plan in plans)
    if candidate is None or present is None:
        raise StepError(f"The proposal of {example.image_id} was deleted meanwhile. Start again.")
    return Case(np.where(example.weights > 0, example.values, IGNORE), example.labels, (candidate, present))


def _counted(side: int, images: int, progress: Progress) -> Progress:
    """Return the progress of one side as that of both."""
    return Progress(STAGE, side * images + progress.done, 2 * images, progress.message)
