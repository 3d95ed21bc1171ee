"""The chains of refiners that a project has while nobody chose others: behind activation maps, and behind a learner."""

from __future__ import annotations

from dataclasses import replace

from napari_wsss.core.errors import StepError
from napari_wsss.core.plan import Plan, Step
from napari_wsss.pipeline.chain import build_refiner

LEARNER_CRF = Step("dense_crf", {"preset": "probabilities", "shrink": 0})
"""On probabilities that come from a grid of stride 8; what shrinking costs stands in docs/benchmarks.md."""


def recommended_chain() -> tuple[Step, ...]:
    """Return the automatic background, then a dense CRF where one is installed."""
    background, crf = Step("power_background"), Step("dense_crf")
    return (background,) if missing_of_chain() else (background, crf)


def missing_of_chain() -> str:
    """Return why the recommended chain has no dense CRF here and what comes nearest, "" where it has one."""
    try:
        build_refiner(Step("dense_crf"))
    except StepError as missing:
        return str(missing)
    return ""


def learner_chain() -> tuple[Step, ...]:
    """Return the chain that suits a learner's probabilities: the same, with the CRF that was tuned on them."""
    return tuple(LEARNER_CRF if step.method == "dense_crf" else step for step in recommended_chain())


def is_own_chain(plan: Plan) -> bool:
    """Return True when a person has chosen refiners or their parameters: they are neither a new project's nor ours."""
    return plan.refiners not in (Plan().refiners, recommended_chain(), learner_chain())


def plan_of_maps(plan: Plan) -> Plan:
    """Return the plan under which the applied localizer's maps propose by themselves, by the recommended chain.

    What a person chose for refiners is left out: it comes behind the answer that these proposals are a part of.
    """
    return replace(plan, segmenter_checkpoint="", refiners=recommended_chain(), overrides={})
