"""One SQLite file used safely from several threads: a connection per thread, one writer at a time.

Every thread gets its own connection on first use (closed when the thread ends), so the GUI thread and a job's
thread may use one `Database` at once: reads never wait, writing transactions queue on a lock.
"""

import os
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakSet

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.errors import ProjectError

BUSY_SECONDS = 20.0
WRITER_SETTINGS = ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "PRAGMA foreign_keys = ON")
Row = tuple[Any, ...]
SQLITE_ERRORS = (sqlite3.Error, UnicodeDecodeError)
"""What a statement raises; the latter where SQLite's own words quote damaged bytes of the file."""
T = TypeVar("T")
Whole = TypeVar("Whole", np.int32, np.int64)


class _Handle:
    """A connection that is closed when its thread's local storage goes away."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.process = os.getpid()
        self.in_use = threading.Lock()

    def __del__(self) -> None:
        # A connection inherited through fork must not be touched: closing it would drop the parent's file locks.
        if self.process == os.getpid():
            self.connection.close()


class Database:
    """An open SQLite file in WAL mode, every commit forced to disk (``synchronous=FULL``).

    Parameters
    ----------
    path : Path
        An existing file.
    read_only : bool
        True opens it without ever writing, also from a folder that cannot be written.

    Attributes
    ----------
    committed : callable
        Is told the revision that is on disk after every transaction.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self.read_only = read_only
        self._local = threading.local()
        self._handles: WeakSet[_Handle] = WeakSet()
        self._writing = threading.RLock()
        self._writer = 0  # the thread that is in a transaction, 0 for none
        self._writes_by: sqlite3.Connection | None = None  # its connection
        self._changing: set[str] = set()  # what the open transaction writes of that which is remembered
        self._changes: Counter[str] = Counter()  # transactions that wrote it
        self._memory: dict[tuple[str, str], tuple[int, Any]] = {}
        self._closed = False
        self.committed: Callable[[int], None] = _nobody

    @property
    def connection(self) -> sqlite3.Connection:
        """The connection of this thread (autocommit; write only inside `transaction`)."""
        return self._handle().connection

    def _handle(self) -> _Handle:
        handle: _Handle | None = getattr(self._local, "handle", None)
        if self._closed:
            raise ProjectError(f"The project {self.path.parent} is closed; open it again.")
        if handle is None or handle.process != os.getpid():
            with _as_project_error(self.path):
                handle = _Handle(_connect(self.path, self.read_only))
            self._local.handle = handle
            self._handles.add(handle)
        return handle

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Return all rows of a query; use it with LIMIT where the table may be large."""
        handle: _Handle | None = getattr(self._local, "handle", None)
        if handle is None or self._closed or handle.process != os.getpid():
            handle = self._handle()
        try:
            with handle.in_use:
                found: list[Row] = handle.connection.execute(sql, parameters).fetchall()
        except SQLITE_ERRORS as reason:
            raise _unusable(self.path, reason) from reason
        return found

    def whole_numbers(
        self,
        sql: str,
        parameters: Sequence[Any] = (),
        kind: type[Whole] = np.int32,  # type: ignore[assignment]
    ) -> NDArray[Whole]:
        """Return the only column of all rows as whole numbers; very many take 4 bytes each, or 8 by `kind`.

        SQLite hands them over as one text: row by row, a million take twice as long.
        """
        found = self.value(f"WITH found (one) AS ({sql}) SELECT group_concat(one) FROM found", parameters)
        return _numbers(found, kind)

    def numbers_by_group(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Row, NDArray[np.int32]]]:
        """Return every row without its last column, and that one, a ``group_concat`` of whole numbers, as an array."""
        return [(row[:-1], _numbers(row[-1], np.int32)) for row in self.rows(sql, parameters)]

    def numbers_and_values(self, sql: str) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """Return both columns of all rows: whole numbers, and values; very many take 12 bytes each."""
        handle, kinds = self._handle(), np.dtype([("number", np.int32), ("value", np.float64)])
        try:
            with handle.in_use:
                found = np.fromiter(handle.connection.execute(sql), kinds)
        except SQLITE_ERRORS as reason:
            raise _unusable(self.path, reason) from reason
        return found["number"], found["value"]

    def column(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """Return the first column of all rows."""
        return list(map(itemgetter(0), self.rows(sql, parameters)))

    def value(self, sql: str, parameters: Sequence[Any] = (), default: Any = None) -> Any:
        """Return the first column of the first row, `default` when there is none."""
        found = self.rows(sql, parameters)
        return found[0][0] if found else default

    def remembered(self, name: str, read: Callable[[], T], part: str = "") -> T:
        """Return what `read` finds in the file, which is asked again only after a `transaction` of that name has ended.

        Of one name several parts are remembered, each by itself. That holds as long as nobody else writes the file, so
        a read-only database always asks, and so does a thread within its own transaction: that may still be undone.
        """
        if self.read_only or self._writer == threading.get_ident():
            return read()
        changes, known = self._memory.get((name, part), (-1, None))
        if changes != self._changes[name]:
            changes, known = self._changes[name], read()
            self._memory[name, part] = (changes, known)
        found: T = known
        return found

    @property
    def is_writing(self) -> bool:
        """True while the calling thread is in a transaction."""
        return self._writer == threading.get_ident()

    @contextmanager
    def transaction(self, changing: str = "") -> Iterator[sqlite3.Connection]:
        """Yield the connection of a transaction that is on disk when the block ends, or undone by an error.

        Transactions of one thread nest: only the outermost one commits.

        Parameters
        ----------
        changing : str
            Which of the things that are `remembered` it may write.

        Raises
        ------
        ProjectError
            When the project is open read-only, or the disk refuses the write.
        """
        if self.read_only:
            raise ProjectError(
                f"The project {self.path.parent} is open read-only, so nothing can be changed. "
                "Close it where it is open for writing, then open it again."
            )
        with self._writing:
            outermost = self._writes_by is None
            connection = self._writes_by or self._handle().connection
            if outermost:
                self._writes_by, self._writer = connection, threading.get_ident()
            self._changing.add(changing)
            try:
                if outermost:
                    connection.execute("BEGIN IMMEDIATE")
                yield connection
                if outermost:
                    statement = "UPDATE meta SET value = value + 1 WHERE key = 'revision' RETURNING value"
                    revision = connection.execute(statement).fetchone()
                    connection.execute("COMMIT")
                    self.committed(int(revision[0]) if revision else 0)
            except BaseException as reason:  # of whoever writes, an interruption, too: half a change is none
                if outermost and connection.in_transaction:
                    connection.execute("ROLLBACK")
                if isinstance(reason, SQLITE_ERRORS):
                    raise _unusable(self.path, reason) from reason
                raise
            finally:
                if outermost:
                    self._writes_by, self._writer = None, 0
                    self._changes.update(self._changing)
                    self._changing.clear()

    def execute(self, sql: str, parameters: Sequence[Any] = (), changing: str = "") -> int:
        """Run one statement, in a transaction of its own where there is none; return how many rows it changed.

        `changing` is that of `transaction`.
        """
        if self._writes_by is None or self._writer != threading.get_ident():
            with self.transaction(changing) as connection:
                return connection.execute(sql, parameters).rowcount
        self._changing.add(changing)
        try:
            return self._writes_by.execute(sql, parameters).rowcount
        except SQLITE_ERRORS as reason:
            raise _unusable(self.path, reason) from reason

    @property
    def revision(self) -> int:
        """How many writing transactions the file has seen; equal revisions hold equal content."""
        return int(self.value("SELECT value FROM meta WHERE key = 'revision'", default=0))

    def make_final(self) -> None:
        """Write without changing anything, so that what is read from now on is what stays.

        A process killed at the end of a commit may have written all of it to the WAL without having told the others
        that have the file open (a training run). They go on without it, and it would be there again once the file is
        opened by somebody alone. The next write takes its place; this is one. After a clean end there is no WAL, and
        nothing to do.
        """
        wal = self.path.with_name(f"{self.path.name}-wal")
        if not (wal.exists() and wal.stat().st_size):
            return
        with self._writing, _as_project_error(self.path):
            connection = self._handle().connection
            version = int(connection.execute("PRAGMA user_version").fetchone()[0])
            connection.execute(f"PRAGMA user_version = {version}")

    def back_up(self, target: Path) -> None:
        """Copy the whole database to `target` through SQLite's backup, also while others write."""
        with _as_project_error(self.path), closing(sqlite3.connect(target)) as copy:
            self.connection.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")

    def check(self) -> str:
        """Return "" when the file is sound, else SQLite's first complaint."""
        try:
            found = str(self.connection.execute("PRAGMA quick_check(1)").fetchone()[0])
        except (sqlite3.DatabaseError, UnicodeDecodeError) as damage:
            return str(damage)
        return "" if found == "ok" else found

    def close(self) -> None:
        """Close the connections of all threads."""
        with self._writing:
            self._closed = True
            for handle in list(self._handles):
                if handle.process == os.getpid():
                    with handle.in_use:
                        handle.connection.close()


