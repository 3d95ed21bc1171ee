from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from napari_wsss.project.project import Project
from training.economy.machine import Machine
from training.run import main
from training.stages.economy import Measuring, between_lessons


@pytest.fixture
def command(tiny_data: Path, tmp_path: Path) -> Callable[..., list[str]]:
    """Return a function: more words -> a command that measures tiny pictures in a second."""
    options = {"network": {"trunk": "resnet18", "width": 0.0625}, "optimisation": {"iterations": 3, "batch_size": 64}}
    (tmp_path / "c.json").write_text(json.dumps(options))
    fixed = ["economy", "--weights", "none", "--config", str(tmp_path / "c.json"), "--threads", "1", "--no-crf"]

    def make(out: Path, *words: str, source: tuple[str, ...] = ("--data", str(tiny_data))) -> list[str]:
        return [*fixed, "--out", str(out), "--events", *source, *words]

    return make


def rows_of(out: Path) -> list[dict[str, str]]:
    with (out / "economy.csv").open() as file:
        return list(csv.DictReader(file))


def test_rows_are_measured_kept_and_not_measured_again(
    command: Callable[..., list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    policies = ["--policies", "masks", "clicks", "error_clicks"]
    arguments = command(out, *policies, "--images", "2", "3", "--seeds", "1", "--click", "2")
    assert main(arguments) == 0

    rows = rows_of(out)
    assert [(row["policy"], row["images"]) for row in rows] == [
        *(("clicks", "2"), ("clicks", "3"), ("error_clicks", "2"), ("error_clicks", "3")),
        *(("masks", "2"), ("masks", "3")),
    ]
    assert all(0 <= float(row["val mIoU"]) <= 100 for row in rows)
    assert float(rows[0]["gestures, s"]) % 2 == 0
    assert float(rows[4]["gestures, s"]) > float(rows[0]["gestures, s"])
    assert sum(float(row["waited, s"]) for row in rows) > 0
    assert (out / "economy.png").read_bytes().startswith(b"\x89PNG")
    assert {path.name for path in out.glob("*.csv")} == {"economy.csv", "curves.csv"}

    monkeypatch.setattr("training.stages.economy.Measuring._row", lambda *_: pytest.fail("measured twice"))
    assert main(arguments) == 0
    assert main([*arguments, "--click", "3"]) != 0  # would stand in the same table


def test_more_accepted_masks_more_of_all_masks_is_right(command: Callable[..., list[str]], tmp_path: Path) -> None:
    assert main(command(tmp_path / "out", "--policies", "masks", "--images", "1", "7")) == 0
    few, every = (float(row["mIoU of all masks"]) for row in rows_of(tmp_path / "out"))
    assert few < every == 100


def test_features_are_computed_once_for_all_policies(command: Callable[..., list[str]], tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main(command(out, "--images", "2", "--limit", "2")) == 0
    first, second = (
        {path.name: path.stat().st_ino for path in out.glob(f"{policy}-*-0/project/results/features.*/*/*.npz")}
        for policy in ("masks", "clicks")
    )
    assert set(first.items()) <= set(second.items())
    assert len(first) >= 4


@pytest.mark.parametrize("numbers", [(20,), (3, 20), (8, 16, 20), (5, 9, 17, 20)])
def test_lessons_come_after_as_many_images_whichever_numbers_are_scored(numbers: tuple[int, ...]) -> None:
    ids, before, seen = [f"{at}.jpg" for at in range(20)], 0, dict[str, int]()
    for number in numbers:
        for some in between_lessons(ids[before:number], before):
            seen |= dict.fromkeys(some, before)
            before += len(some)
        assert before == number
    last = [max(lesson for lesson in (0, 8, 16) if lesson <= at) for at in range(20)]
    assert all(seen[image_id] >= lesson for image_id, lesson in zip(ids, last, strict=True))
    assert all(seen[image_id] <= at for at, image_id in enumerate(ids))


@pytest.mark.parametrize(("policy", "lessons"), [("satisfied", [2, 2, 1]), ("clicks", [5])])
def test_who_looks_sees_what_was_learned_from_the_first_images(
    command: Callable[..., list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, policy: str, lessons: list[int]
) -> None:
    found, plain = list[int](), Machine.learn
    monkeypatch.setattr("training.stages.economy.FIRST_LESSON", 2)
    monkeypatch.setattr(Machine, "learn", lambda self, ids: [found.append(len(ids)), plain(self, ids)])
    assert main(command(tmp_path / "out", "--policies", policy, "--images", "5", "--limit", "1")) == 0
    assert found == lessons


def test_what_is_chosen_by_is_scored_on_train_images_nobody_annotates(
    command: Callable[..., list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scored: list[tuple[str, ...]] = []
    plain = Measuring._mean_iou

    def noted(self: Measuring, project: Project, ids: list[str], mask_of: Any) -> float:
        scored.append(tuple(ids))
        return plain(self, project, ids, mask_of)

    monkeypatch.setattr(Measuring, "_mean_iou", noted)
    words = ["--policies", "masks", "--images", "3", "--score-on", "rest"]
    assert main(command(tmp_path / "out", *words, "--pool", "4")) == 0
    with Project.open(tmp_path / "out" / "masks-random-learner-0" / "project", read_only=True) as project:
        train, known = set(project.catalog.ids(split="train")), set(project.catalog.ids(states=("accepted",)))
    held_out, pool = map(set, scored)
    assert held_out | pool == train
    assert not held_out & pool
    assert known <= pool
    assert main(command(tmp_path / "other", *words)) != 0  # none is left


@pytest.mark.parametrize("order", ["stratified", "diversity", "queue", "gain"])
def test_orders_choose_different_images(command: Callable[..., list[str]], tmp_path: Path, order: str) -> None:
    words = ["--policies", "clicks", "--images", "1", "3", "--orders", order, "--pool", "5"]
    assert main(command(tmp_path / "out", *words)) == 0
    assert [(row["order"], row["images"]) for row in rows_of(tmp_path / "out")] == [(order, "1"), (order, "3")]
    (folder,) = (tmp_path / "out").glob(f"clicks-{order}-*/project")
    assert len(list((folder / "scribbles").rglob("*.png"))) == 3


def test_a_given_project_is_only_read_and_its_models_propose(
    command: Callable[..., list[str]], applied_folder: Path, tiny_data: Path, tmp_path: Path
) -> None:
    source = ("--project", str(applied_folder), "--truth", str(tiny_data / "SegmentationClass"))
    with Project.open(applied_folder) as project:
        before = [(record.id, record.state, record.labels) for record in project.catalog.records()]
    words = ["--policies", "tags", "clicks", "satisfied", "--learner", "with", "without", "--images", "2"]
    assert main(command(tmp_path / "out", *words, source=source)) == 0
    found = {(row["policy"], row["learner"]): row for row in rows_of(tmp_path / "out")}
    assert set(found) == {
        *(("tags", "without"), ("clicks", "with"), ("clicks", "without")),
        *(("satisfied", "with"), ("satisfied", "without")),
    }
    assert found["tags", "without"]["images"] == "7"  # all of them
    same = {found[policy, "without"]["val mIoU"] for policy in ("tags", "clicks", "satisfied")}
    assert len(same) == 1  # nothing learns, so what was never seen stays
    with Project.open(applied_folder) as project:
        assert [(record.id, record.state, record.labels) for record in project.catalog.records()] == before
        assert not (project.folder / "scribbles").exists()


def test_what_is_missing_is_said(
    command: Callable[..., list[str]], tmp_path: Path, project_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command(tmp_path / "out", source=("--project", str(project_folder)))) != 0
    assert "--truth" in capsys.readouterr().err
    assert main(command(tmp_path / "out", "--policies", "clicks", "--learner", "without")) != 0
    assert "--project" in capsys.readouterr().err
    shutil.rmtree(tmp_path / "out")
