"""A labeler's own diary: what every image must be by now, kept without asking the program.

Masks are noted as they were painted and seen; at the end they are compared with the files, read here with Pillow, zlib
and sqlite3 alone.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

CHUNK = b"wsSR"
PERSON = 1
"""Source of a pixel that a person drew."""


@dataclass
class Page:
    """What is known of one image.

    Attributes
    ----------
    labels : set of str
    state, note : str
    mask : (H, W) uint8, optional
        The accepted mask, None while there is none.
    draft : (H, W) uint8, optional
        Unfinished work that lies over it.
    mask_person, draft_person : (H, W) bool, optional
        Pixels of these that were drawn by hand.
    digest : str
        Of the accepted file, right after it was written.
    """

    labels: set[str]
    state: str = "todo"
    note: str = ""
    mask: np.ndarray | None = None
    draft: np.ndarray | None = None
    mask_person: np.ndarray | None = None
    draft_person: np.ndarray | None = None
    digest: str = ""

    @property
    def shown(self) -> np.ndarray | None:
        """The mask a person sees: unfinished work, else the accepted mask, else None."""
        return self.mask if self.draft is None else self.draft

    @property
    def shown_person(self) -> np.ndarray | None:
        """Whose pixels of it are a person's."""
        return self.mask_person if self.draft is None else self.draft_person

    @property
    def resting(self) -> str:
        """What the image is once nobody flags, skips or excludes it."""
        return "draft" if self.draft is not None else "accepted" if self.mask is not None else "todo"


@dataclass
class Diary:
    """All pages of one project folder, by image id."""

    folder: Path
    pages: dict[str, Page] = field(default_factory=dict)

    def __getitem__(self, image_id: str) -> Page:
        return self.pages[image_id]

    def file_of(self, image_id: str, kind: str = "masks") -> Path:
        """Return where a mask or draft has to lie."""
        return self.folder / kind / f"{image_id}.png"

    def of(self, *states: str) -> list[str]:
        """Return the images in one of these states."""
        return [image_id for image_id, page in self.pages.items() if page.state in states]

    def note_accepted(self, image_id: str, values: np.ndarray, person: np.ndarray) -> None:
        """Write down an accepted mask; its file must be there by now and say the same."""
        page = self.pages[image_id]
        page.mask, page.mask_person, page.state = values.copy(), person.copy(), "accepted"
        page.draft = page.draft_person = None
        page.digest = digest(self.file_of(image_id))
        self.check_mask(image_id)

    def check_mask(self, image_id: str) -> None:
        """Compare the accepted file of an image, pixel by pixel, with the diary; it is the file noted then."""
        page, path = self.pages[image_id], self.file_of(image_id)
        values, sources = read_png(path)
        np.testing.assert_array_equal(values, page.mask, f"mask of {image_id}")
        np.testing.assert_array_equal(sources == PERSON, page.mask_person, f"who drew {image_id}")
        assert digest(path) == page.digest, f"{image_id} was written again"

    def check_accepted_untouched(self) -> None:
        """Every accepted mask is the file it was when it was accepted, and there are no others."""
        accepted = {image_id for image_id, page in self.pages.items() if page.mask is not None}
        assert found_in(self.folder / "masks") == {f"{image_id}.png" for image_id in accepted}
        for image_id in accepted:
            self.check_mask(image_id)

    def check_everything(self) -> None:
        """Compare every file and every row with the diary; the project must be closed."""
        self.check_accepted_untouched()
        drafts = {image_id for image_id, page in self.pages.items() if page.draft is not None}
        assert found_in(self.folder / "drafts") == {f"{image_id}.png" for image_id in drafts}
        for image_id in drafts:
            values, sources = read_png(self.file_of(image_id, "drafts"))
            np.testing.assert_array_equal(values, self.pages[image_id].draft, f"draft of {image_id}")
            np.testing.assert_array_equal(sources == PERSON, self.pages[image_id].draft_person, f"draft of {image_id}")
        self._check_rows()

    def _check_rows(self) -> None:
        with sqlite3.connect(f"file:{self.folder / 'project.sqlite'}?mode=ro", uri=True) as database:
            rows = dict(database.execute("SELECT id, state || '/' || note FROM images").fetchall())
            assert rows == {image_id: f"{page.state}/{page.note}" for image_id, page in self.pages.items()}
            labels: dict[str, set[str]] = {image_id: set() for image_id in self.pages}
            for image_id, name in database.execute(
                "SELECT images.id, classes.name FROM labels JOIN images ON images.number = labels.image "
                "JOIN classes ON classes.position = labels.class"
            ):
                labels[image_id].add(name)
            assert labels == {image_id: page.labels for image_id, page in self.pages.items()}
            assert database.execute("SELECT count(*) FROM unsettled").fetchone() == (0,)
            assert database.execute("SELECT count(*) FROM journal WHERE kind = 'stroke'").fetchone() == (0,)
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        database.close()


def digest(path: Path) -> str:
    """Return a digest of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def found_in(folder: Path) -> set[str]:
    """Return the relative paths of all files below a folder."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def read_png(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the values (H, W) uint8 of a mask file and the source (H, W) uint8 of each pixel."""
    with Image.open(path) as image:
        assert image.mode == "P"
        values = np.array(image)
    head, sources = _who(path)
    return values, np.frombuffer(sources, np.uint8).reshape(head["shape"])


def table_of(path: Path) -> list[dict[str, object]]:
    """Return the machine sources that a mask file lists."""
    return _who(path)[0]["table"]


def _who(path: Path) -> tuple[dict[str, Any], bytes]:
    content, place = path.read_bytes(), 8
    while content[place + 4 : place + 8] != CHUNK:
        place += int.from_bytes(content[place : place + 4], "big") + 12
    size = int.from_bytes(content[place : place + 4], "big")
    head, _, sources = zlib.decompress(content[place + 8 : place + 8 + size]).partition(b"\0")
    return json.loads(head), sources
