"""The console commands, as a person would type them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from napari_wsss.cli import CORRECTABLE, DONE, FOUND, WRONG_OPTIONS, main
from napari_wsss.project.project import Project


@pytest.fixture
def project_folder(tmp_path: Path, sample_folder: Path) -> Path:
    """Return a project on ten generated pictures (8 train, 2 val)."""
    folder = tmp_path / "project"
    assert main(["create", "--images", str(sample_folder), "--project", str(folder)]) == DONE
    return folder


def masks_of(sample_folder: Path) -> str:
    return str(sample_folder / "SegmentationClass")


def test_sample_makes_a_project_ready_to_train(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "demo"
    assert main(["sample", str(folder), "--images", "5", "--size", "64"]) == DONE
    assert "training.run classifier" in capsys.readouterr().out
    with Project.open(folder) as project:
        assert len(project.catalog) == 5
        assert all(record.labels for record in project.catalog.records())
        assert len(list(project.catalog.ids(split="val"))) == 1
    before = sorted(folder.rglob("*.jpg"))
    assert main(["sample", str(folder)]) == CORRECTABLE
    assert sorted(folder.rglob("*.jpg")) == before
    assert main(["sample", str(tmp_path / "other"), "--images", "0"]) == CORRECTABLE


def test_create_says_what_it_made(tmp_path: Path, sample_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["create", "--images", str(sample_folder), "--project", str(tmp_path / "project")]
    assert main(command) == DONE
    text = capsys.readouterr().out
    assert "10 images, 10 with labels" in text
    assert "train 8, val 2" in text
    assert main(command) == CORRECTABLE
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "already holds a project" in said


def test_scaling_of_deep_pictures_is_chosen_per_project(project_folder: Path) -> None:
    assert main(["scale-deep", "--project", str(project_folder), "--low", "1", "--high", "99"]) == DONE
    with Project.open_to_read(project_folder) as project:
        assert project.deep_percentiles == (1, 99)
    assert main(["scale-deep", "--project", str(project_folder), "--low", "99", "--high", "1"]) == CORRECTABLE


def test_a_class_list_with_background_in_front_is_understood(tmp_path: Path) -> None:
    Image.new("RGB", (20, 10)).save(tmp_path / "a.png")
    command = ["create", "--images", str(tmp_path), "--kind", "none", "--project", str(tmp_path / "p")]
    assert main([*command, "--classes", "background", "cat", "NA"]) == DONE
    with Project.open_to_read(tmp_path / "p") as project:
        assert project.classes.names == ("cat", "NA")
    other = [*command[:-1], str(tmp_path / "q"), "--classes", "cat", "background"]
    assert main(other) == CORRECTABLE


def test_an_encoding_can_be_chosen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("RGB", (20, 10)).save(tmp_path / "a.png")
    (tmp_path / "labels.csv").write_bytes("image,label\na.png,고양이\n".encode("euc_kr"))
    assert main(["labels-report", "--images", str(tmp_path), "--encoding", "euc_kr"]) == DONE
    assert "고양이 1" in capsys.readouterr().out


def test_masks_in_another_order_are_taken_by_name(project_folder: Path, sample_folder: Path, tmp_path: Path) -> None:
    with Project.open_to_read(project_folder) as project:
        names, first = project.classes.names, next(iter(project.catalog.ids()))
    (tmp_path / "masks").mkdir()
    (tmp_path / "masks" / "classes.txt").write_text("\n".join(["background", *reversed(names)]))
    Image.fromarray(np.full((96, 96), 1, np.uint8)).save(tmp_path / "masks" / f"{Path(first).stem}.png")
    assert main(["import-masks", "--project", str(project_folder), "--masks", str(tmp_path / "masks")]) == DONE
    with Project.open_to_read(project_folder) as project:
        assert set(np.unique(project.masks.read_working(first))) == {len(names)}


def test_a_project_without_background_is_made_by_an_option(
    tmp_path: Path, sample_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["create", "--images", str(sample_folder), "--project", str(tmp_path / "project"), "--every-pixel"]
    assert main(command) == DONE
    with Project.open(tmp_path / "project") as project:
        assert project.plan.every_pixel
    assert main(["info", str(tmp_path / "project")]) == DONE
    assert "every one belongs to a class" in capsys.readouterr().out


def test_images_without_labels_need_classes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("RGB", (20, 10)).save(tmp_path / "a.png")
    command = ["create", "--images", str(tmp_path), "--kind", "none", "--project", str(tmp_path / "p")]
    assert main(command) == CORRECTABLE
    assert "class" in capsys.readouterr().err
    assert main([*command, "--classes", "cat", "dog"]) == DONE
    with Project.open(tmp_path / "p") as project:
        assert project.classes.names == ("cat", "dog")


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """Return a folder of three pictures and a table of labels that a project was made of, in the folder beside it."""
    folder = tmp_path / "photographs"
    folder.mkdir()
    for name in "abc":
        write_picture(folder / f"{name}.png")
    (folder / "labels.csv").write_text("image,labels,split\na.png,cat,train\nb.png,dog,val\nc.png,cat;dog,train\n")
    assert main(["create", "--images", str(folder), "--project", str(tmp_path / "project")]) == DONE
    return folder


def write_picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(len(path.name)).integers(0, 255, (8, 9, 3), np.uint8)).save(path)


def test_new_pictures_come_into_a_project(photographs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = str(photographs.parent / "project")
    write_picture(photographs / "new" / "d.png")
    write_picture(photographs / "new" / "e.png")
    (photographs / "f.png").write_text("no picture")
    with (photographs / "labels.csv").open("a") as file:
        file.write("new/d.png,dog,\n")
    capsys.readouterr()

    assert main(["add-images", "--project", project, "--dry-run"]) == DONE
    text = capsys.readouterr().out
    assert "2 new images" in text
    assert "1 with labels" in text
    assert "Left out: f.png" in text
    assert main(["add-images", "--project", project, str(photographs / "new" / "d.png"), "--hold-out", "0"]) == DONE
    assert "Added: train 1. The project has 4 images now." in capsys.readouterr().out
    assert main(["add-images", "--project", project, "--kind", "none"]) == DONE
    assert main(["add-images", "--project", project, "--kind", "none"]) == DONE
    assert "0 new images" in capsys.readouterr().out
    with Project.open(project) as found:
        assert list(found.catalog.ids()) == ["a.png", "b.png", "c.png", "new/d.png", "new/e.png"]
        assert found.catalog.get("new/d.png").labels == {"dog"}
        assert found.catalog.get("new/e.png").labels == frozenset()
        assert found.catalog.get("new/e.png").split in ("train", "val")


def test_moved_pictures_are_found_before_new_ones_are_taken(
    photographs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = str(photographs.parent / "project")
    moved = photographs.parent / "far" / "far" / "far" / "pictures"
    moved.parent.mkdir(parents=True)
    photographs.rename(moved)
    (moved / "b.png").unlink()
    assert main(["locate-images", "--project", project, "--images", str(photographs.parent / "project")]) == CORRECTABLE
    assert "folder that holds" in capsys.readouterr().err
    assert main(["locate-images", "--project", project, "--images", str(moved)]) == CORRECTABLE
    assert "1 are missing: b.png" in capsys.readouterr().out
    write_picture(moved / "sub" / "b.png")
    assert main(["add-images", "--project", project]) == DONE
    assert "locate-images first" in capsys.readouterr().out
    assert main(["locate-images", "--project", project]) == DONE
    assert f"3 of 3 images are in {moved}" in capsys.readouterr().out


def test_labels_report_writes_nothing(sample_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(sample_folder.rglob("*"))
    assert main(["labels-report", "--images", str(sample_folder)]) == DONE
    assert "10 images" in capsys.readouterr().out
    assert sorted(sample_folder.rglob("*")) == before
    assert main(["labels-report", "--images", str(sample_folder / "nowhere")]) == CORRECTABLE


def test_import_accept_and_export_give_the_same_masks(
    project_folder: Path, sample_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["import-masks", "--project", str(project_folder), "--masks", masks_of(sample_folder), "--accept"]
    assert main([*command, "--split", "train", "--limit", "3"]) == DONE
    text = capsys.readouterr().out
    assert "10 masks can be used" in text
    assert "3 masks taken as accepted masks" in text
    out = tmp_path / "out"
    assert main(["export", "--project", str(project_folder), "--out", str(out), "--grey", "--sources"]) == DONE
    assert "todo 7" in capsys.readouterr().out
    written = sorted((out / "SegmentationClass").rglob("*.png"))
    assert len(written) == 3
    for path in written:
        np.testing.assert_array_equal(Image.open(path), Image.open(sample_folder / "SegmentationClass" / path.name))
    assert main(["export", "--project", str(project_folder), "--out", str(out)]) == CORRECTABLE


def test_a_dry_run_writes_nothing(project_folder: Path, sample_folder: Path, tmp_path: Path) -> None:
    main(["import-masks", "--project", str(project_folder), "--masks", masks_of(sample_folder), "--accept"])
    assert main(["export", "--project", str(project_folder), "--out", str(tmp_path / "out"), "--dry-run"]) == DONE
    assert not (tmp_path / "out").exists()


def test_imported_masks_are_drafts_and_never_replace_a_persons_work(
    project_folder: Path, sample_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Project.open(project_folder) as project:
        first, second = list(project.catalog.ids())[:2]
        shape = project.load_image(first).pixels.shape[:2]
        project.review.save_draft(first, np.ones(shape, np.uint8))
        project.review.accept(second, np.ones(shape, np.uint8))
    command = ["import-masks", "--project", str(project_folder), "--masks", masks_of(sample_folder)]
    assert main(command) == DONE
    assert "8 masks taken as drafts; 2 images kept" in capsys.readouterr().out
    with Project.open(project_folder) as project:
        assert project.catalog.counts()["draft"] == 9
        for image_id, found in (
            (first, project.masks.read_draft(first)),
            (second, project.masks.read_accepted(second)),
        ):
            assert found is not None, image_id
            assert (found == 1).all()
    assert main([*command, "--overwrite"]) == DONE
    with Project.open(project_folder) as project:
        draft = project.masks.read_draft(first)
        assert draft is not None
        assert not (draft == 1).all()


def test_info_says_what_is_there(project_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["info", str(project_folder)]) == DONE
    text = capsys.readouterr().out
    assert "todo 10" in text
    assert "none applied yet" in text
    assert main(["info", str(project_folder / "nothing")]) == CORRECTABLE


def without_room_for_backups(folder: Path) -> None:
    shutil.rmtree(folder / "backups")
    (folder / "backups").write_text("a file where the folder should be")


def test_a_failed_backup_is_said(
    project_folder: Path, sample_folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["info", str(project_folder)]) == DONE
    assert "No backup" not in capsys.readouterr().out
    without_room_for_backups(project_folder)

    command = ["import-masks", "--project", str(project_folder), "--masks", masks_of(sample_folder)]
    assert main(command) == DONE
    assert "make room" in capsys.readouterr().err
    assert main(["info", str(project_folder)]) == DONE
    assert "No backup holds the last changes" in capsys.readouterr().out
    monkeypatch.setitem(sys.modules, "napari_wsss.widgets.dock", SimpleNamespace(open_window=lambda _project: None))
    assert main(["open", str(project_folder)]) == DONE
    assert "No backup holds the last changes" in capsys.readouterr().err


def test_an_open_project_can_be_looked_at_but_not_filled(
    project_folder: Path, sample_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Project.open(project_folder):
        assert main(["info", str(project_folder)]) == DONE
        command = ["import-masks", "--project", str(project_folder), "--masks", masks_of(sample_folder)]
        assert main(command) == CORRECTABLE
    assert "read-only" in capsys.readouterr().err


def test_opening_nothing_is_said_before_napari_starts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["open", str(tmp_path)]) == CORRECTABLE
    assert "no project" in capsys.readouterr().err


def test_opening_without_napari_says_what_to_install(
    project_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name.startswith("napari_wsss.widgets")]:
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "napari", None)
    assert main(["open", str(project_folder)]) == CORRECTABLE
    assert "napari-wsss[gui]" in capsys.readouterr().err


@pytest.mark.gui
@pytest.mark.parametrize("named", ["", "project.sqlite"])
def test_opening_shows_a_window_with_the_project_and_waits_for_its_end(
    project_folder: Path, named: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    napari = pytest.importorskip("napari")
    from napari_wsss.widgets.dock import dock_of

    shown = []

    def run() -> None:
        viewer = napari.current_viewer()
        dock = dock_of(viewer)
        shown.append((viewer.title, dock.session.project.folder, [layer.name for layer in viewer.layers]))
        dock.shut_down()

    monkeypatch.setattr(napari, "Viewer", request.getfixturevalue("make_napari_viewer"))
    monkeypatch.setattr(napari, "run", run)
    assert main(["open", str(project_folder / named)]) == DONE
    ((title, folder, layers),) = shown
    assert (title, folder) == ("napari-wsss", project_folder)
    assert layers[0] == "image"
    assert layers[-1] == "mask"


def test_evaluate_passes_its_options_on(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[tuple[str, ...]] = []

    def run(command: tuple[str, ...], **_: object) -> subprocess.CompletedProcess[str]:
        ran.append(command)
        return subprocess.CompletedProcess(command, 4)

    monkeypatch.setattr(subprocess, "run", run)
    assert main(["evaluate", "--project", "p", "--of", "accepted"]) == 4
    assert ran == [(sys.executable, "-P", "-m", "training.run", "evaluate", "--project", "p", "--of", "accepted")]


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["create"], ["sample", "x", "--image", "3"]])
def test_wrong_options_are_explained(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == WRONG_OPTIONS
    assert "usage: napari-wsss" in capsys.readouterr().err


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    for name in ("sample", "create", "labels-report", "open", "info", "export", "import-masks", "evaluate"):
        assert name in text
    assert "add-images" in text
    assert "locate-images" in text


def test_the_commands_need_neither_torch_nor_qt(project_folder: Path) -> None:
    code = (
        "import sys\n"
        "for name in ('torch', 'qtpy', 'napari', 'PyQt5'): sys.modules[name] = None\n"
        "from napari_wsss.cli import main\n"
        f"sys.exit(main(['info', {str(project_folder)!r}]))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode == DONE


def test_check_and_restore(project_folder: Path, sample_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    masks = ["--masks", masks_of(sample_folder), "--accept"]
    assert main(["check", str(project_folder)]) == DONE
    assert main(["import-masks", "--project", str(project_folder), *masks]) == DONE
    mask = next((project_folder / "masks").glob("*.png"))
    mask.unlink()
    capsys.readouterr()
    assert main(["check", str(project_folder), "--json"]) == FOUND
    told = json.loads(capsys.readouterr().out)
    assert (told["sound"], [one["kind"] for one in told["findings"]]) == (False, ["mask vanished"])
    assert main(["check", str(project_folder), "--repair"]) == DONE
    assert mask.is_file()
    assert main(["check", str(project_folder.parent)]) == CORRECTABLE
    capsys.readouterr()
    assert main(["restore", str(project_folder)]) == DONE
    listed = capsys.readouterr().out.splitlines()
    assert "accepted 10" in listed[0]
    oldest = listed[-1].split()[0]
    assert main(["restore", str(project_folder), "--generation", oldest]) == DONE
    assert "is kept as" in capsys.readouterr().out
    with Project.open_to_read(project_folder) as project:
        assert project.catalog.counts().get("accepted", 0) == 0
    assert main(["restore", str(project_folder), "--generation", "none"]) == CORRECTABLE


def test_export_hands_out_what_was_accepted(project_folder: Path, sample_folder: Path, tmp_path: Path) -> None:
    command = ["import-masks", "--project", str(project_folder), "--masks", masks_of(sample_folder), "--accept"]
    assert main(command) == DONE
    first, second, third = sorted((project_folder / "masks").glob("*.png"))[:3]
    wanted = {path.name: np.array(Image.open(path)) for path in (first, second, third)}
    first.unlink()
    shutil.copy(third, second)
    assert main(["export", "--project", str(project_folder), "--out", str(tmp_path / "out"), "--sources"]) == DONE
    written = list((tmp_path / "out" / "SegmentationClass").glob("*.png"))
    assert len(written) == 10
    for path in written:
        stem = next((name for name in wanted if name.startswith(f"{path.stem}.")), None)
        if stem:
            assert np.array_equal(np.array(Image.open(path)), wanted[stem])
