"""What the values and colours of masks mean, by the list that lies beside them; and the classes such a list names.

``classes.txt`` and labelme2voc's ``class_names.txt`` say one name per line, CVAT's ``labelmap.txt`` and the tables of
`colour_tables` name colours.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.classes import BACKGROUND, BACKGROUND_NAMES, IGNORE, ClassList, voc_colours
from napari_wsss.core.errors import LabelError, ProjectError
from napari_wsss.exchange.lists.colour_tables import Colour, colour_table_in, read_colour_table
from napari_wsss.exchange.text_files import in_form, read_text

CLASS_LIST, LABEL_MAP = "classes.txt", "labelmap.txt"
CLASS_LISTS = (CLASS_LIST, "class_names.txt", LABEL_MAP)
IGNORE_NAMES = frozenset({"__ignore__", "_ignore_", "ignore", "ignored", "void", "_void_", "unlabeled", "unlabelled"})


@dataclass(frozen=True)
class ValueNames:
    """What each mask value means.

    Parameters
    ----------
    source : str
        The file's name.
    names : dict of int to str
        Value -> name as it is written, background and ignore among them.
    colours : dict of (int, int, int) to int
        RGB in [0, 255] -> value, where the list names colours.
    shared : tuple of str
        What is to be said of colours that several names have.
    """

    source: str
    names: dict[int, str]
    colours: dict[Colour, int] = field(default_factory=dict)
    shared: tuple[str, ...] = ()

    @property
    def classes(self) -> tuple[str, ...]:
        """The foreground names in the order of their values, each once."""
        return foreground(self.names[value] for value in sorted(self.names))

    def labels(self, values: Iterable[int]) -> list[str]:
        """Return the class names that mask values mean, without background and ignore.

        Raises
        ------
        LabelError
            When a value has no name in the list.
        """
        present = [value for value in values if value not in (BACKGROUND, IGNORE) or value in self.names]
        beyond = [value for value in present if value not in self.names]
        if beyond:
            raise LabelError(f"holds the values {beyond}, but {self.source} names {self._listed()}")
        return list(foreground(self.names[value] for value in present))

    def to_classes(self, values: NDArray[np.uint8], classes: ClassList) -> NDArray[np.uint8]:
        """Return a mask (H, W) uint8 in the values of `classes`, each class found by its name.

        Raises
        ------
        ProjectError
            When the mask holds a value without a name, or one whose class is not among `classes`.
        """
        table = np.arange(256, dtype=np.uint8)
        wrong: list[str] = []
        for value in map(int, np.unique(values)):
            try:
                table[value] = self._class_value(value, classes)
            except LabelError as reason:
                wrong.append(str(reason))
        if wrong:
            raise ProjectError(f"{'; '.join(wrong)} (by {self.source}). The classes are: {', '.join(classes.names)}.")
        found: NDArray[np.uint8] = table[values]
        return found

    def _class_value(self, value: int, classes: ClassList) -> int:
        name = self.names.get(value)
        if name is None:
            if value in (BACKGROUND, IGNORE):
                return value
            raise LabelError(f"the value {value} has no name")
        found = value_of_name(name, classes)
        if found is None:
            raise LabelError(f"the value {value} is {name!r}, which is no class here")
        return found

    def _listed(self) -> str:
        return f"{min(self.names)} to {max(self.names)}" if self.names else "none"


def value_of_name(name: str, classes: ClassList) -> int | None:
    """Return the mask value that a name means, or None; letter case and how accents are written do not matter.

    Words for background and ignore mean these, unless a class is called so.
    """
    name = in_form(name, classes.names)
    if name in classes.names:
        return _now(classes.mask_value(name), classes)
    if name.casefold() in BACKGROUND_NAMES:
        return BACKGROUND
    alike = [known for known in classes.names if known.casefold() == name.casefold()]
    if len(alike) == 1:
        return _now(classes.mask_value(alike[0]), classes)
    return IGNORE if name.casefold() in IGNORE_NAMES else None


def _now(value: int, classes: ClassList) -> int | None:
    """Return what a class counts as now, None for one that was deleted."""
    now = classes.gone.get(value, value)
    return None if now in (BACKGROUND, IGNORE) else now


def foreground(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names that can be classes, each once: neither background nor ignore."""
    return tuple(dict.fromkeys(n for n in names if n and n.casefold() not in BACKGROUND_NAMES | IGNORE_NAMES))


