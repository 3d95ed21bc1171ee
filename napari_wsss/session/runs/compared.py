"""Several runs side by side: what they were told differently, how they ended, and their curves in one plot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from napari_wsss.session.runs.folders import RunInfo

UNTOLD = "–"
DIFFERENT_BY_NATURE = ("hardware",)
"""Sections that do not change what is learned."""


@dataclass(frozen=True)
class RunTable:
    """What differs between runs.

    Parameters
    ----------
    names : tuple of str
        The runs, one column each.
    rows : tuple of (str, tuple of str)
        First the scores, then the parameters that are not the same in all.
    best : tuple of (int or None)
        For each row the column of the best score, None in rows of parameters.
    """

    names: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    best: tuple[int | None, ...]


def compare(runs: Sequence[RunInfo]) -> RunTable:
    """Return the table of final scores and differing parameters of runs."""
    scores = _union([run.figures for run in runs])
    rows: list[tuple[str, tuple[str, ...]]] = []
    best: list[int | None] = []
    for name in scores:
        values = [run.figures.get(name) for run in runs]
        rows.append((name.replace("_", " "), tuple(UNTOLD if v is None else f"{v:.3f}" for v in values)))
        known = [v for v in values if v is not None]
        best.append(values.index(max(known)) if len(known) > 1 and len(set(known)) > 1 else None)
    facts = [
        {"stage": run.stage, **flat(run.config), "steps": run.done, "minutes": round(run.seconds / 60)} for run in runs
    ]
    for name in _union(facts):
        told = tuple(_text(fact.get(name)) for fact in facts)
        if len(set(told)) > 1:
            rows.append((name.replace("_", " "), told))
            best.append(None)
    return RunTable(tuple(run.folder.name for run in runs), tuple(rows), tuple(best))


def curves(runs: Sequence[RunInfo], only: Sequence[str] = ()) -> list[tuple[float, dict[str, float]]]:
    """Return the reports of runs as one history; a figure is named after its run, ``ab12cd loss``.

    Parameters
    ----------
    runs : sequence of RunInfo
    only : sequence of str
        Figures to keep; without any, the whole loss and the first score that the runs have in common.
    """
    histories = [run.history() for run in runs]
    kept = set(only) or _in_common(histories)
    names = short_names([run.folder.name for run in runs])
    found = [
        (
            float(event.done),
            {f"{short} {name}": value for name, value in event.metrics.items() if name in kept},
        )
        for short, history in zip(names, histories, strict=True)
        for event in history
    ]
    return sorted(((step, figures) for step, figures in found if figures), key=lambda entry: entry[0])


def flat(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a configuration without their sections (of equal names the first counts)."""
    found: dict[str, Any] = {}
    for name, value in config.items():
        if name in DIFFERENT_BY_NATURE:
            continue
        for key, inner in value.items() if isinstance(value, Mapping) else [(name, value)]:
            found.setdefault(key, inner)
    return found


def short_names(names: Sequence[str]) -> list[str]:
    """Return run folders' names short enough for a legend, ``classifier-ab12cd34ef56-2`` as ``ab12cd-2``."""
    parts = [name.split("-") for name in names]
    short = ["-".join([part[1][:6], *part[2:]]) if len(part) > 1 else part[0] for part in parts]
    return short if len(set(short)) == len(short) else list(names)


def _in_common(histories: Sequence[Sequence[Any]]) -> set[str]:
    """Return the whole loss, and the first score (noted without a loss: the one that decides) that all runs have."""
    scores = [_union([event.metrics for event in history if "loss" not in event.metrics]) for history in histories]
    shared = [name for name in (scores[0] if scores else ()) if all(name in others for others in scores)]
    return {"loss", *shared[:1]}


def _union(mappings: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for mapping in mappings for name in mapping))


def _text(value: Any) -> str:
    if value is None:
        return UNTOLD
    return f"{value:g}" if isinstance(value, float) else str(value)
