"""`predict` as it is typed: a folder, a model, labels; what cannot be done is said in a sentence."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from napari_wsss.core.masks import read_mask
from napari_wsss.project.sharing.share import BLOCK
from tests.prediction.networks import build, exported, picture, saved
from tests.training.test_run import BLOCKED, ROOT
from training.run import main

MODEL_SAYS = "cat, dog, a/b: c"


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for at in range(3):
        Image.fromarray(picture(60, 80, at)).save(folder / f"p{at}.png")
    return folder


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return saved(tmp_path, build("deeplab_v3"))


def test_masks_of_a_folder(tmp_path: Path, pictures: Path, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "labels.csv").write_text("image,labels\np0.png,dog\np1.png,zebra\n")
    out = tmp_path / "out"
    typed = ["predict", str(model), str(pictures), "--out", str(out), "--labels", str(tmp_path / "labels.csv")]

    assert main(typed) == 0
    assert main([*typed, "--scales", "1"]) == 4, "other settings"

    shown = capsys.readouterr()
    assert MODEL_SAYS in shown.out
    assert "3 predicted" in shown.out
    assert "knows no zebra" in shown.out
    assert "other settings" in shown.err
    assert {*read_mask(out / "masks/p0.png").ravel()} <= {0, 2}
    assert {*read_mask(out / "masks/p1.png").ravel()} == {0}
    assert not (out / "scores").exists()


def test_maps_of_a_run_folder(tmp_path: Path, pictures: Path) -> None:
    run = tmp_path / "classifier-123"
    run.mkdir()
    saved(tmp_path, build("cam", "localize")).rename(run / "best.safetensors")
    out = tmp_path / "out"
    assert main(["predict", str(run), str(pictures), "--out", str(out), "--preset", "single", "--class-pictures"]) == 0
    assert sorted(path.name for path in (out / "maps").iterdir()) == ["p0.npz", "p1.npz", "p2.npz"]
    assert not (out / "masks").exists()


def test_a_bad_picture_is_named_and_shows_in_the_exit_code(
    tmp_path: Path, pictures: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (pictures / "p1.png").write_bytes(b"nothing")
    assert main(["predict", str(model), str(pictures), "--out", str(tmp_path / "out")]) == 4
    assert "failed: p1.png" in capsys.readouterr().out
    assert (tmp_path / "out/masks/p2.png").is_file()


def test_an_exported_network_needs_no_torch(tmp_path: Path, pictures: Path) -> None:
    blocked = BLOCKED.replace("'qtpy'", "'torch'")
    typed = [str(exported(tmp_path, build("deeplab_v3"))), str(pictures), "--out", str(tmp_path / "out")]
    ended = subprocess.run([sys.executable, "-c", blocked, "predict", *typed], cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert len(list((tmp_path / "out/masks").iterdir())) == 3


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (["--presence", "3"], "--presence"),
        (["--workers", "0"], "--workers"),
        (["--working-side", "300"], "working_side"),
        (["--device", "abacus"], "abacus"),
    ],
)
def test_wrong_options_are_said(
    tmp_path: Path, pictures: Path, model: Path, capsys: pytest.CaptureFixture[str], typed: list[str], words: str
) -> None:
    assert main(["predict", str(model), str(pictures), "--out", str(tmp_path / "out"), *typed]) == 4
    assert words in capsys.readouterr().err


def made_in(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


@pytest.fixture
def many(tmp_path: Path) -> Path:
    folder = tmp_path / "many"
    folder.mkdir()
    for at in range(2 * BLOCK + 3):
        Image.fromarray(picture(24, 32, at)).save(folder / f"p{at:02d}.png")
    (folder / "p05.png").write_bytes(b"nothing")
    return folder


def test_any_number_of_workers_makes_the_same(
    tmp_path: Path, many: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Workers of one command leave the very folder that one leaves; jobs of an array differ in the lines' files.

    In float32: each process finds out for itself whether bfloat16 pays, and a busy machine may tell them otherwise.
    """
    alone, together, jobs = tmp_path / "alone", tmp_path / "together", tmp_path / "jobs"
    typed = [
        "predict",
        str(model),
        str(many),
        "--scores",
        "--threads",
        "1",
        "--precision",
        "float32",
        "--json",
        "--out",
    ]

    assert main([*typed, str(alone), "--workers", "1"]) == 4
    capsys.readouterr()
    assert main([*typed, str(together), "--workers", "2"]) == 4
    said = json.loads(capsys.readouterr().out)
    for part in ("2/3", "1/3", "3/3"):
        main([*typed, str(jobs), "--shard", part])

    assert (said["done"], said["reused"], list(said["failed"]), said["workers"]) == (2 * BLOCK + 2, 0, ["p05.png"], 2)
    wanted = made_in(alone)
    assert len(wanted) == 2 * (2 * BLOCK + 2) + 2
    assert made_in(together) == wanted
    found = made_in(jobs)
    lines = [content for name, content in found.items() if name.endswith(".jsonl")]
    assert len(lines) == 3
    assert {line for one in lines for line in one.splitlines()} == set(wanted["predictions.jsonl"].splitlines())
    assert {name: content for name, content in found.items() if not name.endswith(".jsonl")} == {
        name: content for name, content in wanted.items() if name != "predictions.jsonl"
    }
    capsys.readouterr()
    assert main([*typed, str(jobs), "--workers", "1"]) == 4
    assert json.loads(capsys.readouterr().out)["reused"] == 2 * BLOCK + 2


def test_single_pictures_are_named(tmp_path: Path, many: Path, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "some.txt").write_text("p00.png\np20.png\n")
    typed = ["predict", str(model), str(many), "--out", str(tmp_path / "out"), "--ids"]
    assert main([*typed, "p03.png", str(tmp_path / "some.txt")]) == 0
    assert [path.name for path in sorted((tmp_path / "out/masks").iterdir())] == ["p00.png", "p03.png", "p20.png"]
    assert main([*typed, "q.png"]) == 4
    assert "no picture 'q.png'" in capsys.readouterr().err


def test_results_do_not_go_among_the_pictures(pictures: Path, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(model), str(pictures), "--out", str(pictures / "out")]) == 4
    assert "pictures, too" in capsys.readouterr().err


def test_a_full_disk_ends_it_in_a_sentence(
    tmp_path: Path, pictures: Path, model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sys.modules["napari_wsss.prediction.folder"], "write_prediction", full)
    assert main(["predict", str(model), str(pictures), "--out", str(tmp_path / "out")]) == 4
    assert "No space left" in capsys.readouterr().err
