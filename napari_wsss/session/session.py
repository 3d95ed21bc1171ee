"""`Session`: one person's sitting with one project, without Qt, so that a window, a script and a test do the same.

It is built in layers, each one subject: `walking` (what is shown, saving), `reviewing` (decisions, labels), `computing`
(maps and proposals), `trying` (sliders), `tuning` (plan), `models` (applied and earlier ones), `boundary` (class
boundaries as a picture), `companions` (images it is compared with), `sub_categories` (clusters) and, here, opening,
creating and closing. All of it is touched by one thread; background work comes back to it through `jobs.dispatch`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from napari_wsss.core.apart import end_idle
from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import ProjectError
from napari_wsss.pixels.images import find_images, image_id
from napari_wsss.project.project import FILE_NAME, Project
from napari_wsss.project.records import NewImage
from napari_wsss.session.correct.cleaning import Cleaning
from napari_wsss.session.correct.propagation import Propagation
from napari_wsss.session.correct.scribbles import Scribbles
from napari_wsss.session.correct.uncertainty import Doubts
from napari_wsss.session.gallery.following import SubCategories
from napari_wsss.session.gallery.gallery import Gallery
from napari_wsss.session.jobs import Dispatch, directly
from napari_wsss.session.models.changes import Changes
from napari_wsss.session.models.comparison import Comparison
from napari_wsss.session.models.hint import RetrainHint
from napari_wsss.session.models.statistics import Statistics
from napari_wsss.session.own_keys import OwnKeys
from napari_wsss.session.pictures.thumbnails import Thumbnails
from napari_wsss.session.recent import RecentProject, RecentProjects
from napari_wsss.session.runs.process import TrainingProcess
from napari_wsss.session.table.autosave import Autosave
from napari_wsss.session.table.prefetch import Prefetch
from napari_wsss.session.table.queue import Queue

CLOSING_SECONDS = 10.0
HELD_OUT = 0.2
SPLITS = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "test": "val"}
"""What label sources call their splits -> ours; images of others get one by `Project.hold_out`."""


class Session(SubCategories):
    """One person's sitting.

    Parameters
    ----------
    dispatch : callable
        Brings a call into the thread that owns this session; a window passes its relay (or sets `jobs.dispatch`
        later), a script may use `mailbox.Mailbox`.
    config_folder : Path, optional
        Where recent projects are kept; the user's configuration folder by default.
    """

    def __init__(self, dispatch: Dispatch = directly, config_folder: Path | None = None) -> None:
        super().__init__(dispatch)
        self.training = TrainingProcess(lambda call: self.jobs.dispatch(call))
        self.changes = Changes(self)
        self.comparison = Comparison(self)
        self.statistics = Statistics(self)
        self.hint = RetrainHint(self, self.statistics)
        self._recent = RecentProjects(config_folder)
        self.scribbles = Scribbles(self)
        self.propagation = Propagation(self)
        self.cleaning = Cleaning(self)
        self.doubts = Doubts(self)
        self.thumbnails = Thumbnails(self)
        self.gallery = Gallery(self)
        self.own_keys = OwnKeys(config_folder)

    def flush(self) -> bool:
        """Write mask, threshold and scribbles of the shown image; return False when work is only in memory."""
        saved = super().flush()
        return self.scribbles.save() and saved

    # -- opening ----------------------------------------------------------------------------------------------

    def preview_labels(self, images_root: Path, source: Path | None = None, kind: str = "auto") -> Any:
        """Return the `LabelReport` of a folder of images and a label source; writes nothing.

        Raises
        ------
        LabelError, ProjectError
            When folder or source cannot be read at all; single bad entries are in the report.
        """
        from napari_wsss.exchange.labels import read_labels

        return read_labels(Path(images_root), Path(source) if source else None, kind)

    def create_project(
        self,
        folder: Path,
        images_root: Path,
        report: Any = None,
        classes: Iterable[str] | None = None,
        hold_out: float = HELD_OUT,
    ) -> None:
        """Create a project of every image below `images_root` and open it.

        Parameters
        ----------
        report : LabelReport, optional
            Labels and splits; images it does not name have no labels.
        classes : iterable of str, optional
            Class names in order; the report's by default.
        hold_out : float
            Share of images put aside for validation, where the report gives no split; fixed once.

        Raises
        ------
        WsssError
            When there is a project already, no class, or no image.
        """
        create_project(Path(folder), Path(images_root), report, classes, hold_out).close()
        self.open_project(folder)

    def open_project(self, folder: Path, read_only: bool = False) -> None:
        """Open a project and show the image where the person was; the open project is closed once this one is there.

        Raises
        ------
        ProjectError
            With ``read_only_possible`` when another program has it open; also when the mask shown now cannot be saved.
        """
        if self.project is not None and self.project.folder == project_folder(folder):
            if self.project.read_only == read_only:
                return
            self._make_room()
        project = Project.open(Path(folder), read_only=read_only)
        try:
            self._make_room()
        except ProjectError:
            project.close()
            raise
        self.project = project
        self.queue = Queue(project.catalog, project.classes.names)
        self._prefetch = Prefetch(project, self.jobs)
        self._autosave = Autosave(project, self._on_save_state)
        recovered = [] if read_only else recovered_drafts(project)
        self.project_opened.emit()
        first = recovered[0] if recovered else self.resume_position
        if first is not None and not self.go_to(first):
            self.next()
        if recovered:
            self.notice.emit(f"Recovered {len(recovered)} unfinished mask(s) from the last sitting.")
        self._recent.note(project.folder)  # the image is noted on closing; without it there was a crash
        self.training.attach_to_living(project)

    def _make_room(self) -> None:
        if not self.close_project():
            raise ProjectError(
                f"The mask shown now cannot be saved ({self.save_state.message}), so its project stays open."
            )

    @property
    def resume_position(self) -> str | None:
        """The image last shown, after a crash the one last worked on, else the first undecided, else the first."""
        if self.project is None or self.queue is None or not len(self.queue):
            return None
        worked_on = (entry.image_id for entry in self.project.journal.recent(20) if entry.image_id)
        last = self._recent.image_of(self.project.folder) or next(worked_on, "")
        if last and last in self.project.catalog:
            return last
        return self.queue.next_of(None, ("todo", "draft")) or self.queue.at(0)

    def recent_projects(self) -> list[RecentProject]:
        """Return the projects opened lately that still exist, newest first."""
        return self._recent.all()

    def close_project(self, discard_unsaved: bool = False) -> bool:
        """Save, cancel background work and close; return False (and stay open) when the mask cannot be saved.

        A training run goes on; stop it before closing when that is wanted.
        """
        if self.project is None:
            return True
        if not self.flush() and not discard_unsaved:
            return False
        self._wanted.clear()
        self._forget_preview()
        self.jobs.cancel_all(CLOSING_SECONDS)
        end_idle()
        self.training.leave()
        project = self.project
        self._recent.note(project.folder, self.current_id or "")
        self.project = self.queue = self._canvas = self._autosave = self._prefetch = None
        project.close()
        self.project_closed.emit()
        return True

    # -- classes ----------------------------------------------------------------------------------------------

    def add_class(self, name: str) -> bool:
        """Add a class at the end of the list (mask values of the others stay)."""
        return self._change_classes(lambda project: project.add_class(name))

    def rename_class(self, old: str, new: str) -> bool:
        """Rename a class everywhere; masks do not change."""
        return self._change_classes(lambda project: project.rename_class(old, new))

    def _change_classes(self, change: Any) -> bool:
        project = self.project
        if project is None:
            return False
        done = self._attempt(lambda: change(project))
        if done:
            order, search = (self.queue.order, self.queue.search) if self.queue else ("file", "")
            self.queue = Queue(project.catalog, project.classes.names)
            self.queue.order, self.queue.search = order, search
            self.classes_changed.emit()
            self.refresh_queue()
        return done


def create_project(
    folder: Path, images_root: Path, report: Any, classes: Iterable[str] | None, hold_out: float
) -> Project:
    """Create and return a project of the images below `images_root` (see `Session.create_project`)."""
    if (folder / FILE_NAME).exists():
        raise ProjectError(f"{folder} already holds a project. Open it, or choose another folder for a new one.")
    labels = report.labels if report is not None else {}
    splits = report.splits if report is not None else {}
    names = tuple(classes) if classes is not None else tuple(report.classes if report is not None else ())
    root = images_root if report is None else report.images_root  # JPEGImages of a VOC-style folder
    found = [image_id(path, root) for path in find_images(root)] if report is None else report.images
    images = [NewImage(one, frozenset(labels.get(one, ())), SPLITS.get(splits.get(one, ""), "")) for one in found]
    if not images:
        raise ProjectError(f"There are no images below {root}; choose the folder that holds the photographs.")
    project = Project.create(folder, root, ClassList(names), images)
    project.hold_out(hold_out, seed=0)
    return project


def project_folder(path: Path | str) -> Path:
    """Return the folder of a project that was named by its folder or by its ``project.sqlite``."""
    found = Path(path).absolute()
    return found.parent if found.name == FILE_NAME else found


def recovered_drafts(project: Project) -> list[str]:
    """Return drafts with strokes that no checkpoint holds yet: the program ended before it could write one."""
    return [one for one in project.catalog.ids(states=("draft",)) if project.journal.last_stroke(one) > 0]
