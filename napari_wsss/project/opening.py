"""Makes a project's database file, and checks and updates one before it is used."""

from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import ProjectError
from napari_wsss.project import schema
from napari_wsss.project.backups import back_up, list_backups
from napari_wsss.project.catalog import Catalog
from napari_wsss.project.database import Database, create_file
from napari_wsss.project.records import NewImage


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
        connection.executemany("INSERT INTO meta VALUES (?, ?)", list(root.items()))
        connection.executemany("INSERT INTO classes VALUES (?, ?)", list(enumerate(classes.names)))
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
        advice = f"Restore it by copying {known[0]} over it" if known else "There is no backup to restore it from"
        raise ProjectError(f"{database.path} is damaged ({damage}). {advice}.")
    version = schema.version_of(database.connection)
    if version == schema.VERSION:
        return
    if database.read_only:
        raise ProjectError(
            f"The project {database.path.parent} has the older schema version {version}, this program reads "
            f"{schema.VERSION}; it must be opened for writing once, which updates it after a backup.",
            update_possible=True,
        )
    back_up(database, backups)
    schema.migrate(database.connection)
