"""Which images a worker computes: blocks of a list, leased one after another, so that no image is computed twice.

The list is a project's catalog, or the pictures of a folder. The blocks are the same whatever a run chooses of it, so
that two runs with different wishes keep out of each other's way too. A worker that is part i of n begins with every
n-th block. Blocks that others hold it comes back to: their images are then stored, or their holder died. Then it looks
for parts whose worker died, and does what is left of them. Memory does not grow with the number of images.
"""

from __future__ import annotations

import hashlib
import time
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Protocol

from napari_wsss.core.errors import ParameterError
from napari_wsss.core.inside import below
from napari_wsss.core.provenance import Provenance
from napari_wsss.project.criteria import Criteria
from napari_wsss.project.project import Project
from napari_wsss.project.sharing.leases import SECONDS, Lease, Leases
from napari_wsss.project.states import STATES

LEASES = "leases"
"""Below a project's results: gone with them, which at worst lets an image be computed twice."""
BLOCK = 16
"""Images that are leased together: few enough for 100 images to be shared among 4, and one file for 16 results."""
POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Part:
    """Part `number` (from 1) of `count` equal ones."""

    number: int = 1
    count: int = 1

    @classmethod
    def parsed(cls, words: str) -> Part:
        """Return the part that is written as ``3/10``.

        Raises
        ------
        ParameterError
            For anything else, and for a part that there is not.
        """
        number, slash, count = words.partition("/")
        if slash and number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count):
            return cls(int(number), int(count))
        raise ParameterError(
            f"{words!r} is no part of a whole; expected i/n with i from 1 to n, such as 3/10.", name="shard"
        )

    def split(self, count: int) -> list[Part]:
        """Return this part in `count` equal ones."""
        return [Part((self.number - 1) * count + at, self.count * count) for at in range(1, count + 1)]

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"


WHOLE = Part()


class Chosen(Protocol):
    """Images that are to be computed, by blocks of a list; `key` tells which of them were chosen."""

    key: str

    def blocks(self) -> Sequence[int]:
        """Return the numbers of the blocks in which there may be some, in the list's order."""

    def of_block(self, block: int) -> list[str]:
        """Return the ids in a block."""

    def __len__(self) -> int:
        """Return how many there are."""


