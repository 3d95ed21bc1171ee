"""Publishing files so that a reader sees the old content or the whole new content, never a part."""

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any


@contextmanager
def publish(path: Path) -> Iterator[IO[bytes]]:
    """Yield a binary file that replaces `path` when the block ends without an error.

    Temporary random name in the same folder, fsync, replace, fsync of the folder: after a crash the old file is
    still whole, and when the block has ended the new one is on disk. Missing parent folders are made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def publish_bytes(path: Path, content: bytes) -> None:
    """Publish a file that holds just this."""
    with publish(path) as file:
        file.write(content)


def publish_json(path: Path, record: object, **how: Any) -> None:
    """Publish a record of plain JSON types; `how` is for `json.dumps`."""
    publish_bytes(path, json.dumps(record, **how).encode())


def sync_folder(folder: Path) -> None:
    """Force a folder's entries to disk (a no-op where the system cannot open folders)."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
