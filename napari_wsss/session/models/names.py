"""What a person calls a model: the title of its method, with what tells it from others of the same method."""

import time
from pathlib import PurePosixPath

from napari_wsss.core.plan import Plan
from napari_wsss.core.registry import method_title
from napari_wsss.pipeline.apply import CHECKPOINTS, LEARNER, ModelChange, base_field
from napari_wsss.pipeline.lineage import method_of


def model_title(plan: Plan, since: float = 0.0, field: str = "") -> str:
    """Return how a plan's model is called: ``SEAM``, ``SEAM since 30 Nov 17:55``, ``Pixel classifier, lesson 7``.

    Parameters
    ----------
    plan : Plan
    since : float
        When it was applied, in seconds since 1970; 0 where that says nothing.
    field : str
        One of `CHECKPOINTS`; the one its base maps come from without it.
    """
    field = field or base_field(plan)
    checkpoint = PurePosixPath(getattr(plan, field))
    if not checkpoint.name:
        return "no model"
    title = method_title(CHECKPOINTS[field], method_of(plan, CHECKPOINTS[field]))
    if checkpoint.parent.name == LEARNER and checkpoint.stem.isdecimal():
        return f"{title}, lesson {int(checkpoint.stem)}"
    return f"{title} since {_clock(since)}" if since else title


def titles_apart(move: ModelChange) -> tuple[str, str]:
    """Return how the models before and after a change are called, by its time where both are of one method."""
    before, after = model_title(move.before), model_title(move.after)
    if before != after:
        return before, after
    return f"{before} before {_clock(move.time)}", f"{after} since {_clock(move.time)}"


def _clock(when: float) -> str:
    return time.strftime("%d %b %H:%M", time.localtime(when))
