"""Where the shown proposal comes from, as the source of the pixels that are copied from it."""

from __future__ import annotations

import time
from typing import Any

from napari_wsss.core.errors import WsssError
from napari_wsss.core.plan import Plan
from napari_wsss.core.sources import Source
from napari_wsss.pipeline.lineage import Lineage, applied_source, method_of, steps_for
from napari_wsss.project.project import Project
from napari_wsss.session.results.live import background_step, parameters_at
from napari_wsss.session.table.canvas import Machine, threshold_in


def proposal_source(project: Project, image_id: str, machine: Machine | None = None) -> Source:
    """Return the source of an image's proposal: its model, its refiners, its threshold and its key.

    Parameters
    ----------
    project : Project
    image_id : str
    machine : Machine, optional
        What is shown of it, which may be older than the plan or drawn at another threshold; by default what is stored
        under the project's plan.
    """
    plan = project.plan if machine is None or machine.plan is None else machine.plan
    if machine is not None:
        plan = _at_threshold(plan, project, image_id, machine.threshold)
    borrowed = project.catalog.get(image_id).borrowed_from
    if machine is not None and (machine.borrowed is None or machine.proposal is not machine.borrowed):
        borrowed = ""
    return Source(
        "borrowed" if borrowed else "proposal",
        key=_key(project, image_id, plan),
        method=method_of(plan, applied_source(plan)),
        checkpoint=plan.segmenter_checkpoint or plan.localizer_checkpoint,
        parameters=_parameters(plan, project, image_id),
        from_image=borrowed,
        time=round(time.time()),
    )


def _parameters(plan: Plan, project: Project, image_id: str) -> dict[str, Any]:
    steps = steps_for(project, image_id, plan)
    refiners = {step.method: dict(step.parameters) for step in steps}
    return {"refiners": refiners, **({"threshold": threshold_in(steps)} if background_step(steps) else {})}


def _at_threshold(plan: Plan, project: Project, image_id: str, threshold: float) -> Plan:
    """Return the plan with this image's background step at the threshold of the slider."""
    steps = steps_for(project, image_id, plan)
    step = background_step(steps)
    if step is None or abs(threshold_in(steps) - threshold) < 1e-9:
        return plan
    return plan.with_override(f"image:{image_id}", step.method, parameters_at(step.method, threshold))


def _key(project: Project, image_id: str, plan: Plan) -> str:
    try:
        return Lineage.of(project, image_id, plan=plan).result.key
    except (WsssError, OSError):  # its model or a method of it is gone; the names say enough
        return ""
