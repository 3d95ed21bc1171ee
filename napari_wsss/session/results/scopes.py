"""Which scope decides each parameter of a refiner: this image, a cluster of it, a class, the project, or nobody."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from napari_wsss.core.inference import Inference, SegmentInference
from napari_wsss.core.plan import Plan, scopes_of
from napari_wsss.core.registry import Shelf, load_method

PROJECT, AUTOMATIC, DEFAULT = "project", "automatic", "default"
Layers = Sequence[tuple[str, Mapping[str, Any]]]
"""What each scope says about a refiner, the most specific scope first."""
_INFERENCE: Mapping[str, type[Any]] = {"localize": Inference, "segment": SegmentInference}


@dataclass(frozen=True)
class Reason:
    """Why a parameter has its value.

    Parameters
    ----------
    name : str
        The parameter.
    value : object
        What is used.
    scope : str
        Who decides: ``image:<id>``, ``cluster:<name>``, ``class:<name>``, ``project``, ``automatic`` (estimated) or
        ``default``.
    """

    name: str
    value: Any
    scope: str

    @property
    def place(self) -> str:
        """Who decides, in a person's words: ``this image``, ``cluster cat 3``, ``class cat``, ``automatic``."""
        kind, _, name = self.scope.partition(":")
        return {"image": "this image", PROJECT: "the project"}.get(kind) or f"{kind} {name}".strip()

    @property
    def is_chosen(self) -> bool:
        """True when a person decided, so that it can be forgotten."""
        return self.scope not in (AUTOMATIC, DEFAULT)


def parameters_class(shelf: Shelf, method: str) -> type[Any]:
    """Return the class of the parameters that the plan holds for a method; none of these needs torch.

    Of localizers and segmenters the plan holds how they are run (their own parameters belong to training).
    """
    if shelf in _INFERENCE:
        return _INFERENCE[shelf]
    cls: type[Any] = load_method(shelf, method).Parameters
    return cls


def reasons(layers: Layers, method: str) -> tuple[Reason, ...]:
    """Return value and deciding scope of every parameter of a refiner; `layers` as `layers_of` gives."""
    defaults = parameters_class("refine", method)()
    return tuple(_reason(field.name, layers, getattr(defaults, field.name)) for field in fields(defaults))


def entry_reason(layers: Layers, name: str, entry: str, default: Any) -> Reason:
    """Return value and deciding scope of one entry of a parameter that is a mapping; `layers` as `layers_of` gives."""
    inner = [(scope, values.get(name, {})) for scope, values in layers]
    return _reason(entry, inner, default)


def layers_of(plan: Plan, method: str, image_id: str, labels: frozenset[str], clusters: Sequence[str] = ()) -> Layers:
    """Return what each scope says about a refiner of one image, the most specific scope first, automatic last."""
    project = next((step.parameters for step in plan.refiners if step.method == method), {})
    scopes = reversed(scopes_of(image_id, labels, clusters))
    chosen = [(scope, plan.overrides.get(scope, {}).get(method, {})) for scope in scopes]
    automatic = plan.automatic.parameters(method) if plan.automatic else {}
    return [*chosen, (PROJECT, project), (AUTOMATIC, automatic)]


def _reason(name: str, layers: Layers, default: Any) -> Reason:
    found = next(((scope, values[name]) for scope, values in layers if name in values), (DEFAULT, default))
    return Reason(name, found[1], found[0])
