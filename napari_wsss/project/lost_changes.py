"""What is done on opening a database that is older than what was committed last (see `revision_note`).

Its strokes are gone, but the files of masks and drafts are there: what was accepted since is taken up again, and told.
"""

from pathlib import Path

from napari_wsss.core.errors import WsssError
from napari_wsss.core.files import read_regular
from napari_wsss.core.masks import decode_mask
from napari_wsss.project.backups import list_backups, revision_of
from napari_wsss.project.catalog import Catalog
from napari_wsss.project.database import Database
from napari_wsss.project.kept.mask_copies import digest_of
from napari_wsss.project.mask_files import DRAFTS, MaskFiles, accepted_name
from napari_wsss.project.masks import CHECKPOINT_TEXT
from napari_wsss.project.review import Review
from napari_wsss.project.sourced_masks import decode_sourced

UNREADABLE = (OSError, ValueError, WsssError)


def lost_words(database: Path, found: int, noted: int, backups: Path) -> str:
    """Return the sentence about a database at revision `found` that had been at `noted`."""
    newer = [path for path in list_backups(backups) if revision_of(path) > found]
    have = (
        f"The backup {newer[0].name} holds revision {revision_of(newer[0])}: napari-wsss restore {database.parent}."
        if newer
        else "No backup is newer than what is there."
    )
    return (
        f"The last {noted - found} change(s) of this project are missing: {database.name} is at revision {found}, "
        f"{noted} was saved. Its file {database.name}-wal was lost or shortened, or an older copy was put here. Masks "
        f"accepted since then were taken up again from their files; strokes and labels were not. {have}"
    )


def count_above_drafts(database: Database, folder: Path) -> None:
    """Let the journal count on above every number that a draft's file names as held.

    A draft says up to which stroke it holds them; an older database would give those numbers to new strokes, and they
    would not be laid over the draft.
    """
    highest = max((_held(path) for path in (folder / DRAFTS).rglob("*.png")), default=0)
    if highest:
        with database.transaction() as connection:
            rows = connection.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'journal'", (highest,))
            if not rows.rowcount:
                connection.execute("INSERT INTO sqlite_sequence VALUES ('journal', ?)", (highest,))


def _held(path: Path) -> int:
    try:
        return int(decode_mask(read_regular(path), str(path))[1].get(CHECKPOINT_TEXT, 0))
    except UNREADABLE:
        return 0


def take_up_masks(files: MaskFiles, catalog: Catalog, review: Review) -> int:
    """Accept the masks again that were accepted here (there is a copy of them) and that the database forgot."""
    count = 0
    for image_id in list(catalog.ids()):
        name = accepted_name(image_id)
        try:
            content = read_regular(files.path(name))
        except UNREADABLE:
            continue
        digest = digest_of(content)
        if digest == files.accepted.digest(name) or files.accepted.copies.get(digest) is None:
            continue
        try:
            values, sources, _ = decode_sourced(content, name)
            review.accept(image_id, review.counted(values), {"taken up": True}, sources)
        except UNREADABLE:
            continue
        count += 1
    return count
