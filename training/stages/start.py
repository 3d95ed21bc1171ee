"""The recommended start: from image-level labels alone to the best proposals we know, as one resumable run.

A localizer (SEAM) is trained, LPCAM finds prototypes on it, and the dense CRF follows with the background that suits
the maps. The steps stand in the order of what they gain per minute, and each is put to use as soon as it is there: by
this process, or by the window that has the project open. Two minutes into the training it is interrupted to let the
labeler see the activation maps of the network as it is. The parts are runs of their own, which the list shows.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_wsss.core.errors import ProjectError
from napari_wsss.core.files import publish_bytes
from napari_wsss.core.parameters import add_options, advanced_options
from napari_wsss.core.progress import Progress
from napari_wsss.core.provenance import Provenance
from napari_wsss.pipeline import recommended
from napari_wsss.pipeline import run as pipeline
from napari_wsss.pipeline.learner.chains import is_own_chain, missing_of_chain
from napari_wsss.pipeline.recommended import Offer
from napari_wsss.processes.stage_list import Recipe
from napari_wsss.project.project import Project
from napari_wsss.project.states import UNDECIDED
from training.config import RunConfig, sections_of
from training.execute import begin, carry_out, continued, done_before, stopped_by_signals
from training.loop.checkpoints import BEST, LAST
from training.report import Reporter
from training.resolving import resolve, resolve_file
from training.run_folder import RunFolder
from training.stages.maps import note_fresh, open_unless_held
from training.stages.start_scores import StepScores, add_truth_options
from training.stopping import stopped_in_time

STAGE = "start"
RECIPE: Recipe = "classifier"
BASE, PROTOTYPES = "seam", "lpcam"
FIRST = "first.safetensors"
FIRST_SECONDS = 120.0
DONE, STOPPED = 0, 3


def add_start_options(parser: argparse.ArgumentParser, typed: Sequence[str]) -> None:
    """Add the options of ``start``: those of the localizer's training, and when its first maps are shown."""
    advanced = advanced_options(parser)
    parser.add_argument("--project", type=Path, required=True, help="project folder")
    parser.add_argument("--resume", type=Path, help="continue this run folder; its own configuration counts")
    text = f"show the maps of the network as it is after so many seconds of training; 0 never [{FIRST_SECONDS:g}]"
    advanced.add_argument("--first-maps", type=float, default=FIRST_SECONDS, metavar="SECONDS", help=text)
    text = "at last compute the proposals of undecided images, unless a window does [yes]"
    advanced.add_argument("--proposals", action=argparse.BooleanOptionalAction, default=True, help=text)
    add_truth_options(parser)
    add_options(parser, *sections_of(RECIPE, BASE).values())
    parser.set_defaults(method=BASE)


def start(options: argparse.Namespace, report: Reporter) -> int:
    """Carry out the recommended start, or go on with one, and return the exit code."""
    with Project.open_to_read(options.project) as project:
        run = _resumed(project, options.resume) if options.resume else _begun(project, options)
        scores = StepScores(options, report) if options.truth else None
    report.say(f"run folder: {run.path}", run_folder=str(run.path))
    try:
        with stopped_in_time(run) if getattr(options, "is_program", False) else nullcontext():
            Start(options.project, run, report, scores).carry_out()
    except KeyboardInterrupt:
        run.finish("stopped")
        report.say(f"stopped; continue with --resume {run.path}")
        return STOPPED
    except BaseException as error:  # a signal, too: the record of what has ended must not say that it runs
        run.finish("failed", error=str(error) or type(error).__name__)
        raise
    run.finish("done")
    return DONE


