"""A project folder: create, open, lock, and everything a person or a stage asks it for.

One `Project` may be used by the GUI thread and a job's thread at once: every thread reads through its own database
connection, and writes queue on one lock (see `database`).

The file is long because it is the one door to what is on disk: most functions hand on to a part in a line or two.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from types import TracebackType

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import LabelError, ProjectError
from napari_wsss.core.files import parsed_object, sync_folder
from napari_wsss.core.inside import is_link, not_through_links
from napari_wsss.core.plan import Plan, changed_parts
from napari_wsss.pixels.decoding.channels import Channels, as_text, check_channels, parse_channels
from napari_wsss.pixels.decoding.deep_images import USUAL, Percentiles
from napari_wsss.pixels.decoding.loaded import LoadedImage
from napari_wsss.pixels.decoding.stacks import file_and_page, series_of
from napari_wsss.pixels.images import image_size, read_image
from napari_wsss.processes.children import distrust
from napari_wsss.processes.lock import ProjectLock, is_held
from napari_wsss.project.backups import BACKUPS, back_up, holds_everything, list_backups
from napari_wsss.project.catalog import Catalog
from napari_wsss.project.classes.class_changes import ClassChanges, stored_classes
from napari_wsss.project.database import Database, Row
from napari_wsss.project.hold_out import choose_held_out
from napari_wsss.project.journal import Journal
from napari_wsss.project.kept.mask_copies import TRASH, wanted_by
from napari_wsss.project.label_imports import NEGATIVE, LabelImports, Said
from napari_wsss.project.locations import ImageLocations, root_entries
from napari_wsss.project.mask_files import MaskFiles
from napari_wsss.project.masks import Masks
from napari_wsss.project.opening import bring_together, build_file, prepare, seen_from_outside, spread_results
from napari_wsss.project.records import ImageRecord, NewImage
from napari_wsss.project.results.store import ResultStore
from napari_wsss.project.review import Review

FILE_NAME = "project.sqlite"
BESIDE = ("wal", "shm", "journal", "revision")
"""What SQLite puts beside its file, and the note of what was committed last."""
DAMAGED_RECORD = (ValueError, TypeError, KeyError, AttributeError)
"""What a record of another kind than the one expected raises while it is taken apart."""
OWN_FOLDERS = ("masks", "drafts", "scribbles", "results", "training", BACKUPS, TRASH)


class Project:
    """An open project. Make one with `create` or `open`, and close it (it is a context manager).

    Attributes
    ----------
    folder : Path
        The project folder.
    read_only : bool
        True when nothing can be changed through this object.
    catalog : Catalog
        The images.
    journal : Journal
        The edits.
    masks : Masks
        Accepted and unfinished masks, as they are.
    review : Review
        Changes of masks and review states, and taking them back.
    label_imports : LabelImports
        Labels of many images from a file, and taking them back.
    class_changes : ClassChanges
        Classes merged, deleted or coloured, and taking that back.
    store : ResultStore
        Machine results.
    backup_error : str
        What is wrong with the backups and what to do about it: the last one, at opening or closing, failed; or, of a
        project that is only read and that nobody has open, none holds the last changes. "" when all is well.
    found : list of str
        What had happened to the project since it was closed and was put right on opening: masks that vanished,
        changes that were lost. Empty when all is well.
    """

    def __init__(self, folder: Path, database: Database, lock: ProjectLock | None) -> None:
        self.folder = folder
        self.read_only = database.read_only
        self.catalog = Catalog(database)
        self.journal = Journal(database, self.catalog)
        self.store = ResultStore(folder / "results")
        self._database = database
        self._lock = lock
        self._closed = False
        self.backup_error = ""
        self.found: list[str] = []
        self._classes: tuple[list[Row], ClassList] | None = None
        self._kept_images: dict[str, LoadedImage] = {}
        self._plan: tuple[str, Plan] = ("", Plan())
        self.label_imports = LabelImports(database, self.catalog, self.journal)
        self.class_changes = ClassChanges(database, self.journal, lambda: self.classes)
        self._locations = ImageLocations(folder, database, self.catalog)
        self.masks = Masks(MaskFiles(folder, database), self.journal, self._size_or_none, lambda: self.classes)
        self.review = Review(self.masks, database, self.catalog, self.journal, lambda: self.classes, self._look)

    # -- opening and closing ------------------------------------------------------------------------------

    @classmethod
    def create(
        cls, folder: Path | str, images_root: Path | str, classes: ClassList, images: Iterable[NewImage]
    ) -> Project:
        """Make a project in `folder` (made when missing) and open it; an existing project is never overwritten.

        Parameters
        ----------
        images_root : path
            Folder that the image ids are relative to.
        classes : ClassList
        images : iterable of NewImage
            In catalog order.

        Raises
        ------
        ProjectError
            When `folder` already holds a project or cannot be made, or an image is listed twice.
        LabelError
            When an image has a label outside `classes`.
        """
        folder = Path(os.path.abspath(folder))
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as reason:
            raise ProjectError(
                f"The project folder {folder} cannot be made ({reason.strerror}); choose a place where you may write."
            ) from reason
        lock = ProjectLock(folder)
        lock.acquire()
        try:
            path = folder / FILE_NAME
            if path.exists():
                raise ProjectError(
                    f"{folder} already holds a project. Open it, or choose another folder for a new one."
                )
            temporary = folder / f".{FILE_NAME}.{secrets.token_hex(4)}.tmp"
            try:
                build_file(temporary, root_entries(Path(images_root), folder), classes, images)
                os.replace(temporary, path)
                sync_folder(folder)
            finally:
                temporary.unlink(missing_ok=True)
            return cls._opened(folder, lock)
        except BaseException:  # an interruption, too: nobody else would give the lock back
            lock.release()
            raise

    @classmethod
    def open(cls, folder: Path | str, *, read_only: bool = False, take_over: bool = False) -> Project:
        """Open the project in `folder` (or its ``project.sqlite``).

        Opening for writing takes the lock, migrates older projects (after a backup), finishes what a crash left
        unfinished and makes a backup. Nothing in the folder is trusted: what would lead out of it, or cannot be read,
        is left out and named in `left_out`.

        Parameters
        ----------
        read_only : bool
            Change nothing, and take no lock.
        take_over : bool
            As `ProjectLock.acquire` takes it.

        Raises
        ------
        ProjectError
            When there is no project, it is damaged or newer than this program, its database is a link, or another
            process has it open (then ``read_only_possible`` is True).
        """
        path = Path(os.path.abspath(folder))
        path = path if path.name == FILE_NAME and not path.is_dir() else path / FILE_NAME
        if not path.is_file():
            raise ProjectError(f"There is no project in {path.parent} (no {FILE_NAME}). Create one, or choose another.")
        for name in (path.name, *(f"{path.name}-{part}" for part in BESIDE)):
            not_through_links(path.parent, path.parent / name)
        if read_only:
            return cls._opened(path.parent, None)
        lock = ProjectLock(path.parent)
        lock.acquire(take_over=take_over)
        try:
            return cls._opened(path.parent, lock)
        except BaseException:  # an interruption, too: nobody else would give the lock back
            lock.release()
            raise

    @classmethod
    def open_to_read(cls, folder: Path | str) -> Project:
        """Open the project in `folder` read-only; one of an older version is first updated, after a backup.

        Raises
        ------
        ProjectError
            As `open` does; also when an older project cannot be updated because another process has it open or its
            folder cannot be written.
        """
        try:
            return cls.open(folder, read_only=True)
        except ProjectError as older:
            if not older.update_possible:
                raise
            try:
                cls.open(folder).close()
            except ProjectError as reason:
                raise ProjectError(f"{older} That failed: {reason}") from reason
        return cls.open(folder, read_only=True)

    @classmethod
    def _opened(cls, folder: Path, lock: ProjectLock | None) -> Project:
        distrust(folder)
        database = Database(folder / FILE_NAME, read_only=lock is None)
        try:
            prepare(database, folder / BACKUPS)
            project = cls(folder, database, lock)
            parts = (folder, database, project.masks.files)
            if lock is None:
                project.found = seen_from_outside(*parts)
            else:
                project.found = bring_together(*parts, project.catalog, project.review)
                spread_results(database, project.store)
                project.try_backup()
            if lock is None and not is_held(folder) and not holds_everything(database, folder / BACKUPS):
                project.backup_error = (
                    f"No backup holds the last changes of {folder}. The project itself is saved; open it for writing "
                    "once, which makes a backup."
                )
            return project
        except BaseException:  # an interruption, too: a connection nobody has keeps the file locked
            database.close()
            raise

    def close(self) -> None:
        """Make a backup if anything changed, close the database and give the lock back; safe to call twice."""
        if self._closed:
            return
        self._closed = True
        try:
            if not self.read_only:
                self.review.settle()
                self.try_backup()
                self.masks.files.accepted.thin(wanted_by(list_backups(self.folder / BACKUPS)))
        finally:
            self._database.close()
            if self._lock is not None:
                self._lock.release()

    def __enter__(self) -> Project:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def closed(self) -> bool:
        """True once the project was closed."""
        return self._closed

    def backup(self) -> Path:
        """Return a backup of ``project.sqlite`` as it is now, made unless the newest one is already equal."""
        return back_up(self._database, self.folder / BACKUPS)

    def copy_database(self, target: Path) -> None:
        """Write the database as it is now to another file."""
        self._database.back_up(target)

    def try_backup(self) -> None:
        """Back up as far as the disk allows: a full one must neither keep a project shut nor open."""
        try:
            self.backup()
        except (OSError, ProjectError) as reason:
            self.backup_error = (
                f"No backup of {self.folder} could be made ({reason}). The project itself is saved; make room on its "
                f"disk, or allow writing to its folder {BACKUPS!r}, then open it again."
            )
        else:
            self.backup_error = ""

    @contextmanager
    def together(self) -> Iterator[None]:
        """Make all changes of a block one transaction: all or none, and one wait for the disk."""
        with self._database.transaction():
            yield

    # -- settings of the whole project --------------------------------------------------------------------

    @property
    def classes(self) -> ClassList:
        """The foreground classes in their fixed order."""
        return self._database.remembered("classes", self._read_classes)

    def _read_classes(self) -> ClassList:
        rows = self._database.rows("SELECT name, position, becomes, colour FROM classes ORDER BY position")
        if self._classes is None or self._classes[0] != rows:
            self._classes = (rows, stored_classes(rows))
        return self._classes[1]

    def add_class(self, name: str) -> None:
        """Append a class; existing mask values keep their meaning. `LabelError` when the name is taken."""
        names = self.classes.names
        self._check_not_gone(name)
        extended = ClassList((*names, name))
        with self._database.transaction("classes") as connection:
            new = (len(names), extended.names[-1])
            connection.execute("INSERT INTO classes (position, name) VALUES (?, ?)", new)
            self.journal.append("classes", None, list(names), list(extended.names))

    def rename_class(self, old: str, new: str) -> None:
        """Rename a class everywhere (labels, parameter overrides); mask values stay."""
        names = self.classes.names
        self._check_not_gone(new)
        renamed = ClassList(new.strip() if name == old else name for name in names)
        with self._database.transaction():
            self.catalog.rename_class(old, new.strip())
            self.journal.append("classes", None, list(names), list(renamed.names))
            self.set_plan(self.plan.with_class_renamed(old, new.strip()))

    def _check_not_gone(self, name: str) -> None:
        name = name.strip()
        if name in self.classes.names and name not in self.classes.current:
            raise LabelError(
                f"There was a class {name!r}, which was merged or deleted; its name stays taken, because masks on disk "
                "and models know it. Take that back (Undo), or choose another name."
            )

    @property
    def plan(self) -> Plan:
        """How maps and pseudo masks are made; the default plan until one is set."""
        return self._database.remembered("plan", self._read_plan)

    def _read_plan(self) -> Plan:
        text = str(self._database.value("SELECT value FROM meta WHERE key = 'plan'", default="{}"))
        if text != self._plan[0]:
            try:
                plan = Plan.from_dict(parsed_object(text))
            except DAMAGED_RECORD:  # named in `left_out`
                plan = Plan()
            self._plan = (text, plan)
        return self._plan[1]

    @cached_property
    def left_out(self) -> tuple[str, ...]:
        """What of the project is not used (leads out of its folder, cannot be read) or was put right, as sentences."""
        return tuple(self._find_left_out())

    def _find_left_out(self) -> Iterator[str]:
        yield from self.found
        for name in OWN_FOLDERS:
            if is_link(self.folder / name):
                yield f"The project's folder {name!r} is a link, so nothing is written or deleted in it."
        yield from self.masks.files.refused().values()
        yield from self._locations.complaints()
        try:
            text = self._database.value("SELECT value FROM meta WHERE key = 'plan'", default="{}")
            Plan.from_dict(parsed_object(str(text)))
        except DAMAGED_RECORD as reason:
            yield (
                f"The project's plan (methods, parameters, applied models) cannot be read ({reason}), so the default "
                "one is used. Apply a run again, or restore an older generation: napari-wsss restore."
            )

    def set_plan(self, plan: Plan) -> None:
        """Replace the plan (journaled)."""
        before, after = self.plan.to_dict(), plan.to_dict()
        if before == after:
            return
        with self._database.transaction("plan") as connection:
            connection.execute("INSERT OR REPLACE INTO meta VALUES ('plan', ?)", (json.dumps(after),))
            self.journal.append("plan", None, *changed_parts(before, after))

    @property
    def deep_percentiles(self) -> Percentiles:
        """Between which percentiles of its pixels a picture of more than 8 bits is scaled to 0..255."""
        return self._database.remembered("deep_percentiles", self._read_deep_percentiles)

    def _read_deep_percentiles(self) -> Percentiles:
        text = str(self._database.value("SELECT value FROM meta WHERE key = 'deep_percentiles'", default=""))
        low, _, high = text.partition(" ")
        return (float(low), float(high)) if high else USUAL

    def set_deep_percentiles(self, low: float, high: float) -> None:
        """Scale pictures of more than 8 bits between other percentiles; results made from other pixels stop counting.

        Raises
        ------
        ProjectError
            When they are not in order, or beyond 0 to 100.
        """
        if not 0 <= low < high <= 100:
            raise ProjectError(f"Pictures cannot be scaled from {low:g} to {high:g} %; expected 0 <= from < to <= 100.")
        with self._database.transaction("deep_percentiles") as connection:
            connection.execute("INSERT OR REPLACE INTO meta VALUES ('deep_percentiles', ?)", (f"{low!r} {high!r}",))

    @property
    def channels(self) -> Channels:
        """Which channels of the files make the pictures; () as the files are made."""
        return self._database.remembered("channels", self._read_channels)

    def _read_channels(self) -> Channels:
        with suppress(ProjectError):  # a damaged entry means none
            return parse_channels(
                str(self._database.value("SELECT value FROM meta WHERE key = 'channels'", default=""))
            )
        return ()

    def set_channels(self, channels: Channels) -> None:
        """Make the pictures of other channels; results made from other pixels stop counting.

        Raises
        ------
        ProjectError
            When they make no picture.
        """
        text = as_text(check_channels(channels))
        with self._database.transaction("channels") as connection:
            connection.execute("INSERT OR REPLACE INTO meta VALUES ('channels', ?)", (text,))

    @property
    def takes_pages(self) -> bool:
        """Whether every page or plane of a stack is an image of its own; new pictures follow."""
        return bool(self._database.value("SELECT value FROM meta WHERE key = 'pages'", default=""))

    def set_takes_pages(self, takes: bool) -> None:
        """Let pages of stacks that are added be images of their own; those that are there stay what they are."""
        with self._database.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO meta VALUES ('pages', ?)", ("1" if takes else "",))

    @property
    def training_folder(self) -> Path:
        """Where training runs lie, one folder each."""
        return self.folder / "training"

    @property
    def results_folder(self) -> Path:
        """Where machine results lie; may be deleted at any time."""
        return self.store.folder

    def hold_out(self, fraction: float, seed: int = 0) -> int:
        """Assign the images that have no split yet to "val" (a share of `fraction`) or "train".

        Return how many became "val". Images that have a split keep it, so validation images never come to train.
        """
        # Images labelled none are a group of their own, of which the same share is held out as of every class.
        labels = {
            record.id: frozenset({NEGATIVE}) if record.negative else record.labels
            for record in self.catalog.records(split="")
        }
        chosen = choose_held_out(labels, fraction, seed, series_of)
        with self._database.transaction() as connection:
            rows = [("val" if image_id in chosen else "train", image_id) for image_id in labels]
            connection.executemany("UPDATE images SET split = ? WHERE id = ?", rows)
            if labels:
                self.journal.append("split", None, None, {"fraction": fraction, "seed": seed, "val": sorted(chosen)})
        return len(chosen)

    # -- images -------------------------------------------------------------------------------------------

    @property
    def images_root(self) -> Path:
        """The folder the image paths are relative to, as found when the project was opened."""
        return self._locations.root

    def locate_images(self, root: Path | None = None) -> tuple[str, ...]:
        """Find missing images again by relative path or content; return the still missing (see `ImageLocations`).

        `root` is the folder that holds the images now; without it the present one is searched.
        """
        return self._locations.locate(root)

    def add_images(self, images: Iterable[NewImage]) -> int:
        """Append images to the catalog and return how many."""
        return self.catalog.add(images)

    def image_path(self, image_id: str) -> Path:
        """Return where an image file lies."""
        return self._locations.path(image_id)

    def load_image(self, image_id: str, record: ImageRecord | None = None, *, at_least: int = 0) -> LoadedImage:
        """Return the pixels of an image and how they were scaled; `ProjectError` when it is missing or damaged.

        `record` is the image's, where the caller has asked the catalog already; `at_least` is that of `read_image`.
        """
        kept = self._kept_images.get(image_id)
        if kept is not None:
            return kept
        path = self._locations.path(image_id, record)
        if not file_and_page(path)[0].exists():
            raise ProjectError(
                f"The image {image_id} is not at {path}. Put it back, or tell the project where its images are now: "
                f"napari-wsss locate-images --project {self.folder} --images FOLDER."
            )
        return read_image(path, self.deep_percentiles, self.channels, at_least=at_least)

    def keep_image(self, image_id: str) -> None:
        """Read an image now, for `load_image` to have it at once, until `forget_image`; errors are those of that."""
        self._kept_images[image_id] = self.load_image(image_id)

    def kept_pixels(self, image_id: str) -> int:
        """Return how many pixels an image has that is kept, 0 for others."""
        kept = self._kept_images.get(image_id)
        return 0 if kept is None else kept.pixels.shape[0] * kept.pixels.shape[1]

    def forget_image(self, image_id: str) -> None:
        """Keep an image no longer."""
        self._kept_images.pop(image_id, None)

    def image_hash(self, image_id: str) -> str:
        """Return the SHA-256 of an image file (64 hexadecimal digits); a replaced file is noticed and marked."""
        return self._locations.hash(image_id)

    def is_replaced(self, image_id: str) -> bool:
        """Tell whether an image file has another content than what is known and was decided about."""
        return self._locations.was_replaced(image_id)

    def pixels_hash(self, image_id: str, record: ImageRecord | None = None) -> str:
        """Return what decides the pixels of an image: its file's content, how deep values are scaled, which channels.

        Results are stored under it; with the usual ones it is `image_hash` itself. `record` is as `load_image` takes
        it.
        """
        content, percentiles = self._locations.hash(image_id, record), self.deep_percentiles
        content = content if percentiles == USUAL else f"{content} {percentiles[0]:g}..{percentiles[1]:g} %"
        return f"{content} channels {as_text(self.channels)}" if self.channels else content

    def _size_or_none(self, image_id: str) -> tuple[int, int] | None:
        try:
            return image_size(self._locations.path(image_id))
        except ProjectError:
            return None

    def _look(self, image_id: str) -> tuple[tuple[int, int] | None, Callable[[], None] | None]:
        """Return what a decision about a mask asks of its image, as `Review` takes it."""
        record_content = None
        with suppress(ProjectError):  # an image that is gone must not stand in the way of a mask
            path, _, record_content = self._locations.look(image_id)
            return image_size(path), record_content
        return None, record_content

    def set_labels(
        self,
        image_id: str,
        labels: Collection[str],
        *,
        negative: bool = False,
        unknown: Collection[str] | None = None,
    ) -> bool:
        """Replace the image-level labels (journaled) and mark the image as label-changed; tell whether they differ.

        Without labels it is not labelled yet, or, where `negative` says so, labelled *none of the classes*.

        Parameters
        ----------
        unknown : collection of str, optional
            Classes that may or may not be there. Without it those of before stay so beside labels that do not name
            them.
        """
        record = self.catalog.get(image_id)
        if unknown is None:
            unknown = record.unknown.difference(labels) if labels else ()
        before = Said(record.labels, record.negative, record.unknown)
        after = Said(frozenset(labels), negative, frozenset(unknown))
        if after == before:
            return False
        with self._database.transaction():
            self.catalog.set_labels(image_id, labels, negative=negative, unknown=after.unknown, by_person=True)
            self.journal.append("labels", image_id, before.as_journaled(), after.as_journaled())
        return True

    def set_note(self, image_id: str, note: str) -> None:
        """Replace the reviewer's remark (journaled)."""
        before = self.catalog.get(image_id).note
        if before != note:
            with self._database.transaction():
                self.catalog.set_note(image_id, note)
                self.journal.append("note", image_id, before, note)
