"""EfficientNets of EfficientNet-PyTorch (Melas-Kyriazi, 2019) and its lite version, under the names they have in timm.

There blocks are counted through, and those without an expansion name what is left of them from zero on.
"""

import re
from collections.abc import Iterable, Mapping

from torch import Tensor

_TELL_TALE = "_conv_stem.weight"
_BLOCK = re.compile(r"_blocks\.(\d+)\._(\w+?)\.(.*)")
_PLACE = re.compile(r"blocks\.(\d+)\.(\d+)\.")
_AROUND = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier"}
_SQUEEZE = {"se_reduce": "se.conv_reduce", "se_expand": "se.conv_expand"}
_WHOLE = {
    **{"expand_conv": "conv_pw", "bn0": "bn1", "depthwise_conv": "conv_dw", "bn1": "bn2"},
    **{"project_conv": "conv_pwl", "bn2": "bn3", **_SQUEEZE},
}
_SEPARABLE = {"depthwise_conv": "conv_dw", "bn1": "bn1", "project_conv": "conv_pw", "bn2": "bn2", **_SQUEEZE}


def in_timms_names(state: Mapping[str, Tensor], names: Iterable[str]) -> dict[str, Tensor]:
    """Return a state dict under timm's names where it is of that origin, else as it is.

    Parameters
    ----------
    state : mapping of str to Tensor
    names : iterable of str
        Those of the network in timm, which say how its blocks are grouped.
    """
    if _TELL_TALE not in state:
        return dict(state)
    known = set(names)
    found = {(int(match[1]), int(match[2])) for name in known if (match := _PLACE.match(name))}
    places = [f"blocks.{stage}.{block}" for stage, block in sorted(found)]
    return {_renamed(key, places, known): value for key, value in state.items()}


def _renamed(key: str, places: list[str], known: set[str]) -> str:
    match = _BLOCK.fullmatch(key)
    if match is None:
        part, _, rest = key.partition(".")
        return f"{_AROUND.get(part, part)}.{rest}"
    if int(match[1]) >= len(places):
        return key
    place = places[int(match[1])]
    parts = _WHOLE if f"{place}.conv_pwl.weight" in known else _SEPARABLE
    return f"{place}.{parts.get(match[2], match[2])}.{match[3]}"
