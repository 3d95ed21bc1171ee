"""The plan of a project: one localizer, refiners in the user's order and one segmenter, with their parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from napari_wsss.core.background import AutomaticBackground

HELD_OUT = 0.2
"""Share of a new project's images for validation where no split is given."""
DEEP_PERCENTILES = (0.1, 99.9)
"""Percentiles of the pixels of a picture of more than 8 bits that become 0 and 255, where a project says nothing."""


@dataclass(frozen=True)
class Step:
    """A chosen method and the parameters that differ from its defaults (plain JSON types)."""

    method: str
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {"method": self.method, "parameters": dict(self.parameters)}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Step:
        """Return the step written by `to_dict`."""
        return cls(str(record["method"]), dict(record.get("parameters", {})))

    def with_parameters(self, values: Mapping[str, Any]) -> Step:
        """Return the step with `values` laid over its parameters (see `laid_over`)."""
        return replace(self, parameters=laid_over(self.parameters, values))


@dataclass(frozen=True)
class Plan:
    """How maps and pseudo masks of a project are made.

    Parameters
    ----------
    localizer : Step
        Method of the ``localize`` shelf; its parameters are those of inference.
    refiners : tuple of Step
        Methods of the ``refine`` shelf in the order they run; a background step is one of them.
    segmenter : Step, optional
        Method of the ``segment`` shelf; when its checkpoint is applied, proposals come from it.
    saliency, affinity : Step, optional
        Methods of the ``saliency`` and ``affinity`` shelves whose models refiners may ask.
    localizer_checkpoint, segmenter_checkpoint, saliency_checkpoint, affinity_checkpoint : str
        Paths relative to the project folder of the applied models, "" when none is applied.
    saliency_folder : str
        Folder of saliency maps made elsewhere, relative to the project folder or absolute; "" for none. It goes before
        an applied saliency model.
    companions : mapping of str to tuple of str
        Image id to the related images a person chose for it; images that are not named get theirs by a rule.
    overrides : mapping of str to mapping
        Parameter overrides by scope: ``"image:<id>"``, ``"cluster:<name>"``, ``"class:<name>"``; each maps a
        refiner's method name to parameters. The most specific scope wins: image, then cluster, then class
        (`scopes_of` has the order among several of a kind).
    automatic : AutomaticBackground, optional
        What counts for background steps where neither the step nor a scope says otherwise; their defaults without.
    every_pixel : bool
        Every pixel belongs to a labelled class: there is no background.
    """

    localizer: Step = field(default_factory=lambda: Step("cam"))
    refiners: tuple[Step, ...] = field(default_factory=lambda: (Step("power_background"),))
    segmenter: Step | None = None
    saliency: Step | None = None
    affinity: Step | None = None
    localizer_checkpoint: str = ""
    segmenter_checkpoint: str = ""
    saliency_checkpoint: str = ""
    affinity_checkpoint: str = ""
    saliency_folder: str = ""
    companions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    overrides: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    automatic: AutomaticBackground | None = None
    every_pixel: bool = False

    @property
    def steps(self) -> tuple[Step, ...]:
        """The project's refiners, what is automatic laid under their parameters."""
        if self.automatic is None:
            return self.refiners
        found = self.automatic.parameters
        return tuple(replace(step, parameters={**found(step.method), **step.parameters}) for step in self.refiners)

    def refiners_for(self, image_id: str, labels: frozenset[str], clusters: Sequence[str] = ()) -> tuple[Step, ...]:
        """Return the refiners of one image with its overrides laid over, least specific first."""
        steps = self.steps
        for scope in scopes_of(image_id, labels, clusters) if self.overrides else ():
            values = self.overrides.get(scope)
            if values:
                steps = tuple(step.with_parameters(values.get(step.method, {})) for step in steps)
        return steps

    @property
    def knows_clusters(self) -> bool:
        """True when a cluster has parameters of its own, so that an image's clusters matter."""
        return any(scope.startswith("cluster:") for scope in self.overrides)

    def with_override(self, scope: str, method: str, values: Mapping[str, Any]) -> Plan:
        """Return the plan in which `scope` also overrides `values` of the refiner `method`."""
        inner = self.overrides.get(scope, {})
        changed = {**inner, method: laid_over(inner.get(method, {}), values)}
        return replace(self, overrides={**self.overrides, scope: changed})

    def with_scopes_renamed(self, names: Mapping[str, str]) -> Plan:
        """Return the plan in which the overrides of each scope in `names` belong to the scope it stands for there."""
        if not names.keys() & self.overrides.keys():
            return self
        return replace(self, overrides={names.get(scope, scope): inner for scope, inner in self.overrides.items()})

    def with_class_renamed(self, old: str, new: str) -> Plan:
        """Return the plan after a class got another name; clusters that are called after it are renamed too."""
        names = {f"class:{old}": f"class:{new}"}
        for scope in self.overrides:
            kind, _, number = scope.rpartition(" ")
            if kind == f"cluster:{old}" and number.isdecimal():
                names[scope] = f"cluster:{new} {number}"
        return self.with_scopes_renamed(names)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        chosen = {name: getattr(self, name) for name in _OPTIONAL}
        return {
            "localizer": self.localizer.to_dict(),
            "refiners": [step.to_dict() for step in self.refiners],
            **{name: step.to_dict() if step else None for name, step in chosen.items()},
            **{name: getattr(self, name) for name in _PATHS},
            "companions": {image_id: list(chosen) for image_id, chosen in self.companions.items()},
            "overrides": {s: {m: dict(v) for m, v in inner.items()} for s, inner in self.overrides.items()},
            **({"automatic": self.automatic.to_dict()} if self.automatic else {}),
            **({"every_pixel": True} if self.every_pixel else {}),
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Plan:
        """Return the plan written by `to_dict`; missing entries get defaults."""
        default = cls()
        kept: dict[str, Any] = {name: Step.from_dict(record[name]) for name in _OPTIONAL if record.get(name)}
        kept |= {name: str(record.get(name, "")) for name in _PATHS}
        return cls(
            localizer=Step.from_dict(record["localizer"]) if "localizer" in record else default.localizer,
            refiners=tuple(Step.from_dict(r) for r in record["refiners"]) if "refiners" in record else default.refiners,
            **kept,
            companions={image_id: tuple(others) for image_id, others in record.get("companions", {}).items()},
            overrides=dict(record.get("overrides", {})),
            automatic=AutomaticBackground.from_dict(record["automatic"]) if record.get("automatic") else None,
            every_pixel=bool(record.get("every_pixel", False)),
        )


def scopes_of(image_id: str, labels: frozenset[str], clusters: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the scopes whose overrides count for an image, the least specific first: later ones win.

    Parameters
    ----------
    image_id : str
    labels : frozenset of str
        Its classes: taken by name, so that the last in the alphabet wins among them.
    clusters : sequence of str
        Its clusters, one per class at most, as the catalog gives them: in the order of the class list, the last wins.
    """
    kinds = (*(f"class:{name}" for name in sorted(labels)), *(f"cluster:{name}" for name in clusters))
    return (*kinds, f"image:{image_id}")


def laid_over(below: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters with `values` laid over; of a parameter that is a mapping, each entry by itself."""
    found = dict(below)
    for name, value in values.items():
        lower = found.get(name)
        found[name] = {**lower, **value} if isinstance(lower, Mapping) and isinstance(value, Mapping) else value
    return found


def changed_parts(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return two written plans without the scopes and companions that are equal in both.

    A project with thousands of tuned images would otherwise write them all down again at every change.
    """
    first, second = dict(before), dict(after)
    for part in ("overrides", "companions"):
        one, other = before.get(part, {}), after.get(part, {})
        moved = [key for key in {**one, **other} if one.get(key) != other.get(key)]
        first[part] = {key: one[key] for key in moved if key in one}
        second[part] = {key: other[key] for key in moved if key in other}
    return first, second


_OPTIONAL = ("segmenter", "saliency", "affinity")
_PATHS = (
    "localizer_checkpoint",
    "segmenter_checkpoint",
    "saliency_checkpoint",
    "affinity_checkpoint",
    "saliency_folder",
)
