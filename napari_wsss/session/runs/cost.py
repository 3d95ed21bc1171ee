"""What a training will see, and how long it will take: by earlier runs of the same kind, else by a rough table."""

import math
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from napari_wsss.core.plural import counted
from napari_wsss.project.criteria import Criteria
from napari_wsss.project.project import Project
from napari_wsss.project.states import STATES, UNDECIDED
from napari_wsss.session.runs.compared import flat
from napari_wsss.session.runs.folders import RunInfo

FEWEST_STEPS = 5
DEFAULTS: Mapping[str, Any] = {
    "trunk": "mobilenet_v2",
    "epochs": 5,
    "iterations": 0,
    "batch_size": 16,
    "crop": 321,
    "width": 1.0,
    "output_stride": 16,
    "person_repeats": 3,
    "machine_weight": 0.5,
    "device": "auto",
}
CPU_SECONDS: Mapping[str, float] = {
    "mobilenet": 2.0,
    "resnet18": 3.0,
    "resnet50": 9.0,
    "resnet101": 15.0,
    "vgg16": 20.0,
    "resnet38": 60.0,
}
"""Seconds for a million input pixels, forward and back, on two CPU cores; orders of magnitude, no promise."""
OTHER_TRUNK = 10.0
HEAVY: Mapping[str, float] = {"seam": 1.7, "edam": 1.7, "co_attention": 5.0, "affinity_net": 10.0, "boundary_net": 5.0}
"""Factors of methods that do more than one pass, measured beside `cam`."""
FROM_FEATURES = ("pixel_classifier",)
"""Methods that learn from features of a frozen trunk: one pass over each image that is new, then fits of seconds."""
UNTRAINED: Mapping[str, Mapping[str, Any]] = {
    "lpcam": {"epochs": 1, "iterations": 0, "batch_size": 1},
    **{method: {"person_repeats": 1} for method in FROM_FEATURES},
}
"""What methods do that do not see images again and again, whatever is usual: they look once at every image."""
CUDA_SPEED = 60.0
FIT_STEPS, FIT_SECONDS = 150, 2.0
FEATURE_PIXELS = 480 * 360 / 1e6
"""Million pixels of an image as its trunk sees it."""


@dataclass(frozen=True)
class Estimate:
    """What a training will cost.

    Parameters
    ----------
    steps : int
    seconds : float
    device : str
        As a person says it: ``CPU``, ``GPU``.
    measured : str
        The run whose pace was taken, "" for the rough table.
    """

    steps: int
    seconds: float
    device: str
    measured: str = ""

    def details(self) -> str:
        """Return what the time is based on: `` on CPU, 300 steps at the pace of the run of 30 Nov 17:55``."""
        where = f" on {self.device}" if self.device else ""
        how = f"at the pace of {self.measured}" if self.measured else "(a rough guess until a run was measured here)"
        return f"{where}, {self.steps} steps {how}"


def what_trains(project: Project) -> str:
    """Return how many images are accepted, train and are kept for validation, and the accepted ones of each class."""
    counts, catalog = project.catalog.counts(), project.catalog
    accepted = catalog.class_counts("accepted")
    seen = [state for state in STATES if state != "excluded"]
    train, val = (catalog.count(Criteria(states=seen, split=split)) for split in ("train", "val"))
    names = project.classes.current
    some = [f"{name} {accepted[name]}" for name in names if accepted.get(name)]
    rest = ("others 0" if some else "none yet") if len(some) < len(names) else ""
    per_class = ", ".join(filter(None, (*some, rest)))
    total = sum(counts.values()) - counts.get("excluded", 0)
    return (
        f"{counts.get('accepted', 0)} accepted of {counted(total, 'image')}. "
        f"{train} train, {val} are kept for validation and never train.\nAccepted per class: {per_class}."
    )


def estimate(
    project: Project, stage: str, method: str, options: Mapping[str, Any], runs: Sequence[RunInfo], device: str = ""
) -> Estimate | None:
    """Return what a training would cost; None when there is nothing to learn from.

    Parameters
    ----------
    project : Project
    stage, method : str
    options : mapping
        All options of the form, defaults included; what is missing is taken from `DEFAULTS`.
    runs : sequence of RunInfo
        Earlier runs, newest first.
    device : str
        What ``auto`` means here: ``cpu``, ``cuda`` ...; "" when unknown.
    """
    told = {**DEFAULTS, **options, **UNTRAINED.get(method, {})}
    images = images_learned(project, stage, told)
    if method in FROM_FEATURES:
        return _from_features(images, told, device)
    steps = steps_of(images, told)
    if not steps:
        return None
    asked = str(told["device"])
    like = next((run for run in runs if is_alike(run, stage, method, told)), None)
    if like is not None:
        pace = like.seconds / like.done / pixels_of({**DEFAULTS, **flat(like.config), **UNTRAINED.get(method, {})})
        return Estimate(steps, steps * pixels_of(told) * pace, said(asked, device), f"the run of {like.clock}")
    return Estimate(steps, steps * pixels_of(told) * rough_pace(method, told, device), said(asked, device))


