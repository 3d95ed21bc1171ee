"""Which formats are read and written, by the one list of both; the table of the documentation is made of it."""

import argparse
from dataclasses import asdict, dataclass

from napari_wsss.commands.base import DONE, Answer, Command
from napari_wsss.core.registry import Shelf, declared, method_names, method_title, said_of

READERS: Shelf = "exchange.readers"
WRITERS: Shelf = "exchange.writers"
USUALLY = {READERS: ("gives", "labels and masks"), WRITERS: ("kind", "masks")}
"""Shelf -> the attribute that says what a format holds, and what one holds that does not say it."""
OWN_WAYS = {
    "csv": ("CSV, TSV", "Tables of images and labels in the shapes people have: one label a row, lists, 0/1 columns."),
    "text": ("Text lists", "A path a line, and the labels behind it."),
    "folders": ("Folders", "The names of sub-folders are the labels."),
    "voc": ("VOC-style folder", "XML objects, lists for each class, or masks with the list of classes."),
}
"""Kind of labels that no reader has a file for -> title and what it is."""


@dataclass(frozen=True)
class Format:
    """One format: how it is called and titled, what it holds, what it is, and what that is not ours judges it."""

    name: str
    title: str
    holds: str
    text: str
    judge: str


def formats(shelf: Shelf) -> tuple[Format, ...]:
    """Return the formats that are read or written, ours first, without importing any."""
    attribute, usual = USUALLY[shelf]
    found = tuple(
        Format(
            name,
            method_title(shelf, name),
            declared(shelf, name, attribute) or usual,
            said_of(shelf, name),
            declared(shelf, name, "judge"),
        )
        for name in method_names(shelf)
    )
    if shelf != READERS:
        return found
    return (*(Format(name, title, "labels", text, "") for name, (title, text) in OWN_WAYS.items()), *found)


def as_markdown() -> str:
    """Return both lists as Markdown, as the documentation has them."""
    parts = []
    for heading, shelf, judged in (
        ("Read", READERS, "the same file is read by"),
        ("Written", WRITERS, "read back in the tests by"),
    ):
        parts += [f"## {heading}", ""]
        parts += [f"| name | format | holds | what it is | {judged} |", "|---|---|---|---|---|"]
        parts += [f"| `{one.name}` | {one.title} | {one.holds} | {one.text} | {one.judge} |" for one in formats(shelf)]
        parts += [""]
    return "\n".join(parts)


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--markdown", action="store_true", help="as the tables of the documentation")


def _formats(options: argparse.Namespace, answer: Answer) -> int:
    read, written = formats(READERS), formats(WRITERS)
    if options.markdown:
        answer.say(as_markdown())
    else:
        for heading, found in (("read", read), ("written", written)):
            lines = "\n".join(f"  {one.name:<14} {one.holds:<17} {one.title}" for one in found)
            answer.say(f"{heading}:\n{lines}")
    answer.say(read=[asdict(one) for one in read], written=[asdict(one) for one in written])
    return DONE


FORMATS = Command("formats", "list the formats that are read and written", _options, _formats)
