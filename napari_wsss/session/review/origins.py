"""Where the shown proposal comes from, as the source of the pixels that are copied from it."""

import time
from typing import Any

from napari_wsss.core.background import parameters_at
from napari_wsss.core.errors import WsssError
from napari_wsss.core.sources import Source
from napari_wsss.pipeline.chain import applied_source
from napari_wsss.pipeline.lineage import Lineage, method_of
from napari_wsss.project.project import Project
from napari_wsss.session.results.live import background_step
from napari_wsss.session.results.machine import Machine
from napari_wsss.session.results.shown import Shown


def proposal_source(project: Project, shown: Shown, machine: Machine | None = None) -> Source:
    """Return the source of an image's proposal: its model, its refiners, its threshold and its key.

    Parameters
    ----------
    project : Project
    shown : Shown
        The image; its plan is the one that counts where the machine's results name none.
    machine : Machine, optional
        What is shown of it, which may be older than the plan or drawn at another threshold; by default what is stored.
    """
    if machine is not None:
        shown = _at_threshold(shown.under(machine.plan or shown.plan), machine.threshold)
    plan, borrowed = shown.plan, shown.record.borrowed_from
    if machine is not None and (machine.borrowed is None or machine.proposal is not machine.borrowed):
        borrowed = ""
    return Source(
        "borrowed" if borrowed else "proposal",
        key=_key(project, shown),
        method=method_of(plan, applied_source(plan)),
        checkpoint=plan.segmenter_checkpoint or plan.localizer_checkpoint,
        parameters=_parameters(shown),
        from_image=borrowed,
        time=round(time.time()),
    )


def _parameters(shown: Shown) -> dict[str, Any]:
    refiners = {step.method: dict(step.parameters) for step in shown.steps}
    return {"refiners": refiners, **({"threshold": shown.threshold} if background_step(shown.steps) else {})}


def _at_threshold(shown: Shown, threshold: float) -> Shown:
    """Return the snapshot with this image's background step at the threshold of the slider."""
    step = background_step(shown.steps)
    if step is None or abs(shown.threshold - threshold) < 1e-9:
        return shown
    parameters = parameters_at(step.method, threshold)
    return shown.under(shown.plan.with_override(f"image:{shown.record.id}", step.method, parameters))


def _key(project: Project, shown: Shown) -> str:
    try:
        return Lineage.of(project, shown.record.id, plan=shown.plan, record=shown.record).result.key
    except (WsssError, OSError):  # its model or a method of it is gone; the names say enough
        return ""
