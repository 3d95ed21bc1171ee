"""A labeler's hands and all that goes on around them, in any order; knows which pixel is whose after every deed.

The layer's undo is napari's: whole steps, forgotten when another image is shown.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path

import numpy as np
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from napari_wsss.core.sources import NOTHING, PERSON, Source
from napari_wsss.project.project import Project
from napari_wsss.project.sourced_masks import SourcedMask
from tests.session.conftest import HEIGHT, WIDTH, Sitting, build_project, colours_plan, write_checkpoint

IMAGES = ("p0.png", "p1.png", "p2.png")
ROWS = st.integers(0, HEIGHT - 4).map(lambda start: slice(start, start + 5))
VALUES = st.integers(0, 3)
Drawn = tuple[np.ndarray, np.ndarray]
"""Values, and owners: 0 nobody, -1 the person, else 1 + place among the machine sources that were seen."""


WALKS = (
    *("decisions.skip", "decisions.exclude", "decisions.toggle_flag"),
    *("navigation.next", "navigation.previous", "navigation.next_undecided", "flush"),
)


class Hands(RuleBasedStateMachine):
    """Does what a person can do, and what machines do meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        root = Path(self.folder.name)
        write_checkpoint(build_project(root, len(IMAGES)))
        self.project_folder = root / "project"
        with Project.open(self.project_folder) as project:
            project.set_plan(colours_plan())
        self.machines: list[Source] = []
        self.models = 0
        self.masks: dict[str, Drawn] = {}
        self.accepted: dict[str, Drawn] = {}
        self.open()

    def open(self) -> None:
        self.sitting = Sitting(Path(self.folder.name) / "config")
        self.session = self.sitting.session
        self.session.open_project(self.project_folder)
        self.arrive()

    def teardown(self) -> None:
        self.sitting.settle()
        self.check()
        assert self.session.close_project()
        refused = "Use undo to take back a decision"
        assert [failure for failure in self.sitting.failures if refused not in failure] == []
        self.folder.cleanup()

    # -- what is known ----------------------------------------------------------------------------------------

    @property
    def project(self) -> Project:
        assert self.session.project is not None
        return self.session.project

    @property
    def shown(self) -> str:
        return str(self.session.table.image_id)

    @property
    def drawn(self) -> Drawn:
        blank = np.zeros((HEIGHT, WIDTH), np.uint8), np.zeros((HEIGHT, WIDTH), int)
        return self.masks.get(self.shown, blank)

    def arrive(self) -> None:
        self.done: list[Drawn] = []
        self.undone: list[Drawn] = []

    def owner_of(self, source: Source) -> int:
        if source not in self.machines:
            self.machines.append(source)
        return self.machines.index(source) + 1

    def owners_in(self, mask: SourcedMask) -> np.ndarray:
        found = np.zeros(mask.values.shape, int)
        for value in np.unique(mask.sources.values):
            source = mask.sources.source_of(int(value))
            owner = {NOTHING: 0, PERSON: -1}.get(int(value)) if source is None else self.owner_of(source)
            found[mask.sources.values == value] = owner
        return found

    def changed_by(self, values: np.ndarray, owner: int, claimed: np.ndarray | None = None) -> None:
        """Note a deed: the mask is `values` now, and what changed is `owner`'s."""
        before, owners = self.drawn
        changed = values != before
        whose = changed if claimed is None else changed | (claimed & (owners != -1))
        if changed.any():
            self.done.append((before.copy(), owners.copy()))
            self.undone.clear()
        if (whose.any() and not np.array_equal(owners[whose], np.full(whose.sum(), owner))) or changed.any():
            self.masks[self.shown] = values.copy(), np.where(whose, owner, owners)

    # -- the person's pixels ----------------------------------------------------------------------------------

    @rule(rows=ROWS, value=VALUES)
    def paint(self, rows: slice, value: int) -> None:
        self.sitting.paint(value, rows, slice(2, 20))
        self.changed_by(self.session.table.mask, -1)  # type: ignore[arg-type]

    @rule(value=st.none() | st.integers(1, 2), only_empty=st.booleans())
    def copy(self, value: int | None, only_empty: bool) -> None:
        values = self.session.decisions.copy_proposal(value, only_empty)
        if values is None:
            return
        source, copied = (
            self.session.decisions.proposal_source(),
            self.session.decisions.copied_pixels(value, only_empty),
        )
        if only_empty:
            self.keeps_the_persons(values)
        self.session.table.replace_mask(values, source, copied)
        self.changed_by(values, self.owner_of(source), copied)

    @rule(rows=ROWS, value=VALUES, kind=st.sampled_from(["propagated", "clean-up"]), protect=st.booleans())
    def machine_step(self, rows: slice, value: int, kind: str, protect: bool) -> None:
        assert self.session.table.mask is not None
        values = self.session.table.mask.copy()
        values[rows] = value
        if protect:
            person = self.session.table.person_pixels
            assert person is not None
            values[person] = self.session.table.mask[person]
            self.keeps_the_persons(values)
        source = Source(kind, method=f"to {value}")  # type: ignore[arg-type]
        self.session.table.replace_mask(values, source)
        self.changed_by(values, self.owner_of(source))

    @rule(name=st.sampled_from(["red", "green"]))
    def remove_label(self, name: str) -> None:
        before = self.drawn[0].copy()
        assert self.session.labels.remove(name)
        mask = self.session.table.mask
        assert mask is not None
        value = self.project.classes.mask_value(name)
        assert (before[mask != before] == value).all()
        if (mask != before).any():
            self.changed_by(mask, self.owner_of(Source("label", method=name)))

    @rule()
    def undo(self) -> None:
        self.travel(self.done, self.undone)

    @rule()
    def redo(self) -> None:
        self.travel(self.undone, self.done)

    def travel(self, here: list[Drawn], there: list[Drawn]) -> None:
        doubtful = bool(here and there and np.array_equal(here[-1][0], there[-1][0]))
        if not here or doubtful:  # where undo and redo give the same mask, nobody could tell them apart
            return
        there.append(self.drawn)
        self.masks[self.shown] = here.pop()
        assert self.session.table.mask is not None
        self.session.table.mask[:] = self.drawn[0]
        self.session.table.record_change(self.session.table.mask)

    def keeps_the_persons(self, values: np.ndarray) -> None:
        before, owners = self.drawn
        np.testing.assert_array_equal(values[owners == -1], before[owners == -1])

    # -- decisions --------------------------------------------------------------------------------------------

    @rule(and_next=st.booleans())
    def accept(self, and_next: bool) -> None:
        image_id, proposal, meant = self.shown, self.session.table.proposal, self.masks.get(self.shown)
        if meant is not None and image_id not in self.accepted and not (meant[0].any() or meant[1].any()):
            meant = None  # what was painted and undone counts as untouched
        if meant is None and proposal is not None:
            meant = proposal.copy(), np.full(proposal.shape, self.owner_of(self.session.decisions.proposal_source()))
        if not self.session.decisions.accept(and_next):
            return
        meant = meant or self.drawn
        changes = not np.array_equal(meant[0], self.drawn[0])
        if changes and self.shown == image_id:
            self.done.append(self.drawn)
            self.undone.clear()
        self.masks[image_id] = self.accepted[image_id] = meant
        self.left(image_id)

    @rule()
    def undo_decision(self) -> None:
        self.session.decisions.undo()
        self.arrive()
        for name in IMAGES:  # what is restored is tested in core; here only that nothing else moves it
            for known, accepted in ((self.masks, False), (self.accepted, True)):
                found = self.project.masks.accepted(name) if accepted else self.project.masks.working(name)
                known.pop(name, None)
                if found is not None:
                    known[name] = found.values, self.owners_in(found)

    @rule(verb=st.sampled_from(WALKS))
    def walk(self, verb: str) -> None:
        before = self.shown
        attrgetter(verb)(self.session)()
        self.left(before)

    def left(self, image_id: str) -> None:
        if self.shown != image_id:
            self.arrive()

    # -- machines ---------------------------------------------------------------------------------------------

    @rule(gain=st.sampled_from([0.5, 0.8, 1.0]))
    def apply_another_model(self, gain: float) -> None:
        self.models += 1
        relative = f"training/classifier-{self.models}/best.safetensors"
        write_checkpoint(self.project_folder, gain, relative)
        self.project.set_plan(colours_plan(checkpoint=relative))
        self.session.inference.refine()

    @rule(threshold=st.sampled_from([0.1, 0.4, 0.7]))
    def move_the_slider(self, threshold: float) -> None:
        self.session.sliders.set_threshold(threshold)

    @rule(labels=st.sampled_from([["red"], ["green"], ["red", "blue"], []]))
    def set_labels(self, labels: list[str]) -> None:
        self.session.labels.set(self.shown, labels)

    @rule()
    def forget_results(self) -> None:
        self.sitting.settle()
        self.project.store.clear()
        self.session.inference.start()

    @rule()
    def results_arrive_late(self) -> None:
        self.sitting.settle()

    # -- the program ------------------------------------------------------------------------------------------

    @rule()
    def restart(self) -> None:
        self.session.close_project()
        self.open()

    @rule()
    def crash(self) -> None:
        """What lies on the disk now is all that a program finds that is started after a crash."""
        self.sitting.settle()
        copy = Path(self.folder.name) / "crashed"
        shutil.copytree(self.project_folder, copy, ignore=shutil.ignore_patterns("project.lock", "results"))
        with Project.open(copy) as project:
            self.check_project(project)
        shutil.rmtree(copy)

    # -- always -----------------------------------------------------------------------------------------------

    @invariant()
    def check(self) -> None:
        self.sitting.mailbox.drain()
        self.check_project(self.project)
        values, owners = self.drawn
        np.testing.assert_array_equal(self.session.table.mask, values)
        sources = self.session.table.sources
        assert sources is not None
        np.testing.assert_array_equal(self.owners_in(SourcedMask(values, sources)), owners)

    def check_project(self, project: Project) -> None:
        for name, accepted, expected in self.expected():
            found = project.masks.accepted(name) if accepted else project.masks.working(name)
            assert (found is None) == (expected is None), name
            if found is not None and expected is not None:
                np.testing.assert_array_equal(found.values, expected[0])
                np.testing.assert_array_equal(self.owners_in(found), expected[1])

    def expected(self) -> Iterator[tuple[str, bool, Drawn | None]]:
        for name in IMAGES:
            yield name, False, self.masks.get(name)
            yield name, True, self.accepted.get(name)
