from __future__ import annotations

import errno
import json
import os
import shutil
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from napari_wsss.core.errors import ProjectError
from napari_wsss.processes.identity import Process, System
from napari_wsss.processes.lock import Holder, ProjectLock, read_holder
from napari_wsss.project.project import Project


def put(lock: ProjectLock, holder: Holder) -> None:
    lock.path.write_text(json.dumps(holder.to_dict()))


def outlived() -> Holder:
    """Return a holder of this machine whose process has ended."""
    mine = Holder.this_process()
    return replace(mine, process=replace(mine.process, started="long ago"))


def test_second_instance_is_told_who_holds_it_and_may_read(tmp_path: Path) -> None:
    first, second = ProjectLock(tmp_path), ProjectLock(tmp_path)
    first.acquire()
    with pytest.raises(ProjectError, match=f"process {os.getpid()} on {socket.gethostname()}") as raised:
        second.acquire()
    assert raised.value.read_only_possible
    second.release()
    assert first.path.exists(), "only the holder gives the lock back"
    first.release()
    second.acquire()
    second.release()
    assert not first.path.exists()


def test_a_dead_process_s_lock_is_taken_over(tmp_path: Path) -> None:
    code = (
        "import os; from pathlib import Path; from napari_wsss.processes.lock import ProjectLock\n"
        f"ProjectLock(Path({str(tmp_path)!r})).acquire(); os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 9
    lock = ProjectLock(tmp_path)
    assert read_holder(lock.path) is not None
    lock.acquire()
    holder = read_holder(lock.path)
    assert holder is not None
    assert holder.process.pid == os.getpid()


def test_a_process_number_used_again_does_not_keep_the_lock(tmp_path: Path) -> None:
    lock = ProjectLock(tmp_path)
    put(lock, outlived())
    lock.acquire()


def test_a_holder_on_another_machine_is_never_presumed_dead(tmp_path: Path) -> None:
    lock = ProjectLock(tmp_path)
    put(lock, Holder(Process("another-host", 2**22 + 1, "1"), "token"))
    with pytest.raises(ProjectError, match="another-host"):
        lock.acquire()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"host": "x"}'])
def test_a_half_written_lock_is_nobody_s(tmp_path: Path, content: str) -> None:
    lock = ProjectLock(tmp_path)
    lock.path.write_text(content)
    lock.acquire()


def test_of_many_processes_one_gets_a_stale_lock(tmp_path: Path) -> None:
    lock = ProjectLock(tmp_path)
    put(lock, outlived())
    code = (
        "import sys, time; from pathlib import Path; from napari_wsss.core.errors import ProjectError\n"
        "from napari_wsss.processes.lock import ProjectLock\n"
        "time.sleep(max(0, float(sys.argv[1]) - time.time()))\n"
        f"try: ProjectLock(Path({str(tmp_path)!r})).acquire(); print('mine', flush=True)\n"
        "except ProjectError: print('taken', flush=True)\n"
        "sys.stdin.readline()"
    )
    import time

    start = str(time.time() + 2)
    children = [
        subprocess.Popen([sys.executable, "-c", code, start], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    said = [child.stdout.readline().strip() for child in children if child.stdout]
    for child in children:
        child.communicate("\n", timeout=30)
    assert sorted(said) == ["mine", "taken", "taken", "taken"]


def test_a_folder_that_cannot_be_written_may_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ProjectError, match="Read-only file system") as raised:
        ProjectLock(tmp_path).acquire()
    assert raised.value.read_only_possible


@pytest.mark.skipif(os.name != "posix", reason="SQLite uses other locks there")
def test_a_share_without_locks_is_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "lockf", refuse)
    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(ProjectError, match=r"share or file system without file locks.*nothing is wrong") as raised:
        ProjectLock(tmp_path).acquire()
    assert raised.value.read_only_possible
    assert "restore" not in str(raised.value)
    assert not (tmp_path / "project.lock").exists()


@pytest.mark.skipif(sys.platform != "linux" or not shutil.which("cc"), reason="needs LD_PRELOAD and a C compiler")
def test_the_command_line_tells_a_share_without_locks(project: Project, cases_folder: Path, tmp_path: Path) -> None:
    project.close()
    library = tmp_path / "nolock.so"
    source = cases_folder / "bugs" / "scripts" / "nolock.c"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True, capture_output=True)
    command = [sys.executable, "-m", "napari_wsss.cli", "add-images", "--project", str(project.folder)]
    told = {**os.environ, "LD_PRELOAD": str(library)}
    ended = subprocess.run(command, env=told, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 4
    assert "without file locks" in ended.stderr
    assert "restore" not in ended.stderr


def of_another_start(process: Process, **changes: str) -> Process:
    """Return a process of this host's name, of a system that differs in `changes` from the one that is here."""
    return replace(process, system=str(replace(System.here(), **changes)))


@pytest.mark.parametrize(
    "changes", [{"machine": "0" * 32}, {"boot": "11111111-2222"}, {"space": "pid:[4026539999]"}, {"machine": ""}]
)
def test_a_holder_of_another_system_with_our_host_name_is_asked_about(tmp_path: Path, changes: dict[str, str]) -> None:
    lock, mine = ProjectLock(tmp_path), Holder.this_process()
    put(lock, replace(mine, process=of_another_start(replace(mine.process, pid=1), **changes)))
    with pytest.raises(ProjectError, match="also called so") as raised:
        lock.acquire()
    assert raised.value.take_over_possible
    assert raised.value.read_only_possible
    lock.acquire(take_over=True)
    holder = read_holder(lock.path)
    assert holder is not None
    assert holder.process.pid == os.getpid()


def test_a_lock_without_a_system_is_asked_about_when_its_boot_is_another(tmp_path: Path) -> None:
    lock = ProjectLock(tmp_path)
    put(lock, Holder(Process(socket.gethostname(), 1, "11111111-2222-3333-4444-555555555555 12345"), "00"))
    with pytest.raises(ProjectError, match="also called so"):
        lock.acquire()


def test_a_living_holder_is_never_taken_over(tmp_path: Path) -> None:
    first = ProjectLock(tmp_path)
    first.acquire()
    with pytest.raises(ProjectError) as raised:
        ProjectLock(tmp_path).acquire(take_over=True)
    assert not raised.value.take_over_possible


@pytest.mark.parametrize("name", ["project.lock", ".project.lock.guard"])
def test_a_lock_that_is_a_link_is_not_followed(tmp_path: Path, name: str) -> None:
    outside, folder = tmp_path / "precious.txt", tmp_path / "project"
    outside.write_text("precious")
    folder.mkdir()
    (folder / name).symlink_to(outside)
    with pytest.raises(ProjectError, match="is a link"):
        ProjectLock(folder).acquire()
    assert outside.read_text() == "precious"


def test_a_lock_with_wrong_types_is_nobody_s(tmp_path: Path) -> None:
    lock = ProjectLock(tmp_path)
    lock.path.write_text('{"host": 3, "pid": "x", "started": [], "token": {}}')
    lock.acquire()


def test_a_disk_that_keeps_the_lock_file_does_not_keep_a_project_from_closing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = ProjectLock(tmp_path)
    lock.acquire()

    def refuse(*_: object, **_named: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "unlink", refuse)
    lock.release()
    assert lock.path.exists()
