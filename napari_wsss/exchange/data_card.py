"""The data card of an export: what is in it, how it was made, who decided it, and the digest of every file.

``data-card.json`` is for programs, and what a repeated export compares with; ``data-card.md`` is for a person.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.classes import BACKGROUND, IGNORE, ClassList
from napari_wsss.core.files import mapping, read_object
from napari_wsss.core.inside import writable
from napari_wsss.core.sources import FIRST_MACHINE, NOTHING, PERSON, Sources
from napari_wsss.exchange.writers.base import Item
from napari_wsss.pixels.by_window import SIDE
from napari_wsss.pixels.large_tiff import LargeMask
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

    def unlike(self, card: Mapping[str, Any]) -> str:
        """Return in what the choice of a card differs from this one, in words."""
        theirs, ours = card.get("choice"), json.loads(json.dumps(dict(self.choice)))
        if not isinstance(theirs, dict) or card.get("project") != self.project:
            return "of another project" if isinstance(theirs, dict) else "not said which"
        differing = [name for name in sorted({*theirs, *ours}) if theirs.get(name) != ours.get(name)]
        return "; ".join(f"{name}: {_words(theirs.get(name))}, now {_words(ours.get(name))}" for name in differing)


def _words(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return (" ".join(map(str, value)) if isinstance(value, list) else str(value or "")) or "none"


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
        self._steps: Counter[str] = Counter()
        self._imported: Counter[str] = Counter()
        self._rows: list[dict[str, Any]] = []

    def add(self, item: Item, facts: Mapping[str, Any]) -> None:
        """Count one image; `facts` are what is known of its decision, in JSON types."""
        row = {"image": writable(item.id), "number": item.number, "name": writable(item.name), "split": item.split}
        if isinstance(item.content, SourcedMask):
            counts = np.bincount(item.values.ravel(), minlength=IGNORE + 1)
            self.pixels += counts
            self.images += counts > 0
            row |= {f"share of {who}": round(share, 6) for who, share in self._count_sources(item.sources).items()}
        elif isinstance(item.content, LargeMask):  # only machines make some
            counts = sum(
                (np.bincount(tile.ravel(), minlength=IGNORE + 1) for tile in item.content.tiles(SIDE)),
                np.zeros(IGNORE + 1, np.int64),
            )
            self.pixels += counts
            self.images += counts > 0
            self._made_by["machine"] += int(counts.sum())
        self._rows.append({**row, **facts})

    def _count_sources(self, sources: Sources) -> dict[str, float]:
        """Count who made the pixels; return the shares in [0, 1] of a person and, where there are any, other files."""
        counts: NDArray[np.int64] = np.bincount(sources.values.ravel(), minlength=IGNORE + 1)
        imported = int(counts[list(sources.imported_values)].sum())
        self._made_by += Counter({"person": int(counts[PERSON]), "nobody": int(counts[NOTHING]), "imported": imported})
        self._made_by["machine"] += int(counts[FIRST_MACHINE:].sum()) - imported
        for value in np.flatnonzero(counts).tolist():
            source = sources.source_of(value)
            if source is not None and source.kind == "imported":
                # Not by its entry: a card says which files, the images' own masks say which place in them.
                told = {"format": source.method, "from": source.parameters.get("from", "")}
                self._imported[_key(told)] += int(counts[value])
            elif source is not None:
                self._steps[_key(source.to_dict())] += int(counts[value])
        size = max(1, sources.values.size)
        return {"a person": float(counts[PERSON]) / size, **({"other files": imported / size} if imported else {})}

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
            "imported": _counted(self._imported),
            "machine steps": _counted(self._steps),
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


def _key(record: Mapping[str, Any]) -> str:
    """Return what makes records one in the counts: all of it but when it was."""
    return json.dumps({name: value for name, value in record.items() if name != "time"}, sort_keys=True)


def _counted(counts: Counter[str]) -> list[dict[str, Any]]:
    """Return the records that were counted, with their pixels, the most first."""
    return [json.loads(key) | {"pixels": int(count)} for key, count in counts.most_common()]


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
        *(["## Imported masks", "", *_listed(record["imported"]), ""] if record["imported"] else []),
        "## Methods, models and parameters behind the masks",
        "",
        *(_listed(record["machine steps"]) or ["None is known."]),
        *(f"- applied now: {shelf}: {_cell(model)}" for shelf, model in record["applied models"].items()),
        "",
        *(["## Left out", "", *(f"- {_cell(one)}" for one in record["left out"]), ""] if record["left out"] else []),
        *(["## Notes", "", *(f"- {_cell(one)}" for one in record["notes"]), ""] if record["notes"] else []),
        f"`{CARD}` lists every image with its decision, and the SHA-256 of every file.",
        "",
    ]
    return "\n".join(lines)


def _listed(records: Sequence[Mapping[str, Any]]) -> list[str]:
    return [f"- {_cell(json.dumps(one, ensure_ascii=False))}" for one in records]


def _class_line(row: Mapping[str, Any], total: int) -> str:
    cells = (row["value"], _cell(row["name"]), row["colour"], row["pixels"], f"{row['pixels'] / total:.2%}")
    return "".join(f"| {cell} " for cell in (*cells, row["images"])) + "|"


def _cell(text: str) -> str:
    return writable(text).replace("|", "\\|")
