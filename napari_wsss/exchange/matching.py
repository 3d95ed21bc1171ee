"""Which image an entry of a label list means: by relative path, with or without folder, suffix and letter case."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from napari_wsss.core.inside import why_not_plain, writable
from napari_wsss.pixels.decoding.stacks import page_ids, page_name, series_of
from napari_wsss.pixels.images import IMAGE_SUFFIXES, find_images, image_id, unread_words


@dataclass(frozen=True)
class Match:
    """The images an entry can mean: none, one, or several (ambiguous); `loose` when folder or suffix differ."""

    ids: tuple[str, ...] = ()
    loose: bool = False

    @property
    def id(self) -> str | None:
        """The image id when exactly one fits."""
        return self.ids[0] if len(self.ids) == 1 else None


class ImageIndex:
    """Finds images by what people write for them; building and each look-up cost the path's depth, no more.

    Parameters
    ----------
    root : Path
        The image folder.
    ids : iterable of str
        Image ids (paths relative to `root` with suffix).
    planes : iterable of str
        Ids of planes of stacks that entries can mean as well, without being among the images.

    Attributes
    ----------
    system : tuple of str
        Folders of a file server or an operating system among them, which were left out.
    unusable : tuple of str
        Pictures whose names cannot be used, with the reason, which were left out.
    unread : str
        Says of which kinds that are not read there are pictures.
    """

    def __init__(self, root: Path, ids: Iterable[str], planes: Iterable[str] = ()) -> None:
        self.root = root
        self.ids = tuple(ids)
        every = (*self.ids, *planes)
        self.system: tuple[str, ...] = ()
        self.unusable: tuple[str, ...] = ()
        self.unread = ""
        self._exact = {_clean(id_): id_ for id_ in every}
        self._names: dict[str, list[str]] = {}
        self._stems: dict[str, list[str]] = {}
        for id_ in every:
            key = _clean(id_).casefold()
            for tail in _tails(key):
                self._names.setdefault(tail, []).append(id_)
                self._stems.setdefault(_without_suffix(tail), []).append(id_)

    @classmethod
    def of_folder(cls, root: Path, pages: bool = False, planes: Iterable[str] = ()) -> ImageIndex:
        """Return the index of every picture under `root`; entries can mean `planes` too, with `pages` all there are."""
        system: list[Path] = []
        unread: list[Path] = []
        ids = [image_id(path, root) for path in find_images(root, system, unread)]
        reasons = {one: why for one in ids if (why := why_not_plain(one))}
        usable = [one for one in ids if one not in reasons]
        found = (page for one in usable for page in page_ids(one, root) if page != one) if pages else ()
        index = cls(root, usable, dict.fromkeys((*planes, *found)))
        index.unusable = tuple(f"{writable(one)}: {why}; rename it" for one, why in reasons.items())
        index.unread = unread_words(unread)
        index.system = tuple(path.relative_to(root).as_posix() for path in system)
        return index

    def find(self, entry: str) -> Match:
        """Return the images that `entry` can mean, the closest reading first.

        In this order: the exact id; the end of an id, with or without suffix; an id after leading folders of
        the entry are dropped (not loose where the dropped part ends with the image folder's own name); a file of
        another picture suffix. The last two are `loose` and worth saying. Of ids that differ in letter case alone the
        one written like the entry is meant.
        """
        entry = _clean(entry)
        if not entry:
            return Match()
        if entry in self._exact:
            return Match((self._exact[entry],))
        key = entry.casefold()
        match = (
            self._by_key(key)
            or self._below_root(key)
            or self._dropping_folders(key)
            or self._other_suffix(key)
            or Match()
        )
        if len({_without_suffix(_clean(id_).casefold()) for id_ in match.ids}) == 1:
            written_so = tuple(id_ for id_ in match.ids if _is_written(entry, _clean(id_)))
            return replace(match, ids=written_so) if len(written_so) == 1 else match
        return match

    def find_plane(self, entry: str, plane: int) -> Match:
        """Return which plane (from 1) of the stacks that `entry` can mean it is of, where these have such a plane."""
        found = self._stacks.find(entry)
        ids = (f"{stack}/{page_name(plane)}" for stack in found.ids)
        return Match(tuple(self._exact[key] for id_ in ids if (key := _clean(id_)) in self._exact), found.loose)

    @cached_property
    def words(self) -> frozenset[str]:
        """What its ids are made of and ASCII does not hold: names of folders, and of files with and without suffix."""
        parts = {part for id_ in self._exact.values() if not id_.isascii() for part in _clean(id_).split("/")}
        return frozenset(word for part in parts if not part.isascii() for word in (part, os.path.splitext(part)[0]))

    @cached_property
    def _stacks(self) -> ImageIndex:
        series = {id_: series_of(id_) for id_ in self._exact.values()}
        return ImageIndex(self.root, dict.fromkeys(file for id_, file in series.items() if file != id_))

    def _by_key(self, key: str) -> Match | None:
        for table, own in ((self._names, _same), (self._stems, _without_suffix)):
            ids = table.get(key, [])
            whole = [id_ for id_ in ids if own(_clean(id_).casefold()) == key]
            if ids:
                return Match(tuple(whole if len(whole) == 1 else ids))
        return None

    def _below_root(self, key: str) -> Match | None:
        """Return the match of an entry that starts above the image folder and passes through it."""
        folder, parts = _clean(self.root.name).casefold(), key.split("/")
        for depth, part in enumerate(parts[:-1], 1):
            rest = "/".join(parts[depth:])
            if part == folder:
                match = self._by_key(rest)
                if match and match.id and _clean(match.id).casefold().startswith(rest):
                    return match
        return None

    def _dropping_folders(self, key: str) -> Match | None:
        parts = key.split("/")
        for depth in range(1, len(parts)):
            match = self._by_key("/".join(parts[depth:]))
            if match:
                return Match(match.ids, loose=True)
        return None

    def _other_suffix(self, key: str) -> Match | None:
        stem = _without_suffix(key)
        if stem == key:
            return None
        match = self._by_key(stem) or self._dropping_folders(stem)
        return Match(match.ids, loose=True) if match else None


def closest(matches: Iterable[Match]) -> Match:
    """Return the clearest of what several names for one image can mean, of equals the first.

    One image is clearer than several, its own name clearer than a loose one.
    """
    return min((one for one in matches if one.ids), key=lambda one: (one.id is None, one.loose), default=Match())


def _is_written(entry: str, id_: str) -> bool:
    """Tell whether an entry and an id have the same letters in what both say, suffix or not."""
    depth = min(entry.count("/"), id_.count("/")) + 1
    ends = [{"/".join(one.split("/")[-depth:]) for one in (whole, _without_suffix(whole))} for whole in (entry, id_)]
    return not ends[0].isdisjoint(ends[1])


def _clean(entry: str) -> str:
    """Return an entry with ``/`` between folders, composed characters, and no leading ``./`` or ``/``."""
    entry = unicodedata.normalize("NFC", entry.strip()).replace("\\", "/")
    while entry.startswith(("./", "/")):
        entry = entry[entry.index("/") + 1 :]
    return entry


def _tails(key: str) -> list[str]:
    parts = key.split("/")
    return ["/".join(parts[depth:]) for depth in range(len(parts))]


def _without_suffix(name: str) -> str:
    stem, suffix = os.path.splitext(name)
    return stem if suffix.lower() in IMAGE_SUFFIXES else name


def _same(key: str) -> str:
    return key
