"""Image-level labels from the annotation files of other tools, whichever of the readers knows them."""

from collections.abc import Sequence
from pathlib import Path

from napari_wsss.exchange.annotations.annotated import Reading
from napari_wsss.exchange.label_report import LabelCollector, LabelReport
from napari_wsss.exchange.lists.class_lists import foreground
from napari_wsss.exchange.matching import ImageIndex, closest
from napari_wsss.exchange.reading import reader_of


def read_annotated(
    index: ImageIndex, source: Path, kind: str, known: Sequence[str] = (), also: Sequence[str] = ()
) -> LabelReport:
    """Return the labels that a source of a reader gives: what it says of images, and the classes of its objects.

    Parameters
    ----------
    index : ImageIndex
    source : Path
    kind : str
        The reader's name.
    known : sequence of str
        The class list, where there is one.
    also : sequence of str
        Classes of a project.

    Raises
    ------
    LabelError
        When nothing of the source can be read.
    """
    reader, into = reader_of(kind), LabelCollector(index, known, also)
    reading = Reading(tuple(known or also))
    silent = []
    for said in reader.read(source, reading):
        found = {name: index.find(name) for name in said.names}
        meant = closest(found.values())
        name = next((name for name, match in found.items() if match is meant), said.names[0])
        classes = said.classes
        if classes is None:
            id_ = into.match(name, said.place)
            silent += [id_] if id_ is not None else []
        else:
            id_ = into.add(name, foreground(classes), said.place)
        if id_ is not None and said.split:
            into.put_split(id_, said.split, said.place)
    into.unreadable += reading.unreadable
    into.notes += reading.notes
    if silent:
        into.notes.append(f"{len(silent)} images are listed without any annotation and count as not labelled yet")
    return into.report(kind, f"{source.name} ({reader.title})", foreground(reading.classes))
