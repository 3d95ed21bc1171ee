"""A person's sitting made of random deeds, with a diary of what is on the screen that knows nothing of the project.

The diary is written before each deed (what it is about to do) and after it (that the program said it is on disk), each
line forced to disk by itself, so that it is right at any moment at which the process may be killed.
"""

from __future__ import annotations

import base64
import io
import json
import os
import random
import time
import zlib
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_wsss.cli import main as command
from napari_wsss.core import registry
from napari_wsss.core.sources import Source
from napari_wsss.project.project import Project
from napari_wsss.project.records import NewImage
from tests.session.conftest import (
    CLASSES,
    HEIGHT,
    WIDTH,
    Colours,
    Edges,
    Sitting,
    _Entry,
    colours_plan,
    write_checkpoint,
    write_picture,
)

Mask = NDArray[np.uint8]
IDS = tuple(f"p{number}.png" for number in range(5))
DEEDS = {
    **{"stroke": 40, "copy": 6, "machine": 4, "take back": 6, "accept": 14, "undo": 5, "walk": 12, "labels": 6},
    **{
        "skip": 3,
        "flag": 2,
        "exclude": 1,
        "threshold": 3,
        "refine": 1,
        "flush": 3,
        "results": 1,
        "export": 1,
        "note": 1,
    },
}
TRAINING = {"trunk_weights": "none", "epochs": 100, "crop": 32, "batch_size": 2}


@dataclass
class Known:
    """What is known of one image: its masks (H, W) uint8 or none, state and labels."""

    working: Mask | None = None
    accepted: Mask | None = None
    state: str = "todo"
    labels: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return {
            "working": packed(self.working),
            "accepted": packed(self.accepted),
            "state": self.state,
            "labels": self.labels,
        }

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> Known:
        masks = unpacked(record["working"]), unpacked(record["accepted"])
        return cls(*masks, record["state"], tuple(record["labels"]))

    @classmethod
    def stored(cls, project: Project, image_id: str) -> Known:
        """Return what a project holds, read by nothing but the project itself."""
        masks = (project.masks.read_working(image_id), project.masks.read_accepted(image_id))
        working, accepted = (None if mask is None else mask.copy() for mask in masks)
        record = project.catalog.get(image_id)
        return cls(working, accepted, record.state, tuple(sorted(record.labels)))


def packed(mask: Mask | None) -> str | None:
    return None if mask is None else base64.b64encode(zlib.compress(mask.tobytes(), 1)).decode()


def unpacked(text: str | None) -> Mask | None:
    if text is None:
        return None
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8).reshape(HEIGHT, WIDTH)


def same(one: Mask | None, other: Mask | None) -> bool:
    return (one is None) == (other is None) and (one is None or other is None or np.array_equal(one, other))


def put_methods_on_the_shelf() -> None:
    """Make the small localizer of the session's tests known, so that maps and proposals are computed without torch."""
    ours = {"localize": {"colours": _Entry(Colours)}, "affinity": {"edges": _Entry(Edges)}}
    registry._foreign = lambda shelf: ours.get(shelf, {})  # type: ignore[assignment]


def build(root: Path) -> dict[str, Known]:
    """Make a project of five pictures with a model in ``<root>/project``; return what is known of its images."""
    labels = [("red",) if number % 3 == 2 else ("green", "red") for number in range(len(IDS))]
    for number, image_id in enumerate(IDS):
        write_picture(root / "images" / image_id, number)
    images = [NewImage(one, frozenset(names), "train") for one, names in zip(IDS, labels, strict=True)]
    with Project.create(root / "project", root / "images", CLASSES, images) as project:
        write_checkpoint(root / "project")
        project.set_plan(colours_plan())
    return {one: Known(labels=names) for one, names in zip(IDS, labels, strict=True)}


