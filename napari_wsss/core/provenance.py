"""Which step, parameters, weights and parents made a result, and the short key under which it is stored."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

KEY_LENGTH = 12


@dataclass(frozen=True, eq=False)
class Provenance:
    """Everything that decides a result, except the image itself; equal where the keys are.

    Parameters
    ----------
    step : str
        ``<shelf>.<method>``, for example ``localize.cam``.
    parameters : mapping
        Plain JSON types, as `parameters.to_dict` returns.
    weights : str
        Content hash of the weights used, "" when the step has none.
    parents : tuple of Provenance
        What it was computed from; their keys enter this key.
    """

    step: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    weights: str = ""
    parents: tuple[Provenance, ...] = ()

    @cached_property
    def key(self) -> str:
        """12 hexadecimal digits; equal exactly when everything that decides the result is equal."""
        text = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:KEY_LENGTH]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types, parents included."""
        return {
            "step": self.step,
            "parameters": dict(self.parameters),
            "weights": self.weights,
            "parents": [parent.to_dict() for parent in self.parents],
        }

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Provenance) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Provenance:
        """Return the provenance written by `to_dict`."""
        parents = tuple(cls.from_dict(parent) for parent in record.get("parents", ()))
        return cls(record["step"], dict(record.get("parameters", {})), record.get("weights", ""), parents)