def read_value_names(folders: Sequence[Path]) -> ValueNames | None:
    """Return the first list of `CLASS_LISTS`, or table of colours, in `folders`, folder by folder; None without any.

    Line k stands for value k where the list has a line for background (``__ignore__`` before it has none), or begins
    with a word for *ignore*; else lines count from 1. A word for *ignore* keeps its place and means 255. A table
    of colours may number its lines itself. Where several of its names have one colour, that means the first of them.

    Raises
    ------
    LabelError
        When it cannot be read, or names more values than a mask can hold.
    """
    for folder in folders:
        for name in CLASS_LISTS:
            if (folder / name).is_file():
                return _read(folder / name)
        if table := colour_table_in(folder):
            return _of_colours(table)
    return None


def read_class_list(folders: Sequence[Path]) -> tuple[str, ...]:
    """Return the foreground names of the first class list in `folders`; empty where there is none."""
    found = read_value_names(folders)
    return found.classes if found else ()


def _read(path: Path) -> ValueNames:
    lines = [line.strip() for line in read_text(path)[0].splitlines() if line.strip()]
    colours: list[Colour | None] = [None] * len(lines)
    bare = False
    if path.name == LABEL_MAP and any(":" in line for line in lines):  # else plain names, as TFLite has them
        entries = [_cut(line, path) for line in lines if not line.startswith("#")]
        lines, colours = [name for name, _ in entries], [colour for _, colour in entries]
        bare = not any(colours)
    first = _first_value(lines)
    if len(lines) + first > IGNORE + 1:
        raise LabelError(f"{path} has {len(lines)} lines; a mask of 8 bits holds at most {IGNORE + 1} values.")
    names = {first + line: name for line, name in enumerate(lines) if first + line >= 0}
    numbered = {colour: first + line for line, colour in enumerate(colours) if colour and first + line >= 0}
    return ValueNames(path.name, names, _usual(names) | numbered if bare else numbered)


def _of_colours(path: Path) -> ValueNames:
    """Return what values and colours mean by a table of colours."""
    lines = read_colour_table(path)
    first = _first_value([line.name for line in lines])
    if len(lines) + first > IGNORE + 1:
        raise LabelError(f"{path} has {len(lines)} lines; a mask of 8 bits holds at most {IGNORE + 1} values.")
    values = [line.value for line in lines]
    numbers = [value for value in values if value is not None and BACKGROUND <= value <= IGNORE]
    if numbers and len(numbers) == len(set(numbers)):
        free = iter(sorted(set(range(1, IGNORE)) - set(numbers), reverse=True))
        values = [value if value in numbers else next(free) for value in values]  # Cityscapes numbers plates with -1
    else:
        values = [first + place for place in range(len(lines))]
    names: dict[int, str] = {}
    colours: dict[Colour, int] = {}
    shared: dict[Colour, list[str]] = {}
    for line, value in zip(lines, values, strict=True):
        if value is None or value < 0:  # a word for *ignore* before the background
            continue
        names[value] = line.name
        colours.setdefault(line.colour, value)
        shared.setdefault(line.colour, []).append(line.name)
    said = tuple(
        f"{path.name} gives {', '.join(also)} the colour {','.join(map(str, colour))}; it is read as {also[0]}"
        for colour, also in shared.items()
        if len(foreground(also)) and len(also) > 1
    )
    return ValueNames(path.name, names, colours, said)


def _usual(names: Iterable[int]) -> dict[Colour, int]:
    """Return VOC's colours of values: what Datumaro paints in where it writes a labelmap without any colour."""
    table = voc_colours(IGNORE + 1).tolist()
    return {(red, green, blue): value for value in names for red, green, blue in [table[value]]}


def _first_value(names: Sequence[str]) -> int:
    """Return the value that the first line stands for."""
    words = [name.casefold() for name in names]
    if not words or not any(word in BACKGROUND_NAMES for word in words):
        return 0 if words and words[0] in IGNORE_NAMES else 1
    place = next(place for place, word in enumerate(words) if word in BACKGROUND_NAMES)
    return -place if all(word in IGNORE_NAMES for word in words[:place]) else 0


def _cut(line: str, path: Path) -> tuple[str, Colour | None]:
    """Return name and colour, where it has one, of one line of a labelmap: ``name:r,g,b:parts:actions``."""
    parts = line.rsplit(":", 3)
    if len(parts) > 1 and not parts[1].strip():
        return parts[0].strip(), None
    try:
        red, green, blue = (int(part) for part in parts[1].split(","))
    except (IndexError, ValueError) as reason:
        raise LabelError(f"{path}: the line {line!r} is not written as name:red,green,blue:parts:actions.") from reason
    return parts[0].strip(), (red, green, blue)