def estimate_start(
    project: Project, options: Mapping[str, Any], runs: Sequence[RunInfo], device: str = ""
) -> Estimate | None:
    """Return what a recommended start would cost, its maps aside: SEAM, then LPCAM on it; see `estimate`."""
    parts = [estimate(project, "classifier", method, options, runs, device) for method in ("seam", "lpcam")]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    measured = known[0].measured if all(part.measured for part in known) else ""
    return Estimate(sum(part.steps for part in known), sum(part.seconds for part in known), known[0].device, measured)


def _from_features(images: int, options: Mapping[str, Any], device: str) -> Estimate | None:
    """Return the most a fit on kept features costs: the trunk passes once, without a way back, over all images."""
    if not images:
        return None
    fits = 1 + int(options.get("pseudo_rounds", 0)) + int(options.get("compare_folds", 0))
    steps = fits * (int(options["iterations"]) or FIT_STEPS)
    seconds = images * FEATURE_PIXELS * rough_pace("", options, device) / 3 + steps / FIT_STEPS * FIT_SECONDS
    return Estimate(steps, seconds, said(str(options["device"]), device))


def images_learned(project: Project, stage: str, options: Mapping[str, Any]) -> int:
    """Return how many images one epoch sees; held-out and excluded ones never train."""
    catalog = project.catalog

    def count(*states: str) -> int:
        return sum(catalog.count(Criteria(states=states, split=split)) for split in ("train", ""))

    accepted, others = count("accepted"), count(*UNDECIDED, "flagged")
    if stage == "saliency":
        return accepted
    if stage == "segmentation":
        proposals = others if float(options["machine_weight"]) > 0 else 0
        return accepted * (int(options["person_repeats"]) if proposals else 1) + proposals
    return accepted + others


def steps_of(images: int, options: Mapping[str, Any]) -> int:
    """Return how many steps a run takes."""
    batches, fixed = math.ceil(images / max(1, int(options["batch_size"]))), int(options["iterations"])
    return sum(fixed or batches * epochs for epochs in trainings_of(options)) if images else 0


def trainings_of(options: Mapping[str, Any]) -> list[int]:
    """Return the epochs of every training a run consists of: SC-CAM trains in rounds, LDF in stages, others once."""
    epochs, stages = int(options["epochs"]), int(options.get("stages", 1))
    if stages > 1:
        return [int(options.get("first_epochs", 0)) or epochs] + [epochs] * (stages - 1)
    classes_only = 0 if options.get("start") == "clusters" else 1
    return [epochs] * (classes_only + int(options.get("rounds", 0)))


def pixels_of(options: Mapping[str, Any]) -> float:
    """Return the million input pixels of one step."""
    return float(options["batch_size"]) * float(options["crop"]) ** 2 / 1e6


def is_alike(run: RunInfo, stage: str, method: str, options: Mapping[str, Any]) -> bool:
    """Return True when a run's pace says something about this training: same stage, method, network and machine."""
    config = {**DEFAULTS, **flat(run.config)}
    hardware = run.config.get("hardware", {})
    same = all(config[name] == options[name] for name in ("trunk", "width", "output_stride"))
    here = run.platform in ("", platform.platform())
    device = hardware.get("device", "auto") == options["device"]
    measured = run.done >= FEWEST_STEPS and run.seconds > 0
    return run.stage == stage and run.config.get("method") == method and same and here and device and measured


def rough_pace(method: str, options: Mapping[str, Any], device: str) -> float:
    """Return seconds for a million input pixels by the table."""
    seconds = CPU_SECONDS.get(str(options["trunk"]).partition("_")[0], OTHER_TRUNK) * HEAVY.get(method, 1.0)
    seconds *= float(options["width"]) * math.pow(16 / float(options["output_stride"]), 1.5)
    return seconds / CUDA_SPEED if kind_of(str(options["device"]), device) in ("cuda", "mps") else seconds


def kind_of(asked: str, device: str) -> str:
    """Return ``cpu``, ``cuda`` or ``mps`` for what was asked for and what ``auto`` means here."""
    return (device if asked == "auto" else asked).casefold().partition(":")[0].partition(" ")[0]


def said(asked: str, device: str) -> str:
    """Return what a person calls the device, "" when it is not known."""
    return {"cpu": "CPU", "cuda": "GPU", "mps": "GPU"}.get(kind_of(asked, device), "")
