"""What the target folder of predictions says of itself: a line per picture, written before its files.

``predictions.jsonl`` holds a picture's content and labels, the key of model and settings, and the files that were made.
What fits its line is not computed again; what is there without a line is somebody else's, and is left alone. A worker
that has a part of the pictures writes a file of its own beside it (``predictions-3-of-10.jsonl``): several machines
cannot add to one file of a shared folder without losing each other's lines. Of several lines of a picture the one with
the highest ``turn`` counts (1 where it is left out), in whichever file it is.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

from napari_wsss.core.errors import ProjectError
from napari_wsss.core.files import MOST_BYTES, check_regular, parsed_object, publish_bytes, text, texts, whole
from napari_wsss.core.inside import below
from napari_wsss.project.sharing.share import WHOLE, Part

LINES = "predictions.jsonl"
_ALL = "predictions*.jsonl"
TURN = "turn"


class Lines:
    """The lines of a target folder; several threads may ask and write.

    Parameters
    ----------
    target : Path
        The folder.
    part : Part
        Whose file new lines go to.
    """

    def __init__(self, target: Path, part: Part = WHOLE) -> None:
        self._target, self._own = target, target / file_name(part)
        self._known: dict[str, dict[str, Any]] = {}
        self._read: dict[str, int] = {}  # bytes of each file that are taken in
        self._lock = Lock()
        self.look_again()

    def look_again(self) -> None:
        """Take in what others have written meanwhile, and their files."""
        with self._lock:
            for path in sorted(self._target.glob(_ALL)):
                for entry in self._new_in(path):
                    picture = text(entry, "picture")
                    if _turn(entry) >= _turn(self._known.get(picture, {})):
                        self._known[picture] = entry

    def _new_in(self, path: Path) -> Iterator[dict[str, Any]]:
        done = self._read.get(path.name, 0)
        check_regular(path, MOST_BYTES)
        with path.open("rb") as file:
            file.seek(done)
            content = file.read()
        end = content.rfind(b"\n") + 1  # of the last one, another worker may have written a part so far
        self._read[path.name] = done + end
        for line in content[:end].splitlines():
            try:
                yield parsed_object(line)
            except ValueError:  # torn when a computer stopped
                continue

    @property
    def keys(self) -> set[str]:
        """The keys of model and settings of all that was predicted."""
        return {text(entry, "key") for entry in self._known.values()}

    def fits(self, entry: Mapping[str, Any]) -> bool:
        """Tell whether a picture was predicted from the same content and labels."""
        known = self._known.get(entry["picture"], {})
        return {name: value for name, value in known.items() if name != TURN} == entry

    def claim(self, entry: Mapping[str, Any], places: Iterable[Path], *, overwrite: bool) -> None:
        """Say that the files of a picture are ours and are about to be written; old ones of it are deleted.

        Parameters
        ----------
        entry : mapping
            The picture's line.
        places : iterable of Path
            What is to be written.
        overwrite : bool
            Delete files of others, too.

        Raises
        ------
        ProjectError
            When one of them is there and is not ours.
        OSError
            When the line cannot be written.
        """
        ours = {below(self._target, name) for name in texts(self._known.get(entry["picture"], {}), "files")}
        strange = [place for place in places if place.exists() and place not in ours]
        if strange and not overwrite:
            raise ProjectError(f"{strange[0]} is there already and is no prediction of ours; move it, or overwrite.")
        for place in {*ours, *strange}:
            shutil.rmtree(place) if place.is_dir() else place.unlink(missing_ok=True)
        with self._lock:
            before = self._known.get(entry["picture"])
            line = {**entry, TURN: _turn(before) + 1} if before else dict(entry)
            self._append(f"{json.dumps(line)}\n".encode())
            self._known[entry["picture"]] = line

    def _append(self, line: bytes) -> None:
        with self._own.open("ab+", buffering=0) as file:
            end = file.seek(0, os.SEEK_END)
            if end:
                file.seek(end - 1)
                line = line if file.read(1) == b"\n" else b"\n" + line  # the last one was torn
            file.write(line)
            os.fsync(file.fileno())  # before its files are there

    def join(self, parts: Sequence[Part], order: Sequence[str]) -> None:
        """Make one file of those of parts whose workers have ended: what one worker would have written.

        Parameters
        ----------
        parts : sequence of Part
        order : sequence of str
            The pictures in the order in which one worker takes them; lines of others follow.
        """
        self.look_again()
        places = {picture: at for at, picture in enumerate(order)}
        entries = sorted(self._known.values(), key=lambda entry: places.get(entry["picture"], len(places)))
        joined = {self._target / file_name(part) for part in parts} - {self._own}
        if {*self._target.glob(_ALL)} <= {*joined, self._own}:  # no other line of a picture is left to be older
            entries = [{name: value for name, value in entry.items() if name != TURN} for entry in entries]
        publish_bytes(self._own, b"".join(f"{json.dumps(entry)}\n".encode() for entry in entries))
        for path in joined:
            path.unlink(missing_ok=True)


def _turn(entry: Mapping[str, Any]) -> int:
    return whole(entry, TURN, 1)


def file_name(part: Part) -> str:
    """Return the name of the file that a part's lines go to."""
    return LINES if part == WHOLE else f"predictions-{part.number}-of-{part.count}.jsonl"
