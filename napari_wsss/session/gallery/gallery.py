"""The sub-categories of a project as a person looks at them: rows, gestures with undo, finding them anew.

The newest result is read in the background, with the person's changes laid over, and the project's table of image
clusters is kept in step: after a new result, a gesture, an edited label, a renamed class. Gestures change nothing on
the shelf of results; each is one step of `undo`, as is a batch accepted in one go (see `gallery_batch`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from psygnal import Signal

from napari_wsss.clusters.editor import ClusterEditor
from napari_wsss.clusters.edits import KIND, ClusterEdit, as_left, table_rows
from napari_wsss.clusters.found import ClassClusters, Clusters, latest_clusters
from napari_wsss.core.errors import LabelError, StepError
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.project.image_clusters import ClusterFacts
from napari_wsss.project.journal import BATCH, DECISIONS
from napari_wsss.project.project import Project
from napari_wsss.session.gallery.batch import BatchAccept
from napari_wsss.session.gallery.borrow import Borrowing
from napari_wsss.session.gallery.following import Following
from napari_wsss.session.gallery.pictures import GalleryPictures
from napari_wsss.session.jobs import Job, Jobs
from napari_wsss.session.review.decisions import Decisions
from napari_wsss.session.runs.child import run_stage
from napari_wsss.session.signals import Signals
from napari_wsss.session.table.opened import Opened
from napari_wsss.session.table.table import Table

READ, FIND = "read clusters", "find clusters"
SHOWN_MEMBERS = 12
NOTHING_KNOWN = ClusterFacts(0, 0, 0, None)


@dataclass(frozen=True)
class GalleryRow:
    """One cluster of a class.

    Parameters
    ----------
    class_name : str
    name : str
        Within its class; ``3`` where nobody named it.
    full_name : str
        Unique in the project: what a search and parameters call it.
    place : int
    facts : ClusterFacts
    members : tuple of str
        Images, those nearest to its centre first; all of them.
    """

    class_name: str
    name: str
    full_name: str
    place: int
    facts: ClusterFacts
    members: tuple[str, ...]

    @property
    def nearest(self) -> tuple[str, ...]:
        """The images that stand for it."""
        return self.members[:SHOWN_MEMBERS]


class Tools(NamedTuple):
    """What else the gallery offers (see `Gallery`)."""

    borrowing: Borrowing
    batch: BatchAccept
    pictures: GalleryPictures


class Gallery:
    """Clusters of one session's project; touched in the thread that owns the session only.

    Parameters
    ----------
    opened : Opened
    following : Following
        Brings labels, clusters and proposals of the session after a gesture.
    decisions : Decisions
        Take a batch back.
    jobs : Jobs
    signals : Signals
    tools : Tools
        Become its attributes.

    Attributes
    ----------
    changed : Signal
        Clusters, their names or their images are others now.
    borrowing : Borrowing
        Proposals taken over from corrections.
    batch : BatchAccept
        Accepting what is sure enough in one step.
    pictures : GalleryPictures
        Small pictures with the contour of a class's map.
    """

    changed = Signal()

    def __init__(
        self, opened: Opened, following: Following, decisions: Decisions, jobs: Jobs, signals: Signals, tools: Tools
    ) -> None:
        self._opened, self._following, self._decisions = opened, following, decisions
        self._jobs, self._signals = jobs, signals
        self._machine: Clusters | None = None
        self._shown: Clusters | None = None
        self.borrowing, self.batch, self.pictures = tools
        signals.project_opened.connect(self._begin)
        signals.project_closed.connect(self._end)
        signals.classes_changed.connect(self.reload)
        signals.labels_changed.connect(self._on_labels)

    # -- what there is ------------------------------------------------------------------------------------

    @property
    def clusters(self) -> Clusters | None:
        """The clusters as a person left them; None while there are none, or they are being read."""
        return self._shown

    def of(self, class_name: str) -> ClassClusters | None:
        """Return the clusters of a class, None when nothing is known of it."""
        if self._shown is None:
            return None
        return next((found for found in self._shown.classes if found.name == class_name), None)

    def rows(self, class_name: str) -> tuple[GalleryRow, ...]:
        """Return the clusters of a class, the largest first."""
        found = self.of(class_name)
        if found is None:
            return ()
        facts, full = self._opened.table.project.catalog.clusters.facts(class_name), found.full_names()
        rows = [
            GalleryRow(
                class_name,
                found.names[place],
                full[place],
                place,
                facts.get(full[place], NOTHING_KNOWN),
                found.members(place),
            )
            for place in found.filled()
        ]
        return tuple(sorted(rows, key=lambda row: (-len(row.members), row.place)))

    # -- finding them -------------------------------------------------------------------------------------

    @property
    def finding(self) -> bool:
        """True while clusters are being found."""
        return self._jobs.find(FIND) is not None

    def find(self, count: int) -> None:
        """Find `count` clusters per class by the applied localizer's features, in a child process.

        A person's changes hold for the new ones, too.

        Raises
        ------
        StepError
            When no localizer is applied.
        """
        project = self._opened.table.project
        if not project.plan.localizer_checkpoint:
            raise StepError(
                "Clusters are found by a trained localizer, and none is applied. Train a classifier first (Train)."
            )
        folder = project.folder
        job = Job(FIND, lambda: run_stage("clusters", folder, {"count": count}), key=FIND)
        job.succeeded.connect(lambda _said: self.reload())
        job.failed.connect(lambda message, _error: self._signals.failed.emit(message))
        job.ended.connect(self.changed.emit)
        self._jobs.submit(job)
        self.changed.emit()

    def reload(self) -> None:
        """Read the newest result and the person's changes again, in the background."""
        table = self._opened.or_none
        if table is None:
            return
        job = Job(READ, lambda: _read(table.project), key=READ, lane=READ, quiet=True)
        job.succeeded.connect(lambda found: self._arrived(table, *found))
        job.failed.connect(lambda message, _error: self._signals.failed.emit(message))
        self._jobs.submit(job)

    def _arrived(self, table: Table, machine: Clusters | None, shown: Clusters | None, moved: bool) -> None:
        if not self._opened.holds(table):
            return
        self._machine, self._shown = machine, shown
        if moved:
            self._following.clusters_moved()
        self.changed.emit()

    # -- gestures -----------------------------------------------------------------------------------------

    def move(self, image_ids: Sequence[str], class_name: str, to: str) -> None:
        """Put images of a class into its cluster `to`; errors as `ClusterEditor.move`."""
        self._edit(lambda editor: editor.move(image_ids, class_name, to))

    def merge(self, class_name: str, names: Sequence[str]) -> None:
        """Make several clusters one, which keeps the name of the first; errors as `ClusterEditor.merge`."""
        self._edit(lambda editor: editor.merge(class_name, names))

    def split(self, class_name: str, name: str, image_ids: Sequence[str] | None = None) -> None:
        """Make a new cluster of some images, or of the half farther off; errors as `ClusterEditor.split`."""
        self._edit(lambda editor: editor.split(class_name, name, image_ids))

    def rename(self, class_name: str, name: str, to: str) -> None:
        """Give a cluster another name; errors as `ClusterEditor.rename`."""
        self._edit(lambda editor: editor.rename(class_name, name, to))

    def not_this_class(self, image_ids: Sequence[str], class_name: str) -> None:
        """Take the label of a class from images; their masks stay as they are."""
        self._edit(lambda editor: editor.not_this_class(image_ids, class_name))

    def another_class(self, image_ids: Sequence[str], class_name: str, to: str) -> None:
        """Label images with another class instead; their masks stay as they are. Errors as the editor's."""
        self._edit(lambda editor: editor.another_class(image_ids, class_name, to))

    def _edit(self, gesture: Callable[[ClusterEditor], ClusterEdit | None]) -> None:
        table = self._opened.table
        project = table.project
        if self._machine is None:
            raise LabelError("This project has no clusters yet. Find some first.")
        if not table.flush():
            return
        before = _names(self._shown)
        edit = gesture(ClusterEditor(project, self._machine))
        self._shown = as_left(project, self._machine)
        project.catalog.clusters.replace(table_rows(self._shown))
        self._following.labels_were_edited(edit.removed if edit is not None else ())
        after = _names(self._shown)
        self._following.clusters_moved({name: after[place] for place, name in before.items() if place in after})
        self.changed.emit()

    # -- taking back --------------------------------------------------------------------------------------

    @property
    def undo_text(self) -> str:
        """What `undo` would take back, "" when there is nothing."""
        table = self._opened.or_none
        if table is None or table.project.read_only:
            return ""
        project = table.project
        if self._newest_is_batch(project):
            entry = project.journal.last(DECISIONS)
            return f"batch accepted in {entry.after[BATCH]}" if entry is not None else ""
        edit = project.journal.last((KIND,))
        return str(edit.after["text"]) if edit is not None and self._machine is not None else ""

    def undo(self) -> None:
        """Take back the last gesture, or the last batch if that is newer."""
        if self._newest_is_batch(self._opened.table.project):
            self._decisions.undo()
            self.changed.emit()
        else:
            self._edit(ClusterEditor.undo)

    def _newest_is_batch(self, project: Project) -> bool:
        decision, edit = project.journal.last(DECISIONS), project.journal.last((KIND,))
        if decision is None or BATCH not in decision.after:
            return False
        return edit is None or decision.number > edit.number

    # -- following the session ----------------------------------------------------------------------------

    def _begin(self) -> None:
        self._machine = self._shown = None
        self.reload()

    def _end(self) -> None:
        self._machine = self._shown = None
        self.changed.emit()

    def _on_labels(self, _image_id: str) -> None:
        if self._machine is not None and self._jobs.find(READ) is None:
            self.reload()


def _names(shown: Clusters | None) -> dict[tuple[int, int], str]:
    """Return the full names of the clusters that have images, by class and place."""
    classes = shown.classes if shown is not None else ()
    return {(k, place): found.full_names()[place] for k, found in enumerate(classes) for place in found.filled()}


def _read(project: Project) -> Steps[tuple[Clusters | None, Clusters | None, bool]]:
    """Return the newest clusters, the same as a person left them, and whether the table of image clusters changed."""
    yield Progress(READ, 0, 1)
    machine = latest_clusters(project.results_folder)
    yield Progress(READ, 0, 1)
    shown = as_left(project, machine) if machine is not None else None
    if project.read_only:
        return machine, shown, False
    return machine, shown, project.catalog.clusters.replace(table_rows(shown) if shown is not None else ())
