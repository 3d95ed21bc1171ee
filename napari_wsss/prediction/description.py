"""What an exported network says of itself, inside its file: how a picture becomes its input, what its results mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from napari_wsss.core.classes import BACKGROUND, IGNORE, ClassList
from napari_wsss.core.errors import LabelError, WeightsError
from napari_wsss.weights.normalisation import Normalisation

KEY = "napari-wsss"
"""Name of the entry of an ONNX file's metadata, and of the file in a TorchScript archive, that holds it as JSON."""
LAYOUT = 1
_LARGEST = 16.0  # factor on a picture's sides
_STRIDES = (1, 2, 4, 8, 16, 32)
INPUT, LABELS = "images", "labels"
OUTPUTS = {"segment": ("probabilities",), "localize": ("maps", "logits")}
Kind = Literal["segment", "localize"]


@dataclass(frozen=True)
class Description:
    """An exported network.

    Its inputs are ``images`` (B,H,W,3) uint8 RGB and ``labels`` (B,C) bool; the graph normalises. A segmenter gives
    ``probabilities`` (B,C+1,H,W), background first. A localizer gives ``maps`` (B,C,h,w) >= 0 with
    h = ceil(H / stride), each class to be divided by its maximum, and image-level ``logits`` (B,C).

    Parameters
    ----------
    kind : 'segment' or 'localize'
        The shelf it stands on.
    method, trunk : str
        Which method on which feature extractor.
    classes : ClassList
        Foreground classes in the order of its outputs.
    known : tuple of bool
        Which classes it answers for where no labels are given.
    normalisation : Normalisation
        What the graph does with pixels; its `size_rule` is left to who resizes.
    enlargement : float
        Factor on the size of every picture (segmenters).
    side : int
        Longer side in pixels that pictures had in training (localizers, `pixels.working_size`); 0 keeps their size.
    stride : int
        Input pixels per cell of its result; 1 for segmenters.
    aligned_corners, map_range : bool, str
        How maps are enlarged and brought to [0, 1] (localizers, as `Localizer` says).
    one_by_one : bool
        It takes one image at a time.
    facts : mapping
        Where it comes from, plain JSON types.
    """

    kind: Kind
    method: str
    trunk: str
    classes: ClassList
    known: tuple[bool, ...]
    normalisation: Normalisation
    enlargement: float
    side: int
    stride: int
    aligned_corners: bool
    map_range: str
    one_by_one: bool
    facts: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types, with the mask value of every class, for readers that are not ours."""
        values = {
            self.classes.name_of(value): value for value in (BACKGROUND, *range(1, len(self.classes) + 1), IGNORE)
        }
        return {
            **asdict(self),
            "layout": LAYOUT,
            "classes": list(self.classes.names),
            "values": values,
            "known": list(self.known),
            "normalisation": self.normalisation.to_dict(),
            "facts": dict(self.facts),
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Description:
        """Return the description written by `to_dict`; raise `WeightsError` where it is none that we know."""
        if record.get("layout") != LAYOUT or record.get("kind") not in OUTPUTS:
            raise WeightsError(
                f"This exported network describes itself as {record.get('kind')!r} of layout {record.get('layout')!r}; "
                f"expected one of {', '.join(OUTPUTS)} of layout {LAYOUT}. Export it again with this version."
            )
        try:
            own = {name: record[name] for name in cls.__dataclass_fields__}
            own |= {
                "classes": ClassList.stored(map(str, record["classes"])),
                "known": tuple(bool(one) for one in record["known"]),
                "normalisation": Normalisation.from_dict(record["normalisation"]),
                "enlargement": float(record["enlargement"]),
                "side": int(record["side"]),
                "stride": int(record["stride"]),
            }
            if not 0 < own["enlargement"] <= _LARGEST or own["stride"] not in _STRIDES or own["side"] < 0:
                raise ValueError("sizes that no network has")
            return cls(**own)
        except (KeyError, TypeError, ValueError, LabelError) as wrong:
            raise WeightsError(
                f"The description inside this exported network is damaged ({wrong!r}). Export it again."
            ) from wrong
