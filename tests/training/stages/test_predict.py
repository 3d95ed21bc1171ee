"""`predict` as it is typed: a folder, a model, labels; what cannot be done is said in a sentence."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from napari_wsss.core.masks import read_mask
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
    assert main(["predict", str(run), str(pictures), "--out", str(out), "--preset", "fast", "--class-pictures"]) == 0
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
