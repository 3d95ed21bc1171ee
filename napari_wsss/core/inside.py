"""Paths that were stored: made here and nowhere else, so that none leaves the folder it belongs to.

A project, a run, an archive or a table may come from a stranger. What it says about files is text until `below` has
made a path of it; before anything is written or deleted there, `not_through_links` looks at what lies on the way.
"""

import os
import stat
import unicodedata
from pathlib import Path, PurePosixPath

from napari_wsss.core.errors import ProjectError

LONGEST_NAME = 255
"""Bytes of one file or folder name that file systems take."""
SUFFIX_BYTES = 4
"""What our files add to an image's name (``.png``, ``.npz``)."""
UNWRITABLE = ("Cc", "Cs", "Zl", "Zp")
"""Kinds of characters that break lines and lists, or stand for bytes that are no text."""
JUNCTION = 0xA0000003
"""Tag of what links folders on Windows without being a symbolic link."""


def why_not_plain(stored: str) -> str:
    """Return why a text is no plain path below a folder (``day1/cat.jpg`` is one), "" when it is."""
    path = PurePosixPath(stored)
    if not path.parts or path.is_absolute() or ".." in path.parts or str(path) != stored:
        return "it leads elsewhere, or is written in an unusual way"
    if "\\" in stored:
        return "it holds a backslash, which other systems take for a folder"
    if any(unicodedata.category(character) in UNWRITABLE for character in stored):
        return "it holds bytes or characters that cannot be written in a list (a line break, not UTF-8)"
    if os.name == "nt" and ":" in stored:
        return "it holds a colon, which names a drive or a stream"
    if max(len(part.encode(errors="replace")) for part in path.parts) > LONGEST_NAME - SUFFIX_BYTES:
        return f"a name in it is longer than {LONGEST_NAME - SUFFIX_BYTES} bytes, so masks could not be named after it"
    return ""


def writable(name: str) -> str:
    """Return a name as it can be printed and written: what breaks a line or is no text is spelled out."""
    return "".join(
        one.encode("unicode_escape").decode() if unicodedata.category(one) in UNWRITABLE else one for one in name
    )


def below(folder: Path, stored: str) -> Path:
    """Return ``folder / stored``.

    Parameters
    ----------
    folder : Path
        Chosen by a person or derived from what they chose.
    stored : str
        Posix path out of a file: an image id, a key, a model's place ...

    Raises
    ------
    ProjectError
        When it would leave the folder, or no file can be called so.
    """
    path = PurePosixPath(stored)
    if not path.parts or path.is_absolute() or ".." in path.parts:
        raise _leaving(folder, stored)
    if "\\" in stored or "\0" in stored or "//" in stored:
        raise _leaving(folder, stored)
    if os.name == "nt" and ":" in stored:
        raise _leaving(folder, stored)
    return folder.joinpath(*path.parts)


def found_below(folder: Path, stored: str) -> Path:
    """Return the place a stored path names, relative to `folder` or absolute, all links followed.

    Raises
    ------
    ProjectError
        When that is not below the folder.
    """
    path = folder / stored
    if "\0" in stored or not is_below(folder, path):
        raise _leaving(folder, stored)
    return Path(os.path.realpath(path))


def is_below(folder: Path, path: Path) -> bool:
    """Tell whether a path, with all links followed, lies in a folder (and is not the folder itself)."""
    return Path(os.path.realpath(folder)) in Path(os.path.realpath(path)).parents


def not_through_links(folder: Path, path: Path) -> Path:
    """Return `path`, which is about to be written or deleted below `folder`.

    Raises
    ------
    ProjectError
        When the path, or a folder on the way to it, is a link: what it points to is not the project's.
    """
    try:
        parts = path.relative_to(folder).parts
    except ValueError:
        raise _leaving(folder, str(path)) from None
    if ".." in parts:
        raise _leaving(folder, str(path))
    place = folder
    for part in parts:
        place = place / part
        if is_link(place):
            raise ProjectError(
                f"{place} is a link to {os.path.realpath(place)}. Links inside a project are not followed when files "
                "are written or deleted: put the folder or file itself there, or move the whole project."
            )
    return path


def has_file(folder: Path, stored: str) -> bool:
    """Tell whether a stored path is one below a folder and names a file there."""
    try:
        return below(folder, stored).is_file()
    except ProjectError:
        return False


def is_link(path: Path) -> bool:
    """Tell whether something is a symbolic link (on Windows also a junction), whole or broken."""
    try:
        facts = path.lstat()
    except (OSError, ValueError):
        return False
    return stat.S_ISLNK(facts.st_mode) or getattr(facts, "st_reparse_tag", 0) == JUNCTION


def _leaving(folder: Path, stored: str) -> ProjectError:
    return ProjectError(
        f"{stored!r} names a file outside {folder}; expected a plain path below it. Whatever wrote it is damaged, or "
        "was made to do harm: nothing is read or written there."
    )
