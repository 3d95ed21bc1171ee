from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from PIL import Image

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import LabelError, ProjectError
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.plan import Plan, Step
from napari_wsss.core.provenance import Provenance
from napari_wsss.project import database
from napari_wsss.project.journal import Journal
from napari_wsss.project.project import Project
from napari_wsss.project.records import NewImage
from tests.tiny_project import HEIGHT, IDS, WIDTH

A = "a.png"


# -- creating and opening -----------------------------------------------------------------------------------


def test_an_existing_project_is_never_overwritten(project: Project, images_root: Path) -> None:
    project.close()
    before = (project.folder / "project.sqlite").read_bytes()
    with pytest.raises(ProjectError, match="already holds a project"):
        Project.create(project.folder, images_root, ClassList(("x",)), [])
    assert (project.folder / "project.sqlite").read_bytes() == before
    Project.open(project.folder).close()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ProjectError, match=r"file/project cannot be made .*choose a place"):
        Project.create(tmp_path / "file/project", tmp_path, ClassList(["cat"]), [])


def test_everything_is_there_after_opening_again(project: Project, mask: np.ndarray) -> None:
    plan = Plan(refiners=(Step("power_background", {"alpha": 2.0}),))
    project.set_plan(plan)
    project.review.accept(A, mask)
    records = list(project.catalog.records())
    project.close()
    for again in (Project.open(project.folder), Project.open(project.folder / "project.sqlite", read_only=True)):
        with again:
            assert list(again.catalog.records()) == records
            assert again.plan == plan
            assert again.classes == project_classes()
            assert np.array_equal(again.masks.read_accepted(A), mask)


def project_classes() -> ClassList:
    return ClassList(("cat", "dog", "wild boar"))


