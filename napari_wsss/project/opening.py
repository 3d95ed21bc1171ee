"""Makes a project's database file, and checks and updates one before it is used."""

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
from pathlib import Path

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import ProjectError
from napari_wsss.processes.lock import is_held
from napari_wsss.project import schema
from napari_wsss.project.backups import BACKUPS, back_up, list_backups
from napari_wsss.project.catalog import Catalog
from napari_wsss.project.database import Database, create_file
from napari_wsss.project.kept.leftovers import sweep
from napari_wsss.project.kept.revision_note import RevisionNote
from napari_wsss.project.lost_changes import count_above_drafts, lost_words, take_up_masks
from napari_wsss.project.mask_files import ACCEPTED, MaskFiles, accepted_name
from napari_wsss.project.records import NewImage
from napari_wsss.project.results.store import ResultStore
from napari_wsss.project.review import Review

RESULTS_ARE_SPREAD = ("results", "spread")
"""In the table `meta` once results lie in folders of bounded size (`ResultStore`)."""


def build_file(path: Path, root: Mapping[str, str], classes: ClassList, images: Iterable[NewImage]) -> None:
    """Make the file `path` with these classes and images.

    Parameters
    ----------
    root : mapping of str to str
        Where the images are, as `locations.root_entries` returns.

    Raises
    ------
    ProjectError, LabelError
        When an image is listed twice, has no plain path, or a label outside `classes`.
    """
    create_file(path, schema.build)
    with closing(Database(path)) as database, database.transaction() as connection:
        connection.executemany("INSERT INTO meta VALUES (?, ?)", [*root.items(), RESULTS_ARE_SPREAD])
        connection.executemany("INSERT INTO classes (position, name) VALUES (?, ?)", list(enumerate(classes.names)))
        Catalog(database).add(images)


def prepare(database: Database, backups: Path) -> None:
    """Check that an opened file is sound and of this version; bring an older one up to date after a backup.

    Raises
    ------
    ProjectError
        When the file is damaged (the newest backup is named), no project, newer than this program, or older and
        open read-only.
    """
    damage = database.check()
    if damage:
        known = list_backups(backups)
        advice = (
            f"The newest of {len(known)} backups is {known[0]}; see what they hold and restore one with: napari-wsss "
            f"restore {database.path.parent}"
            if known
            else "There is no backup to restore it from"
        )
        raise ProjectError(f"{database.path} is damaged ({damage}). {advice}.")
    version = schema.version_of(database.connection)
    if version == schema.VERSION:
        if not database.read_only:
            with suppress(sqlite3.Error):  # a full disk keeps no project shut
                schema.index_rare_facts(database.connection)
        return
    if database.read_only:
        raise ProjectError(
            f"The project {database.path.parent} has the older schema version {version}, this program reads "
            f"{schema.VERSION}; it must be opened for writing once, which updates it after a backup.",
            update_possible=True,
        )
    back_up(database, backups)
    schema.migrate(database.connection)
    schema.index_rare_facts(database.connection)


def bring_together(folder: Path, database: Database, files: MaskFiles, catalog: Catalog, review: Review) -> list[str]:
    """Bring a project's files and its database together after whatever happened since it was closed.

    Leftover temporary files are swept, decided masks are written, vanished and overwritten ones put back; where the
    database is older than what was committed last, masks accepted since are taken up again. From now on every commit
    is noted. Return what a person should know, as sentences.
    """
    sweep(folder)
    with suppress(OSError, ProjectError):  # a full disk keeps no project shut
        database.make_final()
    note = RevisionNote(database.path)
    noted, found = note.read(), database.revision
    sentences = []
    if noted > found:
        count_above_drafts(database, folder)
        take_up_masks(files, catalog, review)
        sentences.append(lost_words(database.path, found, noted, folder / BACKUPS))
    elif not files.accepted.names():
        _take_as_they_are(files, catalog)
    review.settle()
    files.mend()
    database.committed = note.write
    note.write(database.revision)
    return sentences + files.take_told()


def spread_results(database: Database, store: ResultStore) -> None:
    """Move the results of a project from before they lay in folders of bounded size; once in its life."""
    name, value = RESULTS_ARE_SPREAD
    if database.value("SELECT value FROM meta WHERE key = ?", (name,)) != value:
        with suppress(OSError):  # they are read wherever they lie
            store.spread_out()
        with suppress(ProjectError):  # a full disk keeps no project shut
            database.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", RESULTS_ARE_SPREAD)


def _take_as_they_are(files: MaskFiles, catalog: Catalog) -> None:
    """Note what the accepted masks of a project from before this was noted hold."""
    waiting = files.unsettled()
    if not any(files.path(ACCEPTED).rglob("*.png")):  # else every image of a million would be looked for
        return
    for image_id in list(catalog.ids()):
        name = accepted_name(image_id)
        if name not in waiting and has_mask(files, name):
            with suppress(OSError, ProjectError):  # a full disk keeps no project shut
                files.accepted.take(name)


def has_mask(files: MaskFiles, name: str) -> bool:
    """Tell whether there is a mask's file of this name; also of a name that leads out of the project."""
    try:
        return files.path(name).is_file()
    except ProjectError:  # named in `Project.left_out`
        return False


def seen_from_outside(folder: Path, database: Database, files: MaskFiles) -> list[str]:
    """Return what a person who only reads should know of what happened to a project since it was closed."""
    if is_held(folder):  # its holder looks after it
        return []
    noted, found = RevisionNote(database.path).read(), database.revision
    sentences = [lost_words(database.path, found, noted, folder / BACKUPS)] if noted > found else []
    changed = list(files.accepted.changed(files.unsettled()))
    if changed:
        names = ", ".join(f"{one.name} ({one.kind})" for one in changed[:3])
        sentences.append(
            f"{len(changed)} accepted mask(s) are not as accepted: {names}. Copies are read where there are some; "
            "opening the project for changes puts them back."
        )
    return sentences
