"""The models a recommended start offers one after the other, and putting one to use with the chain that suits it.

An offer is one change of the plan: the localizer and the refiners behind it. Who carries it out is the run where
nothing holds the project, else the window that does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from napari_wsss.core.background import AutomaticBackground, equivalent_threshold
from napari_wsss.core.plan import Plan, Step
from napari_wsss.pipeline.apply import apply, model_changes
from napari_wsss.pipeline.background import declared_background
from napari_wsss.pipeline.learner.chains import is_own_chain, recommended_chain
from napari_wsss.pipeline.lineage import has_model
from napari_wsss.project.project import Project

FIRST_POWER = 4.0
"""Background power that suits the maps of a training that has just begun (docs/benchmarks.md)."""
_ALL = 1_000_000


@dataclass(frozen=True)
class Offer:
    """A model that is ready to be used.

    Parameters
    ----------
    title : str
        What a person calls it.
    method : str
        Of the ``localize`` shelf.
    checkpoint : str
        Its file, relative to the project's folder.
    is_first : bool
        It is only there to show something soon: taken where the project has no model yet.
    time : float
        When it was made, seconds since 1970 (UTC).
    """

    title: str
    method: str
    checkpoint: str
    is_first: bool = False
    time: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return dict(vars(self))

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Offer:
        """Return the offer written by `to_dict`; raise `KeyError` where an entry is missing."""
        is_first, time = bool(record.get("is_first", False)), float(record.get("time", 0.0))
        return cls(str(record["title"]), str(record["method"]), str(record["checkpoint"]), is_first, time)


def background_for(offer: Offer) -> AutomaticBackground:
    """Return the background strength an offer begins with: what its method declares, less of it after two minutes."""
    first = AutomaticBackground(round(equivalent_threshold(FIRST_POWER), 3))
    return first if offer.is_first else declared_background(offer.method)


def chain_for(offer: Offer) -> tuple[Step, ...]:
    """Return the recommended chain with an offer's background strength as its parameter."""
    return Plan(refiners=recommended_chain(), automatic=background_for(offer)).steps


def is_wanted(project: Project, offer: Offer) -> bool:
    """Return True when an offer was not taken since it was made, and is no first one where a model is in use.

    Whoever hears of it again leaves a project alone that went back to another model.
    """
    if offer.is_first and has_model(project.plan):
        return False
    since = [change for change in model_changes(project, _ALL) if change.time >= offer.time]
    return all(change.after.localizer_checkpoint != offer.checkpoint for change in since)


def take(project: Project, offer: Offer) -> bool:
    """Let a project use an offered model, and the chain that suits it unless a person has chosen one.

    Returns
    -------
    bool
        True when the project's proposals depend on it.

    Raises
    ------
    ProjectError
        When the project is open read-only.
    """
    refiners = None if is_own_chain(project.plan) else recommended_chain()
    return apply(project, "localize", offer.method, project.folder / offer.checkpoint, refiners, background_for(offer))
