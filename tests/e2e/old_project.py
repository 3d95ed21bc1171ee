"""What a person finds in a project: read from its folder, then by walking through it in a session, as plain JSON."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.plan import Step
from napari_wsss.project.project import Project
from napari_wsss.project.sourced_masks import SourcedMask
from tests.session.conftest import Sitting

DRAWN_AT_ONCE = (Step("class_gain", {"gains": {"2": 1.4}}), Step("power_background", {"background_power": 3.0}))
"""Refiners whose proposals are drawn while a slider moves, not stored."""
ADDED_SINCE = ("doubtful", "negative", "painted", "mismatch", "unknown", "clusters", "file_mtime", "file_size")
"""Facts of an image that projects of that time did not know."""


def digest(values: NDArray[Any] | None) -> str:
    """Return the SHA-256 of an array's shape, type and values, "" for none."""
    if values is None:
        return ""
    head = f"{values.shape} {values.dtype.str} "
    return hashlib.sha256(head.encode() + np.ascontiguousarray(values).tobytes()).hexdigest()


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file, "" for one that is missing."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def on_disk(folder: Path) -> dict[str, Any]:
    """Return what the folder of a project tells, brought up to date and opened read-only: nothing is computed."""
    with Project.open_to_read(folder) as project:
        entries = [entry for entry in reversed(project.journal.recent(1000)) if entry.kind != "stroke"]
        return {
            "classes": list(project.classes.names),
            "plan": project.plan.to_dict(),
            "records": {record.id: _record(asdict(record)) for record in project.catalog.records()},
            "clusters": {
                name: list(project.catalog.clusters.members(name)) for name in project.catalog.clusters.names()
            },
            "journal": [[e.number, e.image_id, e.kind, e.before, e.after, e.undone] for e in entries],
            "strokes": {image_id: project.journal.last_stroke(image_id) for image_id in project.catalog.ids()},
            "accepted files": {one: file_digest(project.masks.accepted_path(one)) for one in project.catalog.ids()},
            "accepted": {one: _mask(project.masks.accepted(one)) for one in project.catalog.ids()},
            "working": {one: _mask(project.masks.working(one)) for one in project.catalog.ids()},
        }


def _record(record: dict[str, Any]) -> dict[str, Any]:
    known = {name: value for name, value in record.items() if name not in ADDED_SINCE}
    return {**known, "labels": sorted(record["labels"])}


def _mask(found: SourcedMask | None) -> dict[str, Any] | None:
    if found is None:
        return None
    table = [asdict(source) for source in found.sources.table]
    return {"values": digest(found.values), "sources": digest(found.sources.values), "table": table}


def walked_through(sitting: Sitting) -> dict[str, Any]:
    """Return what the session shows of its open project: first what came up by itself, then image by image.

    At last come the results that are stored then: what was missing was computed, and under which keys.
    """
    session = sitting.session
    assert session.project is not None
    sitting.settle()
    found = {
        "first": session.table.image_id,
        "models": [[one.shelf, one.method, one.name, one.missing] for one in session.models.history()],
        "images": {image_id: _shown(sitting, image_id) for image_id in session.project.catalog.ids()},
    }
    return {**found, "results": stored(session.project.results_folder)}


def stored(results: Path) -> list[str]:
    """Return which results are stored: their folders are named by what they were made with."""
    return sorted(path.relative_to(results).as_posix() for path in results.rglob("*") if path.is_file())


def _shown(sitting: Sitting, image_id: str) -> dict[str, Any]:
    session = sitting.session
    assert session.navigation.go_to(image_id), sitting.failures
    sitting.settle()
    return {
        "proposal": digest(session.table.proposal),
        "maps": digest(session.table.maps.scores if session.table.maps else None),
        "threshold": round(session.sliders.threshold, 6),
        "gains": session.sliders.gains,
        "mask": digest(session.table.mask),
        "scribbles": digest(session.scribbles.values),
        "steps": [step.to_dict() for step in session.table.shown.steps],
    }


def proposals(sitting: Sitting) -> dict[str, str]:
    """Return the proposal of every image."""
    assert sitting.session.project is not None
    return {one: _shown(sitting, one)["proposal"] for one in sitting.session.project.catalog.ids()}


def taken_back(sitting: Sitting) -> list[list[str]]:
    """Take back one decision after the other; return each image, its state then, its mask and its scribbles."""
    session, steps = sitting.session, []
    assert session.project is not None
    while session.decisions.undo():
        shown = str(session.table.image_id)
        state = session.project.catalog.state(shown)
        steps.append([shown, state, digest(session.table.mask), digest(session.scribbles.values)])
    return steps


def parameters_taken_back(sitting: Sitting) -> list[dict[str, Any]]:
    """Take back one change of parameters or refiners after the other; return the plan after each."""
    plans = []
    while sitting.session.parameters.undo():
        sitting.settle()
        plans.append(sitting.session.table.plan.to_dict())
    return plans


def everything(folder: Path, copies: Iterable[Path], sittings: Any) -> dict[str, Any]:
    """Return all of the above, each from a copy of its own.

    Parameters
    ----------
    folder : Path
        The project.
    copies : iterator of Path
        Closed copies of it.
    sittings : callable
        Opens a project in a new session.
    """
    copies = iter(copies)
    found = {"on disk": on_disk(folder), "walked through": walked_through(sittings(next(copies)))}
    drawn = sittings(next(copies))
    drawn.session.parameters.set_refiners(DRAWN_AT_ONCE)
    return {
        **found,
        "drawn at once": proposals(drawn),
        "taken back": taken_back(sittings(next(copies))),
        "parameters taken back": parameters_taken_back(sittings(next(copies))),
    }
