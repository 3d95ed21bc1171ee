"""The plan of a run that computes maps or masks: the project's, changed by a configuration and what was typed."""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from napari_wsss.core.errors import ParameterError
from napari_wsss.core.inference import Inference
from napari_wsss.core.parameters import from_dict, typed_options
from napari_wsss.core.plan import Plan, Step
from napari_wsss.core.registry import load_method
from napari_wsss.pipeline.chain import applied_source
from napari_wsss.processes.option_files import read_mapping
from napari_wsss.project.project import Project
from training.report import Reporter


def plan_for(
    project: Project,
    options: argparse.Namespace,
    changed: Callable[[Plan, argparse.Namespace], Plan],
    report: Reporter,
) -> Plan:
    """Return the plan of this run, which with `--apply` becomes the project's."""
    plan = changed(_plan_of(options, project.plan), options)
    if plan == project.plan:
        return plan
    if options.apply:
        with Project.open(options.project) as writable:
            writable.set_plan(plan)
    else:
        report.say("These options are this run's. The project, and what napari shows, have them with --apply.")
    return plan


def with_chain(plan: Plan, options: argparse.Namespace) -> Plan:
    """Return a plan with the chain, the parameters and the saliency folder that the options of ``refine`` choose."""
    return with_refiners(_plan_of(options, plan), options)


def _plan_of(options: argparse.Namespace, plan: Plan) -> Plan:
    if options.config is None:
        return plan
    try:
        content = read_mapping(options.config)
        record: Mapping[str, Any] = content["plan"]
        # Which model is applied is the project's own business.
        own = plan.to_dict()
        kept = {name: own.get(name) for name in ("localizer_checkpoint", "segmenter_checkpoint", "automatic")}
        return Plan.from_dict({**own, **record, **kept})
    except (OSError, ValueError, KeyError, TypeError) as reason:
        raise ParameterError(
            f"The configuration {options.config} holds no usable plan ({reason!r}); expected JSON with an entry 'plan'."
        ) from reason


def with_inference(plan: Plan, options: argparse.Namespace) -> Plan:
    """Return a plan with the inference that the options of ``localize`` choose.

    Raises
    ------
    ParameterError
        For values out of bounds, and where a segmentation network is applied, which has no activation maps.
    """
    typed = _plain(Inference, options)
    if not typed:
        return plan
    if applied_source(plan) == "segment":
        raise ParameterError(
            f"{', '.join(typed)} belong to activation maps, but a segmentation network is applied to this project. "
            "Apply a classifier, or leave these options out."
        )
    from_dict(Inference, {**plan.localizer.parameters, **typed})
    return replace(plan, localizer=plan.localizer.with_parameters(typed))


def with_refiners(plan: Plan, options: argparse.Namespace) -> Plan:
    """Return a plan with the chain that the options of ``refine`` choose, whatever a configuration says.

    Raises
    ------
    ParameterError, StepError
        For values out of bounds, or a step that is none.
    """
    kept = {step.method: step for step in plan.refiners}
    chain = options.refiners or list(kept)
    steps = [kept.get(method, Step(method)) for method in chain]
    changed = []
    for step in steps:
        cls = load_method("refine", step.method).Parameters
        values = {**step.parameters, **_plain(cls, options, f"{step.method}_")}
        from_dict(cls, values)
        changed.append(Step(step.method, values))
    folder = str(options.saliency.resolve()) if options.saliency else plan.saliency_folder
    return replace(plan, refiners=tuple(changed), saliency_folder=folder)


def _plain(cls: type[Any], options: argparse.Namespace, prefix: str = "") -> dict[str, Any]:
    """Return what was typed as a plan keeps it (lists, no tuples)."""
    found = typed_options(cls, options, prefix=prefix)
    return {name: list(value) if isinstance(value, tuple) else value for name, value in found.items()}