def _numbers(text: str | None, kind: type[Whole]) -> NDArray[Whole]:
    """Return the numbers of a ``group_concat``, which is NULL of none."""
    return np.fromstring(text, kind, sep=",") if text else np.zeros(0, kind)


def part_of(column: str, name: str) -> str:
    """Return the SQL of an entry of the JSON object in a column, NULL where that is damaged (else SQLite stops)."""
    return f"CASE WHEN json_valid({column}) THEN json_extract({column}, '$.{name}') END"


def create_file(path: Path, build: Callable[[sqlite3.Connection], None]) -> None:
    """Make a new SQLite file and let `build` fill it."""
    with _as_project_error(path), closing(sqlite3.connect(path, isolation_level=None)) as connection:
        build(connection)


@contextmanager
def _as_project_error(path: Path) -> Iterator[None]:
    try:
        yield
    except SQLITE_ERRORS as reason:
        raise _unusable(path, reason) from reason


FULL, DAMAGED = (sqlite3.SQLITE_FULL,), (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
REFUSED = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH)
LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_NOLFS)
LOCK_TROUBLE = (
    sqlite3.SQLITE_IOERR_LOCK,
    sqlite3.SQLITE_IOERR_RDLOCK,
    sqlite3.SQLITE_IOERR_UNLOCK,
    sqlite3.SQLITE_IOERR_SHMLOCK,
    sqlite3.SQLITE_IOERR_SHMMAP,
    sqlite3.SQLITE_IOERR_SHMOPEN,
)
PRIMARY = 0xFF
"""Part of SQLite's error codes that says the kind."""