class Diary:
    """Lines of JSON, each on disk when the call returns."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def write(self, event: str, **facts: Any) -> None:
        os.write(self._file, (json.dumps({"event": event, **facts}) + "\n").encode())
        os.fsync(self._file)


def read_diary(path: Path) -> list[dict[str, Any]]:
    """Return the whole lines of a diary; the last one may be torn."""
    found = []
    for line in path.read_bytes().splitlines() if path.exists() else ():
        try:
            found.append(json.loads(line))
        except ValueError:
            break
    return found


@dataclass
class _Decided:
    """An acceptance that can be taken back: what was before, and whether the image was edited since."""

    image_id: str
    before: Known
    edited: bool = False


class Labeler:
    """Works in a session as chance has it, and keeps the diary.

    Parameters
    ----------
    root : Path
        Of `build`.
    known : mapping
        What the project holds now, as verified before.
    diary : Diary
    seed : int
    training : bool
        Start a real training run beside the sitting.
    """

    def __init__(self, root: Path, known: dict[str, Known], diary: Diary, seed: int, training: bool = False) -> None:
        self._root, self._known, self._diary = root, known, diary
        self._chance = random.Random(seed)
        diary.write("opening")
        self._sitting = Sitting(root / "config")
        self.session = self._sitting.session
        self.session.open_project(root / "project")
        diary.write("opened")
        self._layer_undo: list[tuple[str, Mask]] = []
        self._decided: list[_Decided] = []
        self._number = 0
        self.stroke_seconds: list[float] = []
        if training:
            self.session.training.start(self.session.project, "classifier", TRAINING)
            diary.write("training")

    def work(self, deeds: int | None = None) -> None:
        """Do so many more deeds (without end when None)."""
        names, weights = zip(*DEEDS.items(), strict=True)
        last = None if deeds is None else self._number + deeds
        while last is None or self._number < last:
            self._sitting.mailbox.drain()
            self._number += 1
            name = self._chance.choices(names, weights)[0]
            getattr(self, f"_{name.replace(' ', '_')}", self._small)(name)
            if self._chance.random() < 0.3:
                time.sleep(self._chance.random() * 0.02)

    def close(self) -> bool:
        return self.session.close_project()

    # -- the diary --------------------------------------------------------------------------------------------

    @property
    def _shown(self) -> str:
        return self.session.shown_id

    def _about_to(self, kind: str, image_id: str, **after: Any) -> None:
        """Note what will be; `after` names what of `Known` changes."""
        self._diary.write("do", number=self._number, kind=kind, image=image_id, **after)

    def _done(self, kind: str, image_id: str) -> None:
        if not self.session.table.save_state.safe:
            self._diary.write("unsafe", why=self.session.table.save_state.text())
            return
        record, known = self.session.project.catalog.get(image_id), self._known[image_id]
        known.state, known.labels = record.state, tuple(sorted(record.labels))
        self._diary.write("done", number=self._number, kind=kind, image=image_id, **known.to_dict())

    def _refused(self, kind: str, image_id: str) -> None:
        said = self._sitting.notices[-1:] + self._sitting.failures[-1:]
        self._diary.write("refused", number=self._number, kind=kind, image=image_id, said=said)

    # -- deeds ------------------------------------------------------------------------------------------------

    def _paint(self, kind: str, new: Mask) -> None:
        table, image_id = self.session.table, self._shown
        self._about_to(kind, image_id, working=packed(new))
        table.mask[:] = new
        begun = time.perf_counter()
        if kind == "stroke":
            table.touch()
        table.record_change(table.mask)
        self.stroke_seconds.append(time.perf_counter() - begun)
        self._changed(kind, image_id, new)

    def _changed(self, kind: str, image_id: str, new: Mask) -> None:
        self._known[image_id].working = new.copy()
        for decided in self._decided:
            decided.edited |= decided.image_id == image_id
        self._done(kind, image_id)

    def _stroke(self, kind: str) -> None:
        before, chance = self.session.table.mask.copy(), self._chance
        height, width = chance.randint(1, 8), chance.randint(1, 10)
        top, left = chance.randint(0, HEIGHT - height), chance.randint(0, WIDTH - width)
        new = before.copy()
        new[top : top + height, left : left + width] = chance.choice([0, 1, 2, 3, 255])
        if not np.array_equal(new, before):
            self._layer_undo.append((self._shown, before))
            self._paint(kind, new)

    def _take_back(self, kind: str) -> None:
        if self._layer_undo and self._layer_undo[-1][0] == self._shown:
            new = self._layer_undo.pop()[1]
            if not np.array_equal(new, self.session.table.mask):
                self._paint(kind, new)

    def _copy(self, kind: str) -> None:
        decisions = self.session.decisions
        value, only_empty = self._chance.choice([None, 1, 2]), self._chance.random() < 0.5
        new = decisions.copy_proposal(value, only_empty)
        if new is not None:
            self._replace(kind, new, decisions.proposal_source(), decisions.copied_pixels(value, only_empty))

    def _machine(self, kind: str) -> None:
        new, top = self.session.table.mask.copy(), self._chance.randint(0, HEIGHT - 5)
        new[top : top + 5] = self._chance.choice([0, 1, 2])
        self._replace(kind, new, Source("clean-up", method="test"), None)

    def _replace(self, kind: str, new: Mask, source: Source, claimed: NDArray[np.bool_] | None) -> None:
        image_id, before, new = self._shown, self.session.table.mask.copy(), new.copy()
        self._about_to(kind, image_id, working=packed(new))
        self._layer_undo.append((image_id, before))
        self.session.table.replace_mask(new.copy(), source, claimed)
        was = self._known[image_id].working
        if was is None and np.array_equal(new, before):  # who made the pixels may have changed, or nothing
            stored = self.session.project.masks.read_working(image_id)
            self._known[image_id].working = stored
            self._done(kind, image_id)
        else:
            self._changed(kind, image_id, new)

    def _accept(self, kind: str) -> None:
        table, image_id = self.session.table, self._shown
        known, proposal = self._known[image_id], table.proposal
        meant = table.mask if table.mask_is_touched or (proposal is None and not known.labels) else proposal
        if meant is None:
            return
        meant = meant.copy()
        self._about_to(kind, image_id, working=packed(meant), accepted=packed(meant))
        before = Known(known.working, known.accepted, known.state, known.labels)
        and_next = self._chance.random() < 0.6
        if not self.session.decisions.accept(and_next) and not self.session.decisions.accept(and_next):
            self._refused(kind, image_id)
            return
        if before.state != "accepted" or not same(before.accepted, meant):
            self._decided.append(_Decided(image_id, before))
        known.working, known.accepted = meant, meant.copy()
        self._layer_undo.clear()
        self._done(kind, image_id)

    def _undo(self, kind: str) -> None:
        if not self._decided:
            return
        decided = self._decided.pop()
        image_id, known = decided.image_id, self._known[decided.image_id]
        working = known.working if decided.edited else decided.before.working
        self._about_to(kind, image_id, working=packed(working), accepted=packed(decided.before.accepted))
        self.session.decisions.undo()
        found = Known.stored(self.session.project, image_id)
        if not (same(found.working, working) and same(found.accepted, decided.before.accepted)):
            self._diary.write("wrong", what="undo", image=image_id, edited=decided.edited)
        known.working, known.accepted = found.working, found.accepted
        self._layer_undo.clear()
        self._done(kind, image_id)

    def _labels(self, kind: str) -> None:
        names = tuple(sorted(self._chance.sample(CLASSES.names, self._chance.randint(0, 3))))
        self._about_to(kind, self._shown, labels=names)
        self.session.labels.set(self._shown, names)
        self._done(kind, self._shown)

    def _skip(self, kind: str) -> None:
        image_id, decisions = self._shown, self.session.decisions
        self._about_to(kind, image_id)
        done = {"skip": decisions.skip, "flag": decisions.toggle_flag, "exclude": decisions.exclude}[kind]()
        self._decided.clear()
        self._layer_undo.clear()
        (self._done if done else self._refused)(kind, image_id)

    _flag = _exclude = _skip

    def _walk(self, _kind: str) -> None:
        navigation = self.session.navigation
        self._chance.choice([navigation.next, navigation.previous, navigation.next_undecided])()
        self._layer_undo.clear()

    def _export(self, _kind: str) -> None:
        folder = self._root / "out" / str(self._number)
        with redirect_stdout(io.StringIO()):
            command(["export", "--project", str(self._root / "project"), "--out", str(folder), "--overwrite"])

    def _results(self, _kind: str) -> None:
        self.session.project.store.clear()
        self.session.inference.start()

    def _small(self, kind: str) -> None:
        if kind == "threshold":
            self.session.sliders.set_threshold(self._chance.choice([0.1, 0.3, 0.5, 0.7]))
        elif kind == "refine":
            self.session.inference.refine()
        elif kind == "flush":
            self.session.flush()
        elif kind == "note":
            self.session.decisions.set_note(str(self._number))
