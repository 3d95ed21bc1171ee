"""Why this proposal: which model answers for the classes of an image, and how far it agreed with the person.

A pixel classifier notes in its ``run.json`` (a learner beside the window: beside each state) how far it agreed with
what the person gave about images that were left out, and on which classes the maps it would replace were better there;
these classes keep the maps. How much the maps count beside it in all others is noted, too.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from napari_wsss.core.files import number, numbers, read_object, texts
from napari_wsss.core.inside import below
from napari_wsss.core.plan import Plan
from napari_wsss.core.registry import method_title
from napari_wsss.pipeline.apply import LEARNER, model_name
from napari_wsss.pipeline.chain import applied_source
from napari_wsss.pipeline.lineage import asks_localizer, method_of
from napari_wsss.project.project import Project


def why_proposal(project: Project, plan: Plan, labels: Iterable[str]) -> str:
    """Return why an image with these labels has its proposal, "" where its model compared itself with nothing.

    ``Pixel classifier of segmentation-ab12, 61 % in agreement with you on 25 images left out; cat by the maps of
    classifier-cd34, better there``.
    """
    source = applied_source(plan)
    if not asks_localizer(plan, source):
        return ""
    record = run_record(below(project.folder, plan.segmenter_checkpoint))
    agreement, left = numbers(record, "agreement"), set(texts(record, "left_to_maps"))
    if not {"learner", "images"} <= set(agreement):
        return ""
    method, share = method_title(source, method_of(plan, source)), number(record, "map_share")
    who = f"{method} of {model_name(plan.segmenter_checkpoint)}"
    agrees = f"{100 * agreement['learner']:.0f} % in agreement with you on {agreement['images']:.0f} images left out"
    maps_of = f"maps of {model_name(plan.localizer_checkpoint)}"
    beside = f"; the {maps_of} count {100 * share:.0f} % beside it" if share else ""
    by_maps = ", ".join(sorted(left & set(labels)))
    maps = f"; {by_maps} by the {maps_of}, better there" if by_maps else ""
    return f"{who}, {agrees}{beside}{maps}"


def run_record(checkpoint: Path) -> Mapping[str, Any]:
    """Return what is noted beside a checkpoint, read again only when it changed; empty where there is nothing."""
    path = checkpoint.with_suffix(".json") if checkpoint.parent.name == LEARNER else checkpoint.with_name("run.json")
    try:
        return _read(path, path.stat().st_mtime_ns)
    except (OSError, ValueError):
        return {}


@lru_cache(maxsize=4)
def _read(path: Path, changed: int) -> Mapping[str, Any]:
    return read_object(path)
