"""Only what changed is written, nothing of anybody else is replaced, and what broke off goes on."""

import os
from pathlib import Path

import pytest

from napari_wsss.core.errors import ProjectError
from napari_wsss.exchange.export_folder import LINK, UNFINISHED, ExportFolder, ForeignFileError, digest_of, scratch

posix = pytest.mark.skipif(os.name != "posix", reason="links need no right there")


def counts(folder: ExportFolder) -> tuple[int, int, int, int]:
    return folder.new, folder.replaced, folder.kept, folder.removed


def again(folder: ExportFolder, **how: object) -> ExportFolder:
    """Return the folder as the next export of the same choice finds it."""
    return ExportFolder(folder.root, dict(folder.files), **how)


@pytest.fixture
def first(tmp_path: Path) -> ExportFolder:
    made = ExportFolder(tmp_path / "out")
    for name in ("a.txt", "day 1/b.txt"):
        made.put(name, name.encode())
    made.close(whole=True)
    return made


def test_the_same_again_writes_nothing(first: ExportFolder) -> None:
    before = {path: path.stat().st_mtime_ns for path in first.root.rglob("*")}
    second = again(first)
    for name in first.files:
        second.put(name, name.encode())
    second.close(whole=True)
    assert counts(second) == (0, 0, 2, 0)
    assert {path: path.stat().st_mtime_ns for path in first.root.rglob("*")} == before


def test_what_changed_is_replaced_and_what_went_is_removed(first: ExportFolder) -> None:
    second = again(first)
    second.put("a.txt", b"other")
    second.remove_rest()
    second.close(whole=True)
    assert counts(second) == (0, 1, 0, 1)
    assert (first.root / "a.txt").read_bytes() == b"other"
    assert not (first.root / "day 1/b.txt").exists()


def test_what_another_program_changed_is_neither_replaced_nor_removed(first: ExportFolder) -> None:
    for name in first.files:
        (first.root / name).write_text("mine")
    second = again(first)
    with pytest.raises(ForeignFileError, match="was changed since it was exported"):
        second.put("a.txt", b"other")
    second.remove_rest()
    assert [(first.root / name).read_text() for name in first.files] == ["mine", "mine"]
    allowed = again(first, overwrite=True)
    allowed.put("a.txt", b"other")
    assert (first.root / "a.txt").read_bytes() == b"other"


def test_a_file_that_no_export_made_stays(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("mine")
    with pytest.raises(ForeignFileError, match="no earlier export made it"):
        ExportFolder(tmp_path).put("a.txt", b"other")
    assert not (tmp_path / UNFINISHED).exists(), "nothing was begun"


def test_a_folder_is_marked_while_it_is_not_whole_and_its_files_are_known_then(tmp_path: Path) -> None:
    broken = ExportFolder(tmp_path)
    broken.put("a.txt", b"one")
    assert (tmp_path / UNFINISHED).is_file()
    broken.close(whole=False)
    going_on = ExportFolder(tmp_path)
    assert going_on.went_on
    going_on.put("a.txt", b"two")
    going_on.close(whole=True)
    assert (tmp_path / "a.txt").read_bytes() == b"two"
    assert not (tmp_path / UNFINISHED).exists()


def test_a_dry_run_writes_nothing_and_counts_the_same(first: ExportFolder) -> None:
    dry = again(first, dry_run=True)
    dry.put("a.txt", b"other")
    dry.put("c.txt", b"new")
    dry.remove_rest()
    dry.close(whole=True)
    assert counts(dry) == (1, 1, 0, 1)
    assert sorted(path.name for path in first.root.rglob("*.txt")) == ["a.txt", "b.txt"]


@posix
def test_images_are_linked_copied_or_left_out(tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"pixels")
    assert not ExportFolder(tmp_path / "none").put_image("x.jpg", photo)
    copy = ExportFolder(tmp_path / "copy", images="copy")
    assert copy.put_image("x.jpg", photo)
    assert copy.files["x.jpg"] == digest_of(photo)
    link = ExportFolder(tmp_path / "link", images="link")
    assert link.put_image("sub/x.jpg", photo)
    link.close(whole=True)
    assert (link.root / "sub/x.jpg").samefile(photo)
    assert link.files == {"sub/x.jpg": LINK}
    second = again(link, images="link")
    second.put_image("sub/x.jpg", photo)
    assert counts(second) == (0, 0, 1, 0)
    third = again(link, images="link")
    third.remove_rest()
    assert third.removed == 1
    assert photo.read_bytes() == b"pixels"


@posix
def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out/sub").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ProjectError, match="is a link"):
        ExportFolder(tmp_path / "out").put("sub/a.txt", b"x")
    with pytest.raises(ProjectError, match="outside"):
        ExportFolder(tmp_path / "out").put("../a.txt", b"x")


def test_two_formats_that_disagree_about_a_file_are_told(tmp_path: Path) -> None:
    folder = ExportFolder(tmp_path)
    file = scratch()
    file.write(b"x")
    folder.put("a.txt", file)
    folder.put("a.txt", b"x")
    assert counts(folder) == (1, 0, 0, 0)
    with pytest.raises(ProjectError, match="both write"):
        folder.put("a.txt", b"y")
