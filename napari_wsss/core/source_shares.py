"""How much of a mask is whose: a person's, machines', nobody's; for statistics and exports."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_wsss.core.sources import NOTHING, PERSON, Source, Sources
from napari_wsss.project.project import Project


@dataclass(frozen=True)
class SourceShares:
    """Shares of the pixels of one mask, each in [0, 1]; person, machine and nobody add up to 1.

    Parameters
    ----------
    person : float
        Drawn by a person.
    machine : float
        Filled by a machine step, accepted or not.
    nobody : float
        Background that nobody drew.
    of_objects : float
        Share of the object pixels (neither background nor ignore) that a person drew; 1 without any.
    by_source : tuple of (Source, float)
        The machine sources that occur, the largest first; what the table had no room for is left out.
    """

    person: float
    machine: float
    nobody: float
    of_objects: float
    by_source: tuple[tuple[Source, float], ...]


def source_shares(project: Project, image_id: str, accepted: bool = True) -> SourceShares | None:
    """Return whose an image's accepted mask is (or its working mask); None when there is none.

    Raises
    ------
    ProjectError
        When the mask is damaged or the image is unknown.
    """
    found = project.read_sourced(image_id, accepted)
    if found is None:
        return None
    objects = (found.values > 0) & (found.values < 255)
    drawn = float(found.sources.person[objects].mean()) if objects.any() else 1.0
    return shares_of(found.sources, drawn)


def shares_of(sources: Sources, of_objects: float = 1.0) -> SourceShares:
    """Return the shares of sources (H, W)."""
    shares = sources.shares()
    person, nobody = shares.get(PERSON, 0.0), shares.get(NOTHING, 0.0)
    named = [(source, share) for value, share in shares.items() if (source := sources.source_of(value)) is not None]
    return SourceShares(person, float(np.clip(1 - person - nobody, 0, 1)), nobody, of_objects, tuple(named))
