"""The data card of an export: what is in it, how it was made, who decided it, and the digest of every file.

``data-card.json`` is for programs, and what a repeated export compares with; ``data-card.md`` is for a person.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.classes import BACKGROUND, IGNORE, ClassList
from napari_wsss.core.files import mapping, read_object
from napari_wsss.core.inside import writable
from napari_wsss.core.sources import NOTHING, OTHER_MACHINE, PERSON, Source, Sources
from napari_wsss.exchange.writers.base import Item
from napari_wsss.project.sourced_masks import SourcedMask

CARD, CARD_TEXT = "data-card.json", "data-card.md"
VERSION = 1


@dataclass(frozen=True)
class About:
    """What a card says of the whole.

    Parameters
    ----------
    project : str
        Its name.
    choice : mapping
        What was asked for, in JSON types: two exports of one choice are one export, repeated.
    models : mapping of str to str
        What the applied models are: shelf -> file.
    """

    project: str = ""
    choice: Mapping[str, Any] = field(default_factory=dict)
    models: Mapping[str, str] = field(default_factory=dict)

    def made(self, card: Mapping[str, Any]) -> bool:
        """Tell whether a card is one of this export."""
        return card.get("project") == self.project and card.get("choice") == json.loads(json.dumps(dict(self.choice)))


class DataCard:
    """Counts over the images of an export.

    Parameters
    ----------
    classes : ClassList
    about : About

    Attributes
    ----------
    pixels, images : (256,) int64
        Of each mask value: pixels, and images that hold it.
    """

    def __init__(self, classes: ClassList, about: About) -> None:
        self.pixels, self.images = np.zeros(IGNORE + 1, np.int64), np.zeros(IGNORE + 1, np.int64)
        self._classes, self._about = classes, about
        self._made_by: Counter[str] = Counter()
        self._steps: dict[str, tuple[Source, int]] = {}
        self._rows: list[dict[str, Any]] = []

    def add(self, item: Item, facts: Mapping[str, Any]) -> None:
        """Count one image; `facts` are what is known of its decision, in JSON types."""
        row = {"image": writable(item.id), "number": item.number, "name": writable(item.name), "split": item.split}
        if isinstance(item.content, SourcedMask):
            counts = np.bincount(item.values.ravel(), minlength=IGNORE + 1)
            self.pixels += counts
            self.images += counts > 0
            row["share of a person"] = round(self._count_sources(item.sources), 6)
        self._rows.append({**row, **facts})

    def _count_sources(self, sources: Sources) -> float:
        """Count who made the pixels; return the share of a person in [0, 1]."""
        counts: NDArray[np.int64] = np.bincount(sources.values.ravel(), minlength=IGNORE + 1)
        self._made_by += Counter({"person": int(counts[PERSON]), "nobody": int(counts[NOTHING])})
        self._made_by["machine"] += int(counts[PERSON + 1 :].sum())
        for value in np.flatnonzero(counts[: OTHER_MACHINE + 1]).tolist():
            source = sources.source_of(value)
            if source is not None:
                record = source.to_dict()
                record.pop("time", None)
                key = json.dumps(record, sort_keys=True)
                self._steps[key] = source, self._steps.get(key, (source, 0))[1] + int(counts[value])
        return float(counts[PERSON]) / max(1, sources.values.size)

    def record(self, left_out: tuple[str, ...], notes: tuple[str, ...]) -> dict[str, Any]:
        """Return the card as JSON types, its list of files apart."""
        total = max(1, sum(self._made_by.values()))
        return {
            "card": VERSION,
            "made by": "napari-wsss",
            "project": self._about.project,
            "choice": dict(self._about.choice),
            "applied models": dict(self._about.models),
            "classes": self._class_rows(),
            "counts": {"images": len(self._rows), "by split": dict(Counter(row["split"] for row in self._rows))},
            "share of pixels": {who: count / total for who, count in sorted(self._made_by.items())},
            "machine steps": [
                {key: value for key, value in source.to_dict().items() if key != "time"} | {"pixels": count}
                for source, count in sorted(self._steps.values(), key=lambda one: -one[1])
            ],
            "images": self._rows,
            "left out": [writable(one) for one in left_out],
            "notes": list(notes),
        }

    def _class_rows(self) -> list[dict[str, Any]]:
        values = [BACKGROUND, *range(1, len(self._classes) + 1), IGNORE]
        return [
            {
                "value": value,
                "name": self._classes.name_of(value),
                "colour": self._classes.palette[value].tolist(),
                "pixels": int(self.pixels[value]),
                "images": int(self.images[value]),
            }
            for value in values
        ]


def read_card(folder: Path) -> dict[str, Any]:
    """Return the card of the export in a folder, an empty one where there is none or it is damaged."""
    try:
        return read_object(folder / CARD)
    except (OSError, ValueError):
        return {}


def files_of(card: Mapping[str, Any]) -> dict[str, str]:
    """Return path -> digest of the files that a card lists."""
    return {path: digest for path, digest in mapping(dict(card), "files").items() if isinstance(digest, str)}


def as_markdown(record: Mapping[str, Any]) -> str:
    """Return what a person wants to know of a card, without its lists of images and files."""
    total = max(1, sum(row["pixels"] for row in record["classes"]))
    shares = ", ".join(f"{who} {share:.1%}" for who, share in record["share of pixels"].items())
    splits = ", ".join(f"{split or 'without split'} {count}" for split, count in record["counts"]["by split"].items())
    steps = [f"- {_cell(json.dumps(step, ensure_ascii=False))}" for step in record["machine steps"]]
    lines = [
        f"# Data card: {_cell(record['project']) or 'an export'}",
        "",
        f"{record['counts']['images']} images ({splits}). Chosen: {_cell(json.dumps(record['choice']))}.",
        "",
        f"Pixels were made by: {shares or 'nobody is known'}.",
        "",
        "| value | class | colour | pixels | share | images |",
        "|---|---|---|---|---|---|",
        *(_class_line(row, total) for row in record["classes"]),
        "",
        "## Methods, models and parameters behind the masks",
        "",
        *(steps or ["None is known."]),
        *(f"- applied now: {shelf}: {_cell(model)}" for shelf, model in record["applied models"].items()),
        "",
        *(["## Left out", "", *(f"- {_cell(one)}" for one in record["left out"]), ""] if record["left out"] else []),
        *(["## Notes", "", *(f"- {_cell(one)}" for one in record["notes"]), ""] if record["notes"] else []),
        f"`{CARD}` lists every image with its decision, and the SHA-256 of every file.",
        "",
    ]
    return "\n".join(lines)


def _class_line(row: Mapping[str, Any], total: int) -> str:
    cells = (row["value"], _cell(row["name"]), row["colour"], row["pixels"], f"{row['pixels'] / total:.2%}")
    return "".join(f"| {cell} " for cell in (*cells, row["images"])) + "|"


def _cell(text: str) -> str:
    return writable(text).replace("|", "\\|")