def test_no_project_is_told(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"no project\.sqlite"):
        Project.open(tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()


def test_second_instance_reads_and_sees_changes(project: Project, mask: np.ndarray) -> None:
    with pytest.raises(ProjectError) as raised:
        Project.open(project.folder)
    assert raised.value.read_only_possible
    with Project.open(project.folder, read_only=True) as reader:
        assert reader.read_only
        project.review.accept(A, mask)
        project.add_class("cow")
        assert reader.catalog.state(A) == "accepted"
        assert np.array_equal(reader.masks.read_accepted(A), mask)
        assert reader.classes.names[-1] == "cow"
        for change in (lambda: reader.set_labels(A, []), lambda: reader.set_plan(Plan(localizer=Step("x")))):
            with pytest.raises(ProjectError, match="read-only"):
                change()
    project.set_note(A, "still open for writing")


def test_closing_twice_and_using_after_closing(project: Project) -> None:
    project.close()
    project.close()
    assert not (project.folder / "project.lock").exists()
    with pytest.raises(ProjectError, match="closed"):
        len(project.catalog)


def test_a_failed_backup_keeps_no_project_shut(project: Project) -> None:
    project.set_note(A, "changed")
    shutil.rmtree(project.folder / "backups")
    (project.folder / "backups").write_text("a file where the folder should be")
    project.close()
    assert "No backup" in project.backup_error
    with Project.open(project.folder, read_only=True) as read:
        assert "open it for writing" in read.backup_error
    with Project.open(project.folder) as again:
        assert again.catalog.get(A).note == "changed"
        assert "make room" in again.backup_error
        with Project.open(project.folder, read_only=True) as read:
            assert read.backup_error == "", "whoever has it open will make one"
        (project.folder / "backups").unlink()
    assert again.backup_error == ""
    with Project.open(project.folder, read_only=True) as read:
        assert read.backup_error == ""


def test_a_project_on_a_read_only_disk_can_be_read(
    project: Project, mask: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.review.accept(A, mask)
    project.close()
    opened = database._open

    def like_a_read_only_disk(uri: str, statements: Any) -> Any:
        if "immutable" not in uri:
            import sqlite3

            raise sqlite3.OperationalError("unable to open database file")
        return opened(uri, statements)

    monkeypatch.setattr(database, "_open", like_a_read_only_disk)
    with Project.open(project.folder, read_only=True) as reader:
        assert np.array_equal(reader.masks.read_accepted(A), mask)


# -- settings and labels ------------------------------------------------------------------------------------


def test_labels_are_journaled_and_marked(project: Project) -> None:
    project.set_labels(A, ["wild boar", "cat"])
    record = project.catalog.get(A)
    assert (record.labels, record.label_changed) == ({"cat", "wild boar"}, True)
    entry = project.journal.recent(1)[0]
    assert (entry.kind, entry.before, entry.after) == ("labels", ["cat", "dog"], ["cat", "wild boar"])
    project.set_labels(A, {"cat", "wild boar"})
    assert len(project.journal.recent(9)) == 1
    with pytest.raises(LabelError):
        project.set_labels(A, ["wolf"])
    assert len(project.journal.recent(9)) == 1


def test_classes_are_added_and_renamed_without_moving_values(project: Project) -> None:
    project.set_plan(Plan().with_override("class:dog", "power_background", {"alpha": 9}))
    project.add_class("cow")
    project.rename_class("dog", "hound")
    assert project.classes.names == ("cat", "hound", "wild boar", "cow")
    assert project.catalog.get(A).labels == {"cat", "hound"}
    assert project.plan.overrides == {"class:hound": {"power_background": {"alpha": 9}}}
    for wrong in (lambda: project.add_class("cat"), lambda: project.rename_class("cat", "hound")):
        with pytest.raises(LabelError):
            wrong()
    with pytest.raises(LabelError, match="wolf"):
        project.rename_class("wolf", "fox")
    assert project.classes.names == ("cat", "hound", "wild boar", "cow")


def test_a_set_plan_is_journaled_once(project: Project) -> None:
    assert project.plan == Plan()
    plan = Plan(localizer_checkpoint="training/x/best.safetensors")
    project.set_plan(plan)
    project.set_plan(plan)
    (entry,) = project.journal.recent(9)
    assert (Plan.from_dict(entry.before), Plan.from_dict(entry.after)) == (Plan(), plan)


def test_deep_pictures_are_scaled_as_the_project_says(project: Project) -> None:
    values = np.arange(HEIGHT * WIDTH, dtype=np.uint16).reshape(HEIGHT, WIDTH) * 100
    Image.fromarray(values).save(project.image_path(A))
    usual, content = project.load_image(A), project.pixels_hash(A)
    assert "0.1..99.9 %" in usual.note
    assert content == project.image_hash(A)
    project.set_deep_percentiles(20, 80)
    scaled = project.load_image(A)
    assert "20..80 %" in scaled.note
    assert (scaled.pixels == 255).sum() > (usual.pixels == 255).sum()
    assert project.pixels_hash(A) not in (content, project.image_hash(A))
    with Project.open_to_read(project.folder) as again:
        assert again.deep_percentiles == (20, 80)
    for wrong in ((80, 20), (-1, 50), (0, 101), (float("nan"), 50)):
        with pytest.raises(ProjectError, match="expected 0"):
            project.set_deep_percentiles(*wrong)
    project.set_deep_percentiles(0.1, 99.9)
    assert project.pixels_hash(A) == content


def test_images_are_added_later_at_the_end(project: Project, images_root: Path) -> None:
    Image.new("RGB", (8, 6)).save(images_root / "c.png")
    assert project.add_images([NewImage("c.png", frozenset({"dog"}))]) == 1
    assert list(project.catalog.ids()) == [*IDS, "c.png"]
    with pytest.raises(ProjectError, match="twice"):
        project.add_images([NewImage("d.png"), NewImage(A)])
    assert len(project.catalog) == 5
    assert project.load_image("c.png").pixels.shape == (6, 8, 3)


def test_folders_of_people_and_machines_are_apart(project: Project) -> None:
    folders = [
        project.results_folder,
        project.training_folder,
        project.masks.accepted_path(A),
        project.masks.draft_path(A),
    ]
    tops = {path.relative_to(project.folder).parts[0] for path in folders}
    assert tops == {"results", "training", "masks", "drafts"}


def test_gui_thread_and_job_thread_share_one_project(project: Project, mask: np.ndarray) -> None:
    provenance = Provenance("localize.cam")

    def job() -> int:
        seen = 0
        for image_id in [*IDS] * 8:
            image_hash = project.image_hash(image_id)
            project.store.write_mask(provenance, image_id, image_hash, mask)
            project.catalog.set_score(image_id, 0.5)
            seen += project.store.read_mask(provenance, image_id, image_hash) is not None
        return seen

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(job)
        rounds = 0
        while not running.done() or rounds < 4:
            image_id = IDS[rounds % 4]
            project.review.record_stroke(image_id, np.array([rounds % 48]), np.array([1], np.uint8))
            project.review.accept(image_id, mask)
            project.review.undo()
            rounds += 1
        assert running.result() == 32
    assert all(record.score == 0.5 and record.state == "draft" for record in project.catalog.records())


# -- killed in the middle -----------------------------------------------------------------------------------

PAINTER = """
import sys
import numpy as np
from napari_wsss.project.project import Project

project = Project.open(sys.argv[1])
mask = project.masks.read_working("a.png")
mask = np.zeros((6, 8), np.uint8) if mask is None else mask.copy()
number = int(sys.argv[2])
while True:
    number += 1
    place, value = number % 48, number // 48 % 4
    mask.flat[place] = value
    project.review.record_stroke("a.png", np.array([place]), np.array([value], np.uint8))
    if number % 3 == 0:
        project.review.save_draft("a.png", mask)
    if number % 7 == 0:
        project.review.accept("a.png", mask)
    print(number, flush=True)
"""


def painted(number: int) -> np.ndarray:
    mask = np.zeros(48, np.uint8)
    for stroke in range(1, number + 1):
        mask[stroke % 48] = stroke // 48 % 4
    return mask.reshape(HEIGHT, WIDTH)


def test_what_was_reported_saved_survives_kill(project: Project) -> None:
    project.close()
    reported = 0
    for patience in (0.0, 0.013, 0.05):
        command = [sys.executable, "-c", PAINTER, str(project.folder), str(reported)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            reported = int(child.stdout.readline())
            time.sleep(patience)
            child.kill()
            lines = child.stdout.read().splitlines()
        reported = int(lines[-1]) if lines else reported
        last_accept = reported // 7 * 7
        with Project.open(project.folder) as again:
            found = again.masks.read_working(A)
            assert found is not None
            # The stroke after the last report may have reached the disk as well.
            if not np.array_equal(found, painted(reported)):
                reported += 1
                assert np.array_equal(found, painted(reported))
            # That stroke may be there and its acceptance not yet.
            if last_accept:
                accepted = again.masks.read_accepted(A)
                assert any(np.array_equal(accepted, painted(n)) for n in (last_accept, reported))
            assert again._database.check() == ""
            litter = [path for path in (again.folder / "masks").glob("*") if path.suffix == ".png"]
            assert len(litter) <= 1


# -- any sequence of actions --------------------------------------------------------------------------------

ids = st.sampled_from(IDS[:2])
values = st.integers(0, 3)
CAM = Provenance("localize.cam")


def replay_journal(project: Project) -> dict[str, tuple[str, list[str]]]:
    """Return state and labels of every image as the journal's entries, in order, make them."""
    found = {image_id: ("todo", ["cat"]) for image_id in IDS[:2]}
    for entry in project.journal.entries():
        if entry.image_id is None or entry.kind == "stroke":
            continue
        state, labels = found[entry.image_id]
        if entry.kind == "labels":
            assert entry.before == labels
            found[entry.image_id] = (state, entry.after)
        else:
            assert entry.before["state"] == state
            found[entry.image_id] = (entry.after["state"], labels)
    return found


class Review(RuleBasedStateMachine):
    """A model of the project in plain dictionaries, beside the real one."""

    def __init__(self) -> None:
        super().__init__()
        # Waiting for the disk is tested elsewhere; without it many more sequences are tried.
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(os, "fsync", lambda _: None)
        self.patch.setattr(database, "WRITER_SETTINGS", (*database.WRITER_SETTINGS, "PRAGMA synchronous = OFF"))

    @initialize()
    def create(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        for image_id in IDS[:2]:
            Image.new("RGB", (WIDTH, HEIGHT)).save(self.folder / image_id)
        images = [NewImage(image_id, frozenset({"cat"})) for image_id in IDS[:2]]
        self.project = Project.create(self.folder / "p", self.folder, project_classes(), images)
        self.accepted: dict[str, np.ndarray] = {}
        self.drafts: dict[str, np.ndarray] = {}
        self.labels = {image_id: ["cat"] for image_id in IDS[:2]}
        self.history: list[tuple[str, np.ndarray | None]] = []

    def teardown(self) -> None:
        if hasattr(self, "project"):
            self.project.close()
            shutil.rmtree(self.folder)
        self.patch.undo()

    @rule(image_id=ids, place=st.integers(0, HEIGHT * WIDTH - 1), value=values)
    def paint(self, image_id: str, place: int, value: int) -> None:
        blank = np.zeros((HEIGHT, WIDTH), np.uint8)
        mask = self.drafts.get(image_id, self.accepted.get(image_id, blank)).copy()
        mask.flat[place] = value
        self.project.review.record_stroke(image_id, np.array([place]), np.array([value], np.uint8))
        self.drafts[image_id] = mask

    @rule(image_id=ids)
    def checkpoint(self, image_id: str) -> None:
        if image_id in self.drafts:
            self.project.review.save_draft(image_id, self.drafts[image_id])

    @rule(image_id=ids, value=values)
    def accept(self, image_id: str, value: int) -> None:
        """Accept the working mask, or a proposal where nobody has drawn."""
        proposal = np.full((HEIGHT, WIDTH), value, np.uint8)
        mask = self.drafts.get(image_id, proposal)
        decisions = len(self.project.journal.recent(999, ["mask", "state"]))
        self.project.review.accept(image_id, mask)
        if len(self.project.journal.recent(999, ["mask", "state"])) > decisions:
            self.history.append((image_id, self.accepted.get(image_id)))
        self.accepted[image_id] = mask
        self.drafts.pop(image_id, None)

    @rule(image_id=ids, wanted=st.sampled_from(["skipped", "flagged", "excluded", "todo"]))
    def decide(self, image_id: str, wanted: str) -> None:
        before = self.project.catalog.state(image_id)
        try:
            self.project.review.decide(image_id, wanted)
        except ProjectError:
            assert self.project.catalog.state(image_id) == before
            return
        if self.project.catalog.state(image_id) != before:
            self.history.append((image_id, self.accepted.get(image_id)))

    @rule(image_id=ids)
    def discard(self, image_id: str) -> None:
        if self.project.review.discard_draft(image_id):
            self.history.append((image_id, self.accepted.get(image_id)))
            self.drafts.pop(image_id)

    @rule()
    def undo(self) -> None:
        undone = self.project.review.undo()
        assert (undone is None) == (not self.history)
        if undone is None:
            return
        image_id, former = self.history.pop()
        assert undone == image_id
        self.accepted.pop(image_id, None)
        if former is not None:
            self.accepted[image_id] = former
        brought_back = self.project.masks.read_draft(image_id)
        if image_id in self.drafts:
            assert np.array_equal(brought_back, self.drafts[image_id]), "edits since the decision are kept"
        elif brought_back is not None:
            self.drafts[image_id] = brought_back

    @rule(image_id=ids, names=st.sets(st.sampled_from(["cat", "dog", "wild boar"])))
    def label(self, image_id: str, names: set[str]) -> None:
        self.project.set_labels(image_id, names)
        self.labels[image_id] = sorted(names)

    @rule(image_id=ids, value=values)
    def accept_again_and_undo(self, image_id: str, value: int) -> None:
        self.accept(image_id, value)
        self.undo()

    @rule(image_id=ids, value=values)
    def machine_writes(self, image_id: str, value: int) -> None:
        image_hash = self.project.image_hash(image_id)
        maps = ActivationMaps(np.full((1, HEIGHT, WIDTH), value / 3, np.float32), (0,))
        self.project.store.write_maps(CAM, image_id, image_hash, maps)
        self.project.store.write_mask(CAM, image_id, image_hash, np.full((HEIGHT, WIDTH), value, np.uint8))
        self.project.catalog.set_score(image_id, value / 3)
        self.project.catalog.mark_stale()

    @rule()
    def clear_results(self) -> None:
        self.project.store.clear()

    @rule()
    def reopen(self) -> None:
        self.project.close()
        self.project = Project.open(self.folder / "p")

    @invariant()
    @precondition(lambda self: hasattr(self, "project"))
    def people_s_work_is_as_they_left_it(self) -> None:
        for image_id in IDS[:2]:
            for found, expected in (
                (self.project.masks.read_accepted(image_id), self.accepted.get(image_id)),
                (self.project.masks.read_draft(image_id), self.drafts.get(image_id)),
            ):
                assert (found is None) == (expected is None)
                assert expected is None or np.array_equal(found, expected)

    @invariant()
    @precondition(lambda self: hasattr(self, "project"))
    def states_follow_from_the_journal(self) -> None:
        replayed = replay_journal(self.project)
        for record in self.project.catalog.records():
            assert replayed[record.id] == (record.state, sorted(record.labels))
            assert sorted(record.labels) == self.labels[record.id]
            if record.state == "accepted":
                assert record.id in self.accepted
                assert record.id not in self.drafts
            if record.state == "todo":
                assert record.id not in self.drafts


TestReview = Review.TestCase
TestReview.settings = settings(
    max_examples=30, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)


def test_replayed_strokes_are_exported_from_the_journal(project: Project) -> None:
    project.review.record_stroke(A, np.array([1, 2]), np.array([3, 3], np.uint8))
    blank = np.zeros((HEIGHT, WIDTH), np.uint8)
    assert np.array_equal(Journal.replay(blank, project.journal.strokes(A)), project.masks.read_draft(A))


@pytest.mark.skipif(os.name != "posix", reason="file modes")
def test_project_files_are_plain_files(project: Project, mask: np.ndarray) -> None:
    project.review.accept(A, mask)
    project.review.save_draft("b.png", mask)
    project.close()
    names = {path.relative_to(project.folder).as_posix() for path in project.folder.rglob("*") if path.is_file()}
    backups = {name for name in names if name.startswith("backups/")}
    copies = {name for name in backups if name.startswith("backups/masks/")}
    assert (len(copies), len(backups - copies)) == (1, 2)
    assert names - backups == {
        ".project.lock.guard",
        "project.sqlite",
        "project.sqlite-revision",
        "masks/a.png.png",
        "drafts/b.png.png",
    }


def test_results_of_an_older_project_are_moved_once(project: Project, mask: np.ndarray) -> None:
    folder, step = project.folder, Provenance("localize.cam", {})
    project.store.write_mask(step, IDS[2], "hash", mask)
    new = project.store.path(step, IDS[2], ".png")
    before = folder / "results" / f"{step.step}-{step.key}" / f"{IDS[2]}.png"
    before.parent.mkdir()
    new.rename(before)
    project._database.execute("DELETE FROM meta WHERE key = 'results'")
    project.close()
    with Project.open(folder, read_only=True) as reader:
        assert reader.store.path(step, IDS[2], ".png") == before
    for _ in range(2):
        with Project.open(folder) as opened:
            assert opened.store.path(step, IDS[2], ".png") == new
            revision = opened._database.revision
    with Project.open(folder) as opened:
        assert opened._database.revision == revision