class Listed:
    """Images of a list that are to be computed, by blocks of that list.

    Parameters
    ----------
    ids : sequence of str
        All of them, in their order.
    chosen : collection of str, optional
        Just these.
    """

    def __init__(self, ids: Sequence[str], chosen: Collection[str] | None = None) -> None:
        self._ids = ids
        self._chosen = None if chosen is None else frozenset(chosen)
        self.key = _key_of(None if self._chosen is None else sorted(self._chosen))

    def blocks(self) -> Sequence[int]:
        """Return the numbers of all blocks."""
        return range(-(-len(self._ids) // BLOCK))

    def of_block(self, block: int) -> list[str]:
        """Return the ids in a block."""
        found = self._ids[block * BLOCK : (block + 1) * BLOCK]
        return [one for one in found if self._chosen is None or one in self._chosen]

    def __len__(self) -> int:
        return len(self._ids) if self._chosen is None else sum(one in self._chosen for one in self._ids)


def of_part(chosen: Chosen, part: Part) -> Iterator[str]:
    """Yield the images that a part is responsible for, in the list's order."""
    return (image_id for block in _blocks_of(chosen, part) for image_id in chosen.of_block(block))


def _blocks_of(chosen: Chosen, part: Part) -> Sequence[int]:
    return chosen.blocks()[part.number - 1 :: part.count]


def _key_of(what: object) -> str:
    return hashlib.sha256(repr(what).encode()).hexdigest()[:12]


class Selection:
    """Images of a project that are to be computed, by blocks of the catalog.

    Parameters
    ----------
    project : Project
    ids : sequence of str, optional
        Just these; `ProjectError` for one the project does not have.
    states : sequence of str, optional
        In these review states; all but excluded ones without it.
    split : str, optional
    """

    def __init__(
        self,
        project: Project,
        ids: Sequence[str] | None = None,
        states: Sequence[str] | None = None,
        split: str | None = None,
    ) -> None:
        self._catalog = project.catalog
        wanted = states or [state for state in STATES if state != "excluded"]
        self._criteria = Criteria(states=tuple(wanted), split=split)
        self._named: dict[int, list[str]] | None = None if ids is None else {}
        for image_id in dict.fromkeys(ids or ()):
            assert self._named is not None
            self._named.setdefault(self._catalog.position(image_id) // BLOCK, []).append(image_id)
        self.key = _key_of((sorted(self._named.items()) if self._named is not None else None, sorted(wanted), split))

    def blocks(self) -> Sequence[int]:
        """Return the numbers of the blocks in which there may be some, in catalog order."""
        return range(-(-len(self._catalog) // BLOCK)) if self._named is None else sorted(self._named)

    def of_block(self, block: int) -> list[str]:
        """Return the ids in a block."""
        if self._named is not None:
            return self._named[block]
        return self._catalog.block(block * BLOCK, BLOCK, self._criteria)

    def __iter__(self) -> Iterator[str]:
        return (image_id for block in self.blocks() for image_id in self.of_block(block))

    def __len__(self) -> int:
        return self._catalog.count(self._criteria) if self._named is None else sum(map(len, self._named.values()))


class Work(Protocol):
    """Images handed out one by one; asked for more as long as `expected` says that some are left."""

    @property
    def expected(self) -> int:
        """How many images there are, as far as is known."""

    def next(self) -> str | None:
        """Return the next image; None when there is none at present, or no more: `is_done` tells."""

    @property
    def is_done(self) -> bool:
        """True when there is nothing left to hand out."""

    def finished(self, image_id: str) -> None:
        """Hear that an image was dealt with: what came of it is on disk."""

    def wait(self) -> None:
        """Wait a moment for others, before `next` is asked again."""


class Alone:
    """Work on images that nobody else is expected to work on, in the given order."""

    def __init__(self, ids: Iterable[str]) -> None:
        self._ids = deque(ids)
        self.expected = len(self._ids)

    def next(self) -> str | None:
        """Return the next image, None at the end."""
        return self._ids.popleft() if self._ids else None

    @property
    def is_done(self) -> bool:
        """True after the last one."""
        return not self._ids

    def finished(self, image_id: str) -> None:
        """Keep no account."""

    def wait(self) -> None:
        """Wait for nobody."""


@dataclass
class _Open:
    """A block whose lease is held, and the images of it that are not dealt with yet."""

    block: int
    lease: Lease
    waiting: deque[str]
    running: set[str] = field(default_factory=set)


class Share:
    """Work that is shared with other processes, here and on other machines; a context manager.

    Parameters
    ----------
    chosen : Chosen
        A project's `Selection`, or what is `Listed`.
    folder : Path
        Where the leases lie (`lease_folder`): who computes the same, and keeps out of the way, has the same.
    part : Part
        Which part of the images this worker is responsible for.
    seconds : float
        How long its leases hold without being renewed.
    """

    def __init__(
        self,
        chosen: Chosen,
        folder: Path,
        part: Part = WHOLE,
        seconds: float = SECONDS,
    ) -> None:
        self._chosen, self._part = chosen, part
        self._leases = Leases(folder, seconds)
        self._blocks = deque(_blocks_of(chosen, part))
        self._refused = 0  # blocks that others hold, one after another
        self._open: dict[str, _Open] = {}
        self._giving: _Open | None = None
        self._leases.take(self._name_of(part))  # while it lasts, others know that this worker is there
        self._taken_over: Lease | None = None
        self.expected = -(-len(chosen) // part.count)

    def __enter__(self) -> Share:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leases.close()

    # -- handing out --------------------------------------------------------------------------------------

    def next(self) -> str | None:
        """Return the next image under a lease; None while others hold all that is left, and at the end."""
        while self._giving is None:
            if self._blocks and self._refused < len(self._blocks):
                self._giving = self._leased(self._blocks.popleft())
            elif self._blocks or self._open or not self._take_over_a_part():
                return None
        one = self._giving
        if not one.lease.is_held:  # it slept, and was taken for dead
            self._giving = None
            self._blocks.append(one.block)
            return self.next()
        image_id = one.waiting.popleft()
        one.running.add(image_id)
        self._open[image_id] = one
        if not one.waiting:
            self._giving = None
        return image_id

    @property
    def is_done(self) -> bool:
        """True when all images of the part, and of those of dead workers, are dealt with."""
        return not (self._blocks or self._open or self._giving)

    def finished(self, image_id: str) -> None:
        """Give a block back when the last of its images was dealt with."""
        one = self._open.pop(image_id)
        one.running.discard(image_id)
        if not one.running and not one.waiting:
            self._leases.release(one.lease)

    def wait(self) -> None:
        """Give others a moment, then try again what they held."""
        time.sleep(POLL_SECONDS)
        self._refused = 0

    def _leased(self, block: int) -> _Open | None:
        ids = self._chosen.of_block(block)
        if not ids:
            return None
        lease = self._leases.take(f"block-{block}")
        if lease is None:
            self._blocks.append(block)
            self._refused += 1
            return None
        self._refused = 0
        return _Open(block, lease, deque(ids))

    # -- parts of others ----------------------------------------------------------------------------------

    def _take_over_a_part(self) -> bool:
        """Take over the part of a worker that died, where there is one; tell whether there was."""
        if self._taken_over is not None:
            self._leases.release(self._taken_over)
            self._taken_over = None
        names = {self._name_of(part): part for part in WHOLE.split(self._part.count)}
        for held in self._leases.holdings():
            if held.name in names and held.is_over:
                self._taken_over = self._leases.take(held.name)
                if self._taken_over is not None:
                    self._blocks.extend(_blocks_of(self._chosen, names[held.name]))
                    self.expected += -(-len(self._chosen) // self._part.count)
                    return True
        return False

    def _name_of(self, part: Part) -> str:
        return f"part-{part.number}-of-{part.count}-{self._chosen.key}"


def lease_folder(project: Project, kind: Provenance) -> Path:
    """Return where the leases lie of those who compute this first of a project's images (their base maps)."""
    return below(project.store.folder, f"{LEASES}/{kind.step}-{kind.key}")
