"""Image-level labels from a plain text list: one line per image, ``path label label ...``."""

from collections.abc import Sequence
from pathlib import Path

from napari_wsss.exchange.label_report import LabelCollector, LabelReport
from napari_wsss.exchange.matching import ImageIndex
from napari_wsss.exchange.text_files import find_separator, read_text
from napari_wsss.pixels.images import is_image_name


def read_list(
    index: ImageIndex, path: Path, known: Sequence[str] = (), *, also: Sequence[str] = (), encoding: str = ""
) -> LabelReport:
    """Return the labels of a text list; empty lines and lines starting with ``#`` are skipped.

    The path ends at the first tab, else at the first space before which it names an image, with suffix if possible
    (so paths may hold spaces). Labels stand between ``;``, ``|`` or ``,``, else white space. A path alone counts as
    not labelled yet, a single ``none``, ``negative`` or ``background`` as none of the classes.

    Raises
    ------
    LabelError
        When the file is missing or not text.
    """
    text, note = read_text(path, encoding, {*index.words, *known, *also})
    into = LabelCollector(index, known, also)
    entries = [
        (f"{path.name} line {number}", *_cut(line.strip(), index))
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    separator = find_separator([labels for _, _, labels in entries])
    for place, image, labels in entries:
        if labels:
            into.add(image, into.classes_in(labels, separator), place)
        else:
            into.match(image, place)
    if note:
        into.notes.append(note)
    if any(names and all(name.isdecimal() for name in names) for names in into.labels.values()):
        into.notes.append("some labels are numbers and are taken as class names; write names to have them shown")
    return into.report("text", f"{path.name} (text list)")


def _cut(line: str, index: ImageIndex) -> tuple[str, str]:
    """Return the path and the labels of one line."""
    if "\t" in line:
        image, _, labels = line.partition("\t")
        return image.strip(), labels.replace("\t", " ").strip()
    words = line.split(" ")
    counts = range(1, len(words) + 1)
    ends = [count for count in counts if index.find(_path(words[:count])).ids]
    named = [count for count in counts if is_image_name(_path(words[:count]))]
    end = ([count for count in ends if count in named] or ends or named or [1])[0]
    return _path(words[:end]), " ".join(words[end:]).strip(" ,;|")


def _path(words: Sequence[str]) -> str:
    return " ".join(words).strip(",;|\"'")
