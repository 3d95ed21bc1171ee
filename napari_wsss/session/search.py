"""The search line of the review queue: ``state:flagged class:dog score<0.5 name text`` as criteria for the catalog.

Words without a key match file name or note. Everything said must hold together.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from napari_wsss.core.catalog import STATES
from napari_wsss.core.criteria import Criteria
from napari_wsss.core.errors import ParameterError

FACTS = {"stale": "stale", "label-changed": "label_changed", "disagrees": "disagrees", "replaced": "replaced"}
HELP = "state:draft  class:dog  split:val  is:stale  score<0.5  score>0.5  and words of the file name or note"
_SCORE = re.compile(r"score\s*([<>])\s*(.+)$")
_WORD = re.compile(r'(?:[^\s"]|"[^"]*")+')


def parse(text: str, class_names: Sequence[str]) -> Criteria:
    """Return the criteria of a search line; an empty line matches everything.

    Parameters
    ----------
    text : str
        Words separated by spaces; quotes keep a name with spaces together (``class:"traffic light"``).
    class_names : sequence of str
        The project's classes; ``class:`` ignores case.

    Raises
    ------
    ParameterError
        Naming the word that is not understood and what is possible.
    """
    found: dict[str, Any] = {"states": [], "classes": [], "text": []}
    for word in _WORD.findall(text):
        _understand(word.replace('"', ""), found, class_names)
    found["text"] = " ".join(found["text"])
    found["states"] = found["states"] or None
    return Criteria(**found)


def _understand(word: str, found: dict[str, Any], class_names: Sequence[str]) -> None:
    key, colon, value = word.partition(":")
    if score := _SCORE.match(word):
        found["score_below" if score[1] == "<" else "score_above"] = _number(score[2], word)
    elif not colon or key not in ("state", "class", "split", "is", "name"):
        found["text"].append(word)
    elif key == "state":
        found["states"].append(_one_of(value, STATES, "state"))
    elif key == "class":
        found["classes"].append(_one_of(value, class_names, "class"))
    elif key == "split":
        found["split"] = "" if value == "none" else _one_of(value, ("train", "val"), "split")
    elif key == "is":
        found[FACTS[_one_of(value, tuple(FACTS), "is")]] = True
    else:
        found["text"].append(value)


def _one_of(value: str, known: Sequence[str], key: str) -> str:
    for name in known:
        if name.casefold() == value.casefold():
            return name
    raise ParameterError(f"{key}:{value} is not known; possible are: {', '.join(known)}.", name=key)


def _number(text: str, word: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ParameterError(f"{word!r} needs a number, for example score<0.5.", name="score") from None
