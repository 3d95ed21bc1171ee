"""The search line of the review queue: ``state:flagged class:dog cluster:4 changed:>20% name`` as criteria.

Words without a key match file name or note. Everything said must hold together; of several states or clusters one
must. Shares are said as ``20%`` or ``0.2``.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from napari_wsss.core.errors import ParameterError
from napari_wsss.project.criteria import Criteria
from napari_wsss.project.states import STATES, UNDECIDED
from napari_wsss.session.typed_numbers import as_it_looks

FACTS = {
    "stale": "stale",
    "label-changed": "label_changed",
    "disagrees": "disagrees",
    "replaced": "replaced",
    "doubtful": "doubtful",
    "negative": "negative",
    "unlabelled": "unlabelled",
    "unknown": "unknown",
    "mismatch": "mismatch",
}
"""What ``is:`` may say -> the criterion; negative is *labelled, none*, unlabelled *not labelled yet*, unknown
*of some class it is not known whether it is there*, mismatch *the accepted mask paints other classes than the
labels*."""
SHARES = ("score", "changed", "edited")
SPLITS = ("train", "val", "none")
KEYS: Mapping[str, str] = {
    "state:": "review state: " + ", ".join(STATES) + ", undecided",
    "class:": "has this image-level label",
    "cluster:": 'is in this cluster: cluster:4, cluster:"cat 4"',
    "split:": "train, val or none",
    "is:": ", ".join(FACTS),
    "score>": "more uncertain than: score>0.5, score>50%",
    "changed>": "changed more than this by the last model: changed>20%",
    "edited>": "a person changed more than this of the proposal: edited>10%",
    "from:": "its proposal was taken over from this image; from:any",
    "name:": "in the file name or note (as words without a key)",
}
HELP = "\n".join(["Words of file name or note, and:", *(f"{key}…   {what}" for key, what in KEYS.items())])
_SHARE = re.compile(rf"({'|'.join(SHARES)})\s*:?\s*([<>]=?)\s*(.*)$")
_WORD = re.compile(r'(?:[^\s"]|"[^"]*"?)+')


def parse(text: str, class_names: Sequence[str], cluster_names: Sequence[str] = ()) -> Criteria:
    """Return the criteria of a search line; an empty line matches everything.

    Parameters
    ----------
    text : str
        Words separated by spaces; quotes keep a name with spaces together (``class:"traffic light"``).
    class_names : sequence of str
        The project's classes; ``class:`` ignores case.
    cluster_names : sequence of str
        The project's clusters; ``cluster:`` takes a name or a number of any class (``4`` for ``cat 4``).

    Raises
    ------
    ParameterError
        Naming the word that is not understood and what is possible.
    """
    reading = _Reading(class_names, cluster_names)
    for word in _WORD.findall(text):
        reading.understand(word.replace('"', ""))
    return reading.criteria()


def completions(text: str, class_names: Sequence[str], cluster_names: Sequence[str] = ()) -> list[str]:
    """Return what the last word of a search line may be meant to become, each a whole word of a search."""
    words = _WORD.findall(text)
    word = words[-1] if words and not text[-1:].isspace() else ""
    key, colon, begun = word.partition(":")
    known: Mapping[str, Sequence[str]] = {
        "state": (*STATES, "undecided"),
        "class": class_names,
        "cluster": cluster_names,
        "split": SPLITS,
        "is": tuple(FACTS),
        "from": ("any",),
    }
    if not colon:
        return [key for key in KEYS if word and key.startswith(word.casefold())]
    part = begun.replace('"', "").casefold()
    return [f"{key}:{_quoted(value)}" for value in known.get(key, ()) if part in value.casefold()]


def _quoted(value: str) -> str:
    return f'"{value}"' if " " in value else value


@dataclass
class _Reading:
    """What has been understood of a line so far."""

    class_names: Sequence[str]
    cluster_names: Sequence[str]
    found: dict[str, Any] = field(default_factory=lambda: {"states": [], "classes": [], "clusters": [], "text": []})

    def criteria(self) -> Criteria:
        values = {**self.found, "text": " ".join(self.found["text"]), "states": self.found["states"] or None}
        return Criteria(**values)

    def understand(self, word: str) -> None:
        readers: Mapping[str, Callable[[str], None]] = {
            "state": self._state,
            "class": lambda value: self.found["classes"].append(_one_of(value, self.class_names, "class")),
            "cluster": self._cluster,
            "split": self._split,
            "is": self._is,
            "from": self._from,
            "name": lambda value: self.found["text"].append(value),
        }
        key, colon, value = word.partition(":")
        if share := _SHARE.match(word):
            self._share(share[1], share[2], share[3], word)
        elif key in SHARES and colon:
            raise ParameterError(f"{word!r} needs < or >, for example {key}>20%.", name=key)
        elif colon and key in readers:
            readers[key](value)
        else:
            self.found["text"].append(word)

    def _share(self, name: str, comparison: str, text: str, word: str) -> None:
        bound = _share(text, word, name)
        if comparison.endswith("="):  # the bounds of `Criteria` are exclusive
            bound = math.nextafter(bound, -1 if comparison[0] == ">" else 2)
        self.found[f"{name}_{'above' if comparison[0] == '>' else 'below'}"] = bound

    def _state(self, value: str) -> None:
        if value.casefold() == "undecided":
            self.found["states"].extend(UNDECIDED)
        else:
            self.found["states"].append(_one_of(value, (*STATES, "undecided"), "state"))

    def _cluster(self, value: str) -> None:
        numbers = [name.rpartition(" ")[2] for name in self.cluster_names if " " in name]
        if value.casefold() not in (number.casefold() for number in numbers):
            _one_of(value, self.cluster_names, "cluster", "there are no clusters yet (Clusters: make them)")
        self.found["clusters"].append(value)

    def _split(self, value: str) -> None:
        chosen = _one_of(value, SPLITS, "split")
        self.found["split"] = "" if chosen == "none" else chosen

    def _is(self, value: str) -> None:
        self.found[FACTS[_one_of(value, tuple(FACTS), "is")]] = True

    def _from(self, value: str) -> None:
        self.found["borrowed_from"] = "" if value.casefold() == "any" else value


def _one_of(value: str, known: Sequence[str], key: str, none: str = "there are none") -> str:
    if value in known:  # before others that differ in letter case only, as NA and Na
        return value
    for name in known:
        if name.casefold() == value.casefold():
            return name
    possible = f"possible are: {', '.join(known)}" if known else none
    raise ParameterError(f"{key}:{value} is not known; {possible}.", name=key)


def _share(text: str, word: str, name: str) -> float:
    """Return a share in [0, 1] said as ``20%`` or ``0.2``."""
    try:
        value = float(as_it_looks(text.rstrip("%"))) / (100 if text.endswith("%") else 1)
    except ValueError:
        raise ParameterError(f"{word!r} needs a number, for example {name}>20% or {name}<0.5.", name=name) from None
    if not 0 <= value <= 1:
        raise ParameterError(f"{word!r} is beyond 0 to 100 %; say {name}>20% or {name}>0.2.", name=name)
    return value
