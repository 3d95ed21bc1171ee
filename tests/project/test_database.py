from __future__ import annotations

import gc
import os
import sqlite3
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

import pytest

from napari_wsss.core.errors import ProjectError
from napari_wsss.project import database
from napari_wsss.project.database import Database, create_file
from napari_wsss.project.schema import build


@pytest.fixture
def path(tmp_path: Path) -> Path:
    create_file(tmp_path / "a b #1.sqlite", build)
    return tmp_path / "a b #1.sqlite"


def notes(database: Database) -> list[str]:
    return [value for (value,) in database.rows("SELECT value FROM meta WHERE key LIKE 'note%' ORDER BY key")]


def add(database: Database, number: int) -> None:
    database.execute("INSERT INTO meta VALUES (?, ?)", (f"note{number:03d}", str(number)))


def test_commits_are_forced_to_disk_in_wal_mode(path: Path) -> None:
    with closing(Database(path)) as database:
        assert database.value("PRAGMA journal_mode") == "wal"
        assert database.value("PRAGMA synchronous") == 2
        assert database.value("PRAGMA foreign_keys") == 1


def test_an_error_undoes_the_whole_nested_transaction(path: Path) -> None:
    def fail(database: Database) -> None:
        with database.transaction():
            add(database, 1)
            with database.transaction():
                add(database, 2)
            raise RuntimeError("too late")

    with closing(Database(path)) as database:
        revision = database.revision
        with pytest.raises(RuntimeError, match="too late"):
            fail(database)
        assert notes(database) == []
        assert database.revision == revision
        with database.transaction():
            add(database, 1)
            add(database, 2)
        assert database.revision == revision + 1


def test_threads_write_and_read_at_once_without_loss(path: Path) -> None:
    with closing(Database(path)) as database, ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: (add(database, number), notes(database)), range(40)))
        assert notes(database) == [str(number) for number in range(40)]


def test_another_thread_sees_a_transaction_only_when_it_is_done(path: Path) -> None:
    with closing(Database(path)) as database, ThreadPoolExecutor(1) as pool:
        with database.transaction():
            add(database, 1)
            assert notes(database) == ["1"]
            assert pool.submit(notes, database).result(5) == []
        assert pool.submit(notes, database).result(5) == ["1"]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts open files through /proc")
def test_ended_threads_leave_no_connection_behind(path: Path) -> None:
    with closing(Database(path)) as database:
        notes(database)
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(20):
            thread = threading.Thread(target=notes, args=(database,))
            thread.start()
            thread.join()
        gc.collect()
        assert len(os.listdir("/proc/self/fd")) <= before + 3


def test_closing_ends_all_threads_and_says_so(path: Path) -> None:
    database = Database(path)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(notes, database).result(5)
        database.close()
        database.close()
        with pytest.raises(ProjectError, match="closed"):
            pool.submit(notes, database).result(5)
    assert not path.with_name(path.name + "-wal").exists(), "the last close folds the WAL into the file"


def test_what_is_remembered_is_asked_again_after_a_transaction_of_its_name(path: Path) -> None:
    with closing(Database(path)) as database:
        asked: list[list[str]] = []

        def read() -> list[str]:
            asked.append(notes(database))
            return asked[-1]

        def remembered() -> list[str]:
            return database.remembered("notes", read)

        assert remembered() is remembered()
        database.execute("UPDATE meta SET value = value")
        assert len(asked) == 1
        with database.transaction():
            with database.transaction("notes"):
                add(database, 1)
            assert remembered() == ["1"], "its own transaction sees what it wrote"
        assert remembered() == ["1"]
        with suppress(KeyError), database.transaction("notes"):
            add(database, 2)
            assert remembered() == ["1", "2"]
            raise KeyError
        assert remembered() == ["1"], "the second one was undone"


def test_read_only_refuses_to_write(path: Path) -> None:
    with closing(Database(path, read_only=True)) as database:
        with pytest.raises(ProjectError, match="read-only"):
            add(database, 1)
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            database.connection.execute("DELETE FROM meta")


@pytest.mark.parametrize("code", [sqlite3.SQLITE_BUSY, sqlite3.SQLITE_IOERR_LOCK])
def test_without_locks_nothing_older_than_what_was_saved_is_read(
    path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    open_ = database._open

    def without_locks(uri: str, first: Sequence[str]) -> sqlite3.Connection:
        if "mode=ro" in uri:
            error = sqlite3.OperationalError("no locks")
            error.sqlite_errorcode = code
            raise error
        return open_(uri, first)

    with closing(Database(path)) as writer:
        with writer.transaction() as connection:
            connection.execute("CREATE TABLE late (x)")
        monkeypatch.setattr(database, "_open", without_locks)
        with closing(Database(path, read_only=True)) as reader, pytest.raises(ProjectError, match="without file locks"):
            reader.rows("SELECT 1")
    with closing(Database(path, read_only=True)) as reader:
        assert reader.rows("SELECT name FROM sqlite_master WHERE name = 'late'")


def test_a_full_disk_is_told_and_nothing_half_written(path: Path) -> None:
    with closing(Database(path)) as database:
        add(database, 1)
        pages = database.value("PRAGMA page_count")
        database.connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(ProjectError, match="disk is full, and the database is sound"):
            database.execute("INSERT INTO meta VALUES ('note002', ?)", ("x" * 200_000,))
        assert notes(database) == ["1"]
        add(database, 3)
        assert notes(database) == ["1", "3"]


def test_backup_is_complete_while_another_thread_writes(path: Path, tmp_path: Path) -> None:
    with closing(Database(path)) as database, ThreadPoolExecutor(1) as pool:
        add(database, 0)
        writing = pool.submit(lambda: [add(database, number) for number in range(1, 30)])
        database.back_up(tmp_path / "copy.sqlite")
        writing.result(20)
    with closing(Database(tmp_path / "copy.sqlite")) as copy:
        assert copy.check() == ""
        assert notes(copy)[0] == "0"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process.*fork:DeprecationWarning")
def test_a_forked_child_gets_its_own_connection(path: Path) -> None:
    with closing(Database(path)) as database:
        add(database, 1)
        child = os.fork()
        if child == 0:
            os._exit(0 if notes(database) == ["1"] else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        add(database, 2)
        assert notes(database) == ["1", "2"]
