"""What computes: the stages of ``python -m training.run`` under the names that are typed here."""

from collections.abc import Sequence

from napari_wsss.commands.base import Forwarded
from napari_wsss.processes.stage_list import OTHER_STAGES, TRAINED

FIRST = "start"
"""What `train` trains where nothing is named: the recommended start, as the window offers it."""


def _trained(words: Sequence[str]) -> list[str]:
    named = bool(words) and not words[0].startswith("-")
    return [*([] if named else [FIRST]), *words]


def _stage(name: str) -> Forwarded:
    return Forwarded(name, OTHER_STAGES[name][1], lambda words: [name, *words])


TRAIN = Forwarded(
    "train",
    f"train what is named ({', '.join(TRAINED)}), or {FIRST}: {OTHER_STAGES[FIRST][1]}",
    _trained,
    (*TRAINED, FIRST),
)
STAGES = tuple(_stage(name) for name in OTHER_STAGES if name != FIRST)