def _code(reason: Exception) -> int:
    """Return SQLite's code of an error; 0 of one that Python's own part of the library raises."""
    return int(getattr(reason, "sqlite_errorcode", 0))


def _unusable(path: Path, reason: sqlite3.Error | UnicodeDecodeError) -> ProjectError:
    return ProjectError(f"The project database {path} cannot be used ({reason}). {_advice(path, reason)}")


def _advice(path: Path, reason: sqlite3.Error | UnicodeDecodeError) -> str:
    """Return what to do; a backup is restored only where the database itself is damaged."""
    code = _code(reason)
    if code & PRIMARY in DAMAGED or isinstance(reason, UnicodeDecodeError):
        return f"It is damaged. The backups and what they hold are listed by: napari-wsss restore {path.parent}"
    if code & PRIMARY in FULL:
        return "The disk is full, and the database is sound: make room and try again."
    if code & PRIMARY in REFUSED:
        return "It may not be written, and is sound: correct the permissions of file and folder and try again."
    if code & PRIMARY in LOCKED or code in LOCK_TROUBLE:
        return (
            "Another program holds it, or its folder is on a share without file locks. The database is sound: close "
            "the other program, or put the project on a disk with locks."
        )
    return (
        "The disk or share may be full or gone; nothing says that the database is damaged. Try again when it is back."
    )


def _nobody(_revision: int) -> None:
    """Hear of nothing."""


def _connect(path: Path, read_only: bool) -> sqlite3.Connection:
    uri = path.resolve().as_uri()
    if not read_only:
        return _open(f"{uri}?mode=rw", WRITER_SETTINGS)
    try:
        return _open(f"{uri}?mode=ro", ("SELECT 1 FROM sqlite_master LIMIT 1",))
    except sqlite3.OperationalError as reason:
        code, wal = _code(reason), path.with_name(f"{path.name}-wal")
        if (code & PRIMARY in LOCKED or code in LOCK_TROUBLE) and wal.is_file() and wal.stat().st_size:
            raise  # the file alone lacks what was saved last: masks of these decisions would look like strangers
        # WAL needs a writable folder unless the writer left its files there; the file itself can still be read.
        return _open(f"{uri}?immutable=1", ())


def _open(uri: str, first_statements: Sequence[str]) -> sqlite3.Connection:
    # check_same_thread is off only so that `close` can close the connections of other, idle threads.
    connection = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        for statement in ("PRAGMA trusted_schema = OFF", *first_statements):  # a stranger's views call no functions
            connection.execute(statement).fetchall()
    except BaseException:
        connection.close()  # whatever it was, or it would live on in the traceback and keep the file locked
        raise
    return connection