class Start:
    """One recommended start.

    Parameters
    ----------
    folder : Path
        The project's.
    run : RunFolder
        Its own; ``run.json`` holds the runs that are its parts, and what it has offered.
    report : Reporter
    scores : StepScores, optional
        Measures what every step is worth.
    """

    def __init__(self, folder: Path, run: RunFolder, report: Reporter, scores: StepScores | None = None) -> None:
        self._folder, self._run, self._report, self._scores = folder, run, report, scores

    def carry_out(self) -> None:
        """Take every step that was not taken yet; raise `KeyboardInterrupt` when somebody stops it."""
        config = resolve_file(RECIPE, self._run.record["config"])
        base = self._trained("SEAM", config)
        self._offer(Offer("SEAM", BASE, self._relative(base.path / BEST)))
        found = self._trained("LPCAM", on_base(config, base))
        self._offer(Offer("LPCAM on SEAM", PROTOTYPES, self._relative(found.path / BEST)))
        if self._run.record["proposals"]:
            self._propose()

    # -- parts ------------------------------------------------------------------------------------------------

    def _trained(self, title: str, config: RunConfig) -> RunFolder:
        """Return the finished run of a part: found, continued or begun."""
        with Project.open_to_read(self._folder) as project:
            part = self._part(project, title, config)
        while part.record["state"] != "done":
            with Project.open_to_read(self._folder) as project:
                config, part = continued(project, part.path)
                watch = Watch(self._run, part, title, self._report, self._first_at(config))
                finished = carry_out(project, config, part, watch).finished
            if not finished and not watch.is_looked_at:
                raise KeyboardInterrupt
            if not finished:
                self._offer(self._first_maps(part))
        return part

    def _part(self, project: Project, title: str, config: RunConfig) -> RunFolder:
        parts = self._run.record["parts"]
        if title in parts:
            return continued(project, project.training_folder / parts[title])[1]
        part = done_before(project, config) or begin(project, config)
        self._run.update(parts={**parts, title: part.path.name})
        return part

    def _first_at(self, config: RunConfig) -> float | None:
        """Return when (`time.monotonic`) a training is to be interrupted for its first maps, None for never."""
        seconds = float(self._run.record["first_maps"])
        if config.method != BASE or seconds <= 0 or self._run.record["offers"]:
            return None
        return time.monotonic() + seconds

    def _first_maps(self, part: RunFolder) -> Offer:
        """Return the network in the middle of its training, in a file that the training leaves as it is."""
        publish_bytes(part.path / FIRST, (part.path / LAST).read_bytes())
        return Offer("First maps", BASE, self._relative(part.path / FIRST), is_first=True)

    def _relative(self, path: Path) -> str:
        return path.resolve().relative_to(self._folder.resolve()).as_posix()

    # -- putting to use ---------------------------------------------------------------------------------------

    def _offer(self, offer: Offer) -> None:
        """Put a model to use here, or let the window do it that has the project open; once, also when resumed."""
        known = self._run.record["offers"]
        if offer.checkpoint in [one["checkpoint"] for one in known]:
            return
        offer = replace(offer, time=time.time())
        is_taken = self._take(offer)
        self._run.update(offers=[*known, offer.to_dict()])
        told = f"{offer.title}: {'used from now on' if is_taken else 'ready'}"
        facts = {"offer": offer.to_dict()}
        self._run.note(Progress("report", message=told), **facts)
        self._report.say(told, **facts)
        if self._scores is not None:
            table = self._scores.measured(offer, self._run.record["parts"])
            self._run.update(scores=self._scores.rows)
            self._report.say(table)

    def _take(self, offer: Offer) -> bool:
        project = open_unless_held(self._folder)
        if project is None:
            return False
        with project:
            if not recommended.is_wanted(project, offer):
                return False
            if is_own_chain(project.plan):
                self._report.say("The chain on the Refine page was chosen by hand, so it stays.")
            elif missing := missing_of_chain():
                said = f"The proposals do without a step of the recommended chain. {missing}"
                self._report.say(said, missing=missing)
            recommended.take(project, offer)
        return True

    def _propose(self) -> None:
        """Compute the proposals of undecided images, where no window does it in its own order."""
        project = open_unless_held(self._folder)
        if project is None:
            return
        project.close()
        with Project.open_to_read(self._folder) as project, stopped_by_signals(self._run):
            ids = list(project.catalog.ids(states=UNDECIDED))
            device = self._run.record["config"]["hardware"]["device"]
            for progress in pipeline.propose(project, ids, device, background=False):
                self._report.show(progress)
                self._run.beat()
                if self._run.stop_requested():
                    raise KeyboardInterrupt
        note_fresh(self._folder, ids)


class Watch:
    """Reports a part as part of the whole, hands a stop on to it, and interrupts it once for its first maps.

    Parameters
    ----------
    whole, part : RunFolder
    title : str
        Of the part.
    report : Reporter
    first_at : float, optional
        When (`time.monotonic`) to interrupt it.

    Attributes
    ----------
    is_looked_at : bool
        True when it was interrupted.
    """

    def __init__(
        self, whole: RunFolder, part: RunFolder, title: str, report: Reporter, first_at: float | None = None
    ) -> None:
        self._whole, self._part, self._title, self._report, self._first_at = whole, part, title, report, first_at
        self.is_looked_at = False

    def show(self, progress: Progress) -> None:
        """Show and note a progress of the part."""
        told = replace(progress, message=f"{self._title}: {progress.message}")
        self._whole.note(told)
        self._report.show(told)
        if self._whole.stop_requested():
            self._part.request_stop()
        elif self._first_at is not None and progress.metrics and time.monotonic() >= self._first_at:
            # A training step, after which the network is kept: looking through the images cannot be interrupted so.
            self._first_at, self.is_looked_at = None, True
            self._part.request_stop()

    def say(self, text: str, **facts: object) -> None:
        """Say what the part says; a window goes on to follow the whole, so it is told no other folder."""
        self._report.say(f"{self._title}: {text}")

    def close(self) -> None:
        """Nothing to end."""


def on_base(config: RunConfig, base: RunFolder) -> RunConfig:
    """Return the configuration of LPCAM on a trained localizer, whose trunk and size it notes."""
    sections = {name: value for name, value in config.to_dict().items() if name not in ("method", "parameters")}
    return resolve_file(RECIPE, {**sections, "method": PROTOTYPES, "parameters": {"base": base.path.name}})


def _begun(project: Project, options: argparse.Namespace) -> RunFolder:
    config = resolve(RECIPE, options)
    provenance = Provenance(f"training.{STAGE}", config.decisive(), weights="")
    told: dict[str, Any] = {"config": config.to_dict(), "parts": {}, "offers": []}
    told |= {"first_maps": options.first_maps, "proposals": options.proposals}
    return RunFolder.create(project.training_folder, STAGE, provenance, told)


def _resumed(project: Project, folder: Path) -> RunFolder:
    known = project.training_folder / folder.name
    run = RunFolder.open(known if not folder.is_dir() and known.is_dir() else folder)
    if run.record["recipe"] != STAGE:
        raise ProjectError(f"{run.path} is a {run.record['recipe']} run; resume it with that stage.")
    run.forget_stop()
    run.resume(sys.maxsize)  # its parts know where they stand; here every report stays
    return run
