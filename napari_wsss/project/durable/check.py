"""Looks whether a project is whole, finding by finding, and repairs what needs no decision of a person.

Nothing a person made is changed by a repair: decided masks come back from their copies, files in their place go into
``trash``, leftovers and damaged results (which are computed again) are deleted, a generation is made.
"""

from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from napari_wsss.core.errors import ProjectError, WsssError
from napari_wsss.core.files import check_regular, read_regular
from napari_wsss.core.masks import decode_mask
from napari_wsss.pixels.images import content_hash
from napari_wsss.processes.lock import is_held
from napari_wsss.project import schema
from napari_wsss.project.backups import BACKUPS, holds_everything
from napari_wsss.project.database import Database
from napari_wsss.project.durable.restoring import generations
from napari_wsss.project.kept.leftovers import leftovers
from napari_wsss.project.kept.revision_note import RevisionNote
from napari_wsss.project.listing.counts import miscounted
from napari_wsss.project.mask_files import ACCEPTED, DRAFTS, accepted_name
from napari_wsss.project.opening import has_mask
from napari_wsss.project.project import FILE_NAME, Project
from napari_wsss.project.results.array_files import DAMAGE, read_arrays
from napari_wsss.project.sourced_masks import decode_sourced

Kind = Literal[
    "database",
    "schema",
    "older schema",
    "revision",
    "mask vanished",
    "mask overwritten",
    "mask missing",
    "mask foreign",
    "mask damaged",
    "draft damaged",
    "draft foreign",
    "image missing",
    "image replaced",
    "pending",
    "leftover",
    "result damaged",
    "backup damaged",
    "backup missing",
    "counts",
    "left out",
]


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be.

    Parameters
    ----------
    kind : str
    name : str
        Of the file, below the project folder, or of the image.
    words : str
        What was found and what to do.
    repaired : bool
        True when it was put right.
    """

    kind: Kind
    name: str
    words: str
    repaired: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return asdict(self)


def check(folder: Path, *, repair: bool = False) -> list[Finding]:
    """Return what is not as it should be in a project.

    Parameters
    ----------
    folder : Path
        The project folder.
    repair : bool
        Put right what can be without touching a person's work; the project must not be open elsewhere then.

    Raises
    ------
    ProjectError
        When there is no project, or a repair finds it open elsewhere.
    """
    if not (folder / FILE_NAME).is_file():
        raise ProjectError(f"There is no project in {folder} (no {FILE_NAME}). Restore one, or choose another folder.")
    found = list(_of_database(folder)) + list(_of_backups(folder))
    if any(finding.kind in ("database", "schema") for finding in found):
        return found
    older = [finding for finding in found if finding.kind == "older schema"]
    if older and not repair:
        return found
    if older:
        Project.open(folder).close()
        return [replace(finding, repaired=True) for finding in older] + check(folder, repair=True)
    with Project.open(folder, read_only=True) as project, closing(_to_read(folder)) as database:
        for look in LOOKS:
            found += look(project)
        found += [Finding("counts", FILE_NAME, f"{words} A repair counts again.") for words in miscounted(database)]
        found += _of_images(project, database)
        if not is_held(folder) and not holds_everything(database, folder / BACKUPS):
            words = "No backup holds its last changes; opening it for changes makes one."
            found.append(Finding("backup missing", FILE_NAME, words))
    return _repaired(folder, found) if repair and found else found


def _repaired(folder: Path, found: list[Finding]) -> list[Finding]:
    for finding in found:
        if finding.kind == "result damaged":
            with suppress(OSError):
                (folder / finding.name).unlink()
    with Project.open(folder) as project:
        left_out = project.left_out
        if any(finding.kind == "counts" for finding in found):
            project.catalog.recount()
    left = {(one.kind, one.name) for one in check(folder)}
    return [
        Finding(one.kind, one.name, one.words, (one.kind, one.name) not in left and one.words not in left_out)
        for one in found
    ]


def _of_database(folder: Path) -> Iterator[Finding]:
    """Look at the file itself: every page, every reference, its version, and whether it is the newest."""
    with closing(_to_read(folder)) as database:
        try:
            complaints = [str(row[0]) for row in database.rows("PRAGMA integrity_check(20)")]
            complaints += [f"a row of {row[0]} names a missing {row[2]}" for row in database.rows(REFERENCES)]
        except ProjectError as trouble:  # says itself what to do: where locks are missing nothing is to be restored
            yield Finding("database", FILE_NAME, str(trouble))
            return
        for words in complaints:
            if words != "ok":
                yield Finding("database", FILE_NAME, f"{words}. Restore a backup: napari-wsss restore {folder}")
        try:
            version = schema.version_of(database.connection)
            noted, revision = RevisionNote(database.path).read(), database.revision
        except (WsssError, *DAMAGE) as reason:
            yield Finding("schema", FILE_NAME, str(reason))
            return
        if version < schema.VERSION:
            words = (
                f"It has the older schema version {version}, so the rest was not looked at; a repair, or opening it "
                "for changes, updates it after a backup."
            )
            yield Finding("older schema", FILE_NAME, words)
        if noted > revision and not is_held(folder):
            yield Finding(
                "revision",
                FILE_NAME,
                f"It is at revision {revision}, {noted} was saved: its WAL was lost or it was replaced by an older "
                "copy. Opening it takes up the masks accepted since.",
            )


def _to_read(folder: Path) -> Database:
    return Database(folder / FILE_NAME, read_only=True)


REFERENCES = 'SELECT "table", rowid, parent FROM pragma_foreign_key_check'


def _of_backups(folder: Path) -> Iterator[Finding]:
    for one in generations(folder):
        if one.damage:
            yield Finding("backup damaged", f"{BACKUPS}/{one.path.name}", f"It {one.damage}; it can be deleted.")


def _of_masks(project: Project) -> Iterator[Finding]:
    """Look at every accepted mask: its content as decided, and that one is there where the catalog says so."""
    files = project.masks.files
    waiting = files.unsettled()
    for name in sorted(set(waiting) - set(files.refused())):  # those are said as left out
        yield Finding("pending", name, "It is decided and not written yet; opening the project for changes writes it.")
    changed = {one.name: one for one in files.accepted.changed(waiting, thorough=True)}
    for one in changed.values():
        has_copy = files.accepted.copies.get(one.digest) is not None
        what = "a copy is there, a repair puts it back" if has_copy else "there is no copy"
        kind: Kind = "mask vanished" if one.kind == "vanished" else "mask overwritten"
        happened = "It vanished" if one.kind == "vanished" else "It was overwritten"
        yield Finding(kind, one.name, f"{happened} by no deed of this program; {what}.")
    known = files.accepted.names() | set(waiting)
    for image_id in project.catalog.ids(states=("accepted",)):
        name = accepted_name(image_id)
        if name not in known and not has_mask(files, name):
            yield Finding("mask missing", name, "The image counts as accepted and has no mask; accept one.")
    for name in sorted(known - set(changed)):
        if name not in waiting and (words := _why_no_mask(project, name)):
            yield Finding("mask damaged", name, words)


def _why_no_mask(project: Project, name: str) -> str:
    try:
        decode_sourced(read_regular(project.masks.files.path(name)), name)
    except (OSError, WsssError) as reason:
        return str(reason)
    return ""


def _of_other_files(project: Project) -> Iterator[Finding]:
    """Look at the files in the folders of masks and drafts that belong to nothing, and at every draft."""
    files = project.masks.files
    ids = {*project.catalog.ids()}
    for path in sorted((project.folder / ACCEPTED).rglob("*.png")):
        name = path.relative_to(project.folder).as_posix()
        if name not in files.accepted.names() and name not in files.unsettled():
            words = "It was put there by no decision; import it (napari-wsss import-masks) or take it away."
            yield Finding("mask foreign", name, words)
    for path in sorted((project.folder / DRAFTS).rglob("*.png")):
        name = path.relative_to(project.folder).as_posix()
        if name.removeprefix(f"{DRAFTS}/").removesuffix(".png") not in ids:
            yield Finding("draft foreign", name, "It is a draft of no image of this project.")
        elif words := _why_no_mask(project, name):
            yield Finding("draft damaged", name, words)


def _of_images(project: Project, database: Database) -> Iterator[Finding]:
    """Look whether each image is there and has the content that was noted."""
    for image_id, noted in database.rows("SELECT id, content_hash FROM images ORDER BY number"):
        try:
            path = project.image_path(image_id)
            check_regular(path)
            is_replaced = noted and content_hash(path) != noted
        except (OSError, WsssError) as reason:
            yield Finding("image missing", image_id, str(reason))
            continue
        if is_replaced:
            yield Finding("image replaced", image_id, "Its content is not the one that was noted.")


def _of_results(project: Project) -> Iterator[Finding]:
    """Look at every stored result: a damaged one is as good as none, and is computed again."""
    folder = project.store.folder
    for path in sorted(folder.rglob("*")):
        if path.suffix not in (".npz", ".png") or not path.is_file():
            continue
        try:
            if path.suffix == ".npz":
                read_arrays(path)
            else:
                decode_mask(read_regular(path), path.name)
        except DAMAGE as reason:
            name = path.relative_to(project.folder).as_posix()
            yield Finding("result damaged", name, f"It cannot be read ({reason}); it is computed again once deleted.")


def _of_leftovers(project: Project) -> Iterator[Finding]:
    if not is_held(project.folder):
        for path in leftovers(project.folder):
            name = path.relative_to(project.folder).as_posix()
            yield Finding("leftover", name, "A temporary file of a process that was killed; opening sweeps it.")


def _of_project(project: Project) -> Iterator[Finding]:
    for sentence in project.left_out:
        if sentence not in project.found:  # those are findings of their own
            yield Finding("left out", "", sentence)


LOOKS: tuple[Callable[[Project], Iterator[Finding]], ...] = (
    _of_masks,
    _of_other_files,
    _of_results,
    _of_leftovers,
    _of_project,
)
