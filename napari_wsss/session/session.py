"""`Session`: one person's sitting with one project, without Qt, so that a window, a script and a test do the same.

It opens and closes projects and holds the parts that work on the open one. Each part gets what it needs by its
constructor and is a module of its own: `table` (the shown image, the queue), `review` (decisions, labels), `proposals`
(maps, sliders, the plan), `correct`, `gallery`, `models`, `pictures` and `runs`. Who follows whom is one list
(`connect`). All of it is touched by one thread; background work comes back to it through `jobs.dispatch`.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import ProjectError
from napari_wsss.core.plan import HELD_OUT, Plan
from napari_wsss.pixels.decoding.channels import Channels, parse_channels
from napari_wsss.processes.apart import end_idle
from napari_wsss.project.project import FILE_NAME, Project
from napari_wsss.session.additions import Additions
from napari_wsss.session.correct.cleaning import Cleaning
from napari_wsss.session.correct.embeddings import Embeddings
from napari_wsss.session.correct.neighbours import Neighbours
from napari_wsss.session.correct.patches import Patches
from napari_wsss.session.correct.pointing import Engines, Pointing
from napari_wsss.session.correct.propagation import Propagation
from napari_wsss.session.correct.regions import Regions
from napari_wsss.session.correct.scribbles import Scribbles
from napari_wsss.session.correct.segmenter import SegmenterChoice
from napari_wsss.session.correct.uncertainty import Doubts
from napari_wsss.session.correct.wand import Wand
from napari_wsss.session.creating import create_project
from napari_wsss.session.exports import Exports
from napari_wsss.session.gallery.batch import BatchAccept
from napari_wsss.session.gallery.borrow import Borrowing
from napari_wsss.session.gallery.following import Following
from napari_wsss.session.gallery.gallery import Gallery, Tools
from napari_wsss.session.gallery.grid import ProposalGrid
from napari_wsss.session.gallery.pictures import GalleryPictures
from napari_wsss.session.imports import Imports
from napari_wsss.session.jobs import Dispatch, Jobs, directly
from napari_wsss.session.models.applied import AppliedModels
from napari_wsss.session.models.changes import Changes
from napari_wsss.session.models.comparison import Comparison
from napari_wsss.session.models.disagreement import Disagreement
from napari_wsss.session.models.hint import RetrainHint
from napari_wsss.session.models.learning import Learning
from napari_wsss.session.models.side_by_side import SideBySide
from napari_wsss.session.models.start import RecommendedStart
from napari_wsss.session.models.statistics import Statistics
from napari_wsss.session.models.verdicts import Verdicts
from napari_wsss.session.next_step import NextSteps
from napari_wsss.session.own_keys import OwnKeys
from napari_wsss.session.pictures.thumbnails import Thumbnails
from napari_wsss.session.proposals.automatic import AutomaticStrength
from napari_wsss.session.proposals.boundary import Boundaries
from napari_wsss.session.proposals.companions import CompanionChoice
from napari_wsss.session.proposals.inference import Inference
from napari_wsss.session.proposals.parameters import Parameters
from napari_wsss.session.proposals.sliders import Sliders
from napari_wsss.session.recent import RecentProject, RecentProjects
from napari_wsss.session.review.answers import Answers
from napari_wsss.session.review.class_list import ClassEdits
from napari_wsss.session.review.decisions import Decisions
from napari_wsss.session.review.digits import Digits
from napari_wsss.session.review.labels import Labels
from napari_wsss.session.review.mismatch import MismatchCheck
from napari_wsss.session.review.provenance import Provenance
from napari_wsss.session.runs.process import TrainingProcess
from napari_wsss.session.runs.trunk_weights import TrunkWeights
from napari_wsss.session.settings import Settings
from napari_wsss.session.signals import Signals, reported
from napari_wsss.session.table.navigation import Navigation
from napari_wsss.session.table.opened import Opened
from napari_wsss.session.table.queue import Queue
from napari_wsss.session.table.table import Table

CLOSING_SECONDS = 10.0


class Session:
    """One person's sitting.

    Parameters
    ----------
    dispatch : callable
        Brings a call into the thread that owns this session; a window passes its relay (or sets `jobs.dispatch`
        later), a script may use `mailbox.Mailbox`.
    config_folder : Path, optional
        Where recent projects are kept; the user's configuration folder by default.

    Attributes
    ----------
    signals : Signals
        What windows may hear.
    settings : Settings
        What was chosen for the whole sitting.
    jobs : Jobs
        What runs in the background.
    navigation, decisions, labels, ...
        The parts; their verbs report (and properties raise) `ProjectError` while no project is open.
    """

    def __init__(self, dispatch: Dispatch = directly, config_folder: Path | None = None) -> None:
        signals, jobs, settings, opened = Signals(), Jobs(dispatch), Settings(), Opened()
        self.signals, self.jobs, self.settings, self._opened = signals, jobs, settings, opened
        self.navigation = Navigation(opened, signals, settings)
        self._check = MismatchCheck()
        self.decisions = Decisions(opened, self.navigation, signals, self._check, lambda: self.next_steps.waited_for)
        self.labels = Labels(opened, signals)
        self.digits = Digits(opened)
        self.mismatch = Answers(self._check, self.labels, self.decisions)
        self.provenance = Provenance(opened, signals)
        self.inference = Inference(opened, self.navigation, jobs, signals, settings)
        self.sliders = Sliders(opened, self.inference, signals)
        self.class_list = ClassEdits(opened, self.navigation, self.sliders, signals)
        self.parameters = Parameters(opened, self.sliders, self.inference, signals)
        self.automatic = AutomaticStrength(opened, self.inference, self.sliders, jobs, signals)
        self.boundaries = Boundaries(opened, jobs, signals)
        self.companions = CompanionChoice(opened, self.sliders, signals)
        self.models = AppliedModels(opened, self.navigation, self.inference, self.sliders, signals)
        self.changes = Changes(opened, self.navigation, self.inference, jobs, signals)
        self.comparison = Comparison(opened, jobs, signals)
        self.side_by_side = SideBySide(opened, jobs, signals)
        self.disagreement = Disagreement(opened, self.navigation, jobs, signals)
        self.statistics = Statistics(opened, jobs, signals)
        self.hint = RetrainHint(opened, self.statistics, signals)
        self.scribbles = Scribbles(opened, signals)
        patches = Patches(opened, jobs)
        self.propagation = Propagation(opened, self.scribbles, patches, self.decisions, jobs, signals)
        self.embeddings = Embeddings(opened, self.navigation, jobs, settings, signals)
        self.segmenter = SegmenterChoice(jobs, settings, self.embeddings, signals)
        engines = Engines(patches, self.embeddings)
        self.pointing = Pointing(opened, engines, self.scribbles, self.decisions, jobs, signals)
        self.wand = Wand(opened, self.decisions, signals)
        self.regions = Regions(opened, engines, self.decisions, jobs, signals)
        self.neighbours = Neighbours(opened, signals)
        self.cleaning = Cleaning(opened, self.decisions, jobs, signals)
        self.doubts = Doubts(opened, jobs, signals)
        self.thumbnails = Thumbnails(opened, jobs, signals)
        self.following = Following(opened, self.navigation, self.labels, self.inference, self.sliders, signals)
        self.gallery = self._gallery()
        self.grid = ProposalGrid(opened, self.gallery.batch, self.gallery.pictures, self.inference, signals)
        self.training = TrainingProcess(lambda call: jobs.dispatch(call))
        self.learning = Learning(opened, self.inference, jobs, self.models, settings, signals)
        self.verdicts = Verdicts(opened, jobs, signals, "runs")
        self.chain_verdicts = Verdicts(opened, jobs, signals, "chain")
        self.imports = Imports(opened, self.navigation, self.labels, self.models, jobs, signals)
        self.additions = Additions(opened, self.navigation, jobs, signals)
        self.trunk_weights = TrunkWeights(opened, jobs, signals)
        self.start = RecommendedStart(opened, self.training, self.models, self.trunk_weights, signals)
        self.exports = Exports(opened, jobs, signals)
        self.next_steps = NextSteps(
            opened, self.training, self.hint, self.trunk_weights, self.inference, settings, signals
        )
        self.own_keys = OwnKeys(config_folder)
        self._recent = RecentProjects(config_folder)
        signals.image_changed.connect(self._check.begin)
        signals.project_opened.connect(self._check.end)
        signals.project_closed.connect(self._check.end)
        signals.labels_changed.connect(self.digits.follow)
        self.labels.moved.connect(self.inference.follow_labels)
        self.inference.shown.connect(self.sliders.follow_results)
        self.inference.finished.connect(self.automatic.take)
        self.inference.idle.connect(self.automatic.settle, self.next_steps.changed.emit)
        self.sliders.plan_changed.connect(self.boundaries.follow_plan)

    def _gallery(self) -> Gallery:
        opened, jobs, signals = self._opened, self.jobs, self.signals
        borrowing = Borrowing(opened, self.following, jobs, signals, self.settings)
        batch = BatchAccept(opened, self.navigation, self.inference, jobs, signals)
        tools = Tools(borrowing, batch, GalleryPictures(opened, jobs, signals))
        return Gallery(opened, self.following, self.decisions, jobs, signals, tools)

    @property
    def table(self) -> Table | None:
        """The table of the open project, whole; None while no project is open."""
        return self._opened.or_none

    # What a window asks while perhaps no project is open or no image can be shown

    @property
    def shown_table(self) -> Table | None:
        """The table while an image is shown on it, else None."""
        return self.table if self.shown_id else None

    @property
    def shown_id(self) -> str:
        """Id of the shown image, "" while none is."""
        return self.table.image_id if self.table is not None else ""

    @property
    def project(self) -> Project | None:
        """The open project."""
        return self.table.project if self.table is not None else None

    @property
    def classes(self) -> ClassList | None:
        """The classes of the open project."""
        return self.table.classes if self.table is not None else None

    @property
    def queue(self) -> Queue | None:
        """The images of the open project in their order."""
        return self.table.queue if self.table is not None else None

    @property
    def plan(self) -> Plan:
        """The plan of the open project, the default plan while none is open."""
        return self.table.plan if self.table is not None else Plan()

    def _follow(self, table: Table) -> None:
        """Connect who follows the table of a project; the order is part of what is promised."""
        table.savers += [self.sliders.save, self.scribbles.save]
        table.recorded.connect(self.labels.follow_mask)
        table.arrived.connect(
            self.sliders.begin,
            self.inference.begin,
            self.labels.begin,
            self.digits.follow,
            self.signals.image_changed.emit,
            self.navigation.look_ahead,
            self.inference.ask_where_missing,
            self.boundaries.begin,
        )

    # -- opening ----------------------------------------------------------------------------------------------

    def preview_labels(
        self,
        images_root: Path,
        source: Path | None = None,
        kind: str = "auto",
        encoding: str = "",
        also: Sequence[str] = (),
        pages: bool = False,
        channels: Channels = (),
    ) -> Any:
        """Return the `LabelReport` of a folder of images and a label source (see `read_labels`); writes nothing.

        Raises
        ------
        LabelError, ProjectError
            When folder or source cannot be read at all; single bad entries are in the report.
        """
        from napari_wsss.exchange.labels import read_labels

        labels = Path(source) if source else None
        return read_labels(
            Path(images_root), labels, kind, encoding=encoding, also=also, pages=pages, channels=channels
        )

    def create_project(
        self,
        folder: Path,
        images_root: Path,
        report: Any = None,
        classes: Iterable[str] | None = None,
        hold_out: float = HELD_OUT,
        pages: bool = False,
        channels: Channels = (),
    ) -> None:
        """Create a project of every image below `images_root` and open it (see `creating.create_project`)."""
        create_project(Path(folder), Path(images_root), report, classes, hold_out, pages, channels).close()
        self.open_project(folder)

    def open_project(self, folder: Path, read_only: bool = False, take_over: bool = False) -> None:
        """Open a project and show the image where the person was; the open project is closed once this one is there.

        Parameters
        ----------
        folder : Path
        read_only, take_over : bool
            As `Project.open` takes them.

        Raises
        ------
        ProjectError
            With ``read_only_possible`` when another program has it open; also when the mask shown now cannot be saved.
        """
        if self.project is not None and self.project.folder == project_folder(folder):
            if self.project.read_only == read_only:
                return
            self._make_room()
        project = Project.open(Path(folder), read_only=read_only, take_over=take_over)
        try:
            self._make_room()
            table = Table(project, self.jobs, self.signals)
        except ProjectError:
            project.close()
            raise
        self._follow(table)
        self._opened.or_none = table
        recovered = [] if read_only else recovered_drafts(project)
        self.signals.project_opened.emit()
        first = recovered[0] if recovered else self.resume_position
        if first is not None and not self.navigation.go_to(first):
            self.navigation.next()
        if recovered:
            self.signals.notice.emit(f"Recovered {len(recovered)} unfinished mask(s) from the last sitting.")
        self._recent.note(project.folder)  # the image is noted on closing; without it there was a crash
        self.training.attach_to_living(project)

    def _make_room(self) -> None:
        table = self.table
        if table is not None and not self.close_project():
            raise ProjectError(
                f"The mask shown now cannot be saved ({table.save_state.message}), so its project stays open."
            )

    @property
    def resume_position(self) -> str | None:
        """The image last shown, after a crash the one last worked on, else the first undecided, else the first."""
        table = self._opened.table
        project, queue = table.project, table.queue
        if not len(queue):
            return None
        worked_on = (entry.image_id for entry in project.journal.recent(20) if entry.image_id)
        last = self._recent.image_of(project.folder) or next(worked_on, "")
        if last and last in project.catalog:
            return last
        return queue.next_of(None, ("todo", "draft")) or queue.at(0)

    def recent_projects(self) -> list[RecentProject]:
        """Return the projects opened lately that still exist, newest first."""
        return self._recent.all()

    def flush(self) -> bool:
        """Write everything of the shown image; return False (and say why) when work is only in memory."""
        return self.table is None or self.table.flush()

    @reported
    def save_copy(self, folder: Path) -> bool:
        """Save a copy of the open project's work in another folder, for when its own disk is full or gone."""
        self._opened.table.save_copy(Path(folder))
        self.signals.notice.emit(f"A copy of the work is in {folder}; it opens like any project.")
        return True

    @reported
    def scale_deep(self, low: float, high: float) -> bool:
        """Scale pictures of more than 8 bits between other percentiles of their pixels; the project opens anew."""
        return self._opens_anew(lambda project: project.set_deep_percentiles(low, high))

    @reported
    def choose_channels(self, text: str) -> bool:
        """Make the pictures of other channels (``2``, ``3,1,2``, "" as stored); the project opens anew."""
        channels = parse_channels(text)
        return self._opens_anew(lambda project: project.set_channels(channels))

    def _opens_anew(self, change: Callable[[Project], None]) -> bool:
        project = self._opened.table.project
        if not self.flush():
            return False
        change(project)
        if self.close_project():
            self.open_project(project.folder)
        return True

    def close_project(self, discard_unsaved: bool = False) -> bool:
        """Save, cancel background work and close; return False (and stay open) when the mask cannot be saved.

        A training run goes on; stop it before closing when that is wanted.
        """
        table = self.table
        if table is None:
            return True
        if not table.flush() and not discard_unsaved:
            return False
        self.inference.end()
        self.automatic.begin()
        self.jobs.cancel_all(CLOSING_SECONDS)
        end_idle()
        self.training.leave()
        self._recent.note(table.project.folder, table.image_id)
        self._opened.or_none = None
        table.project.close()
        self.signals.project_closed.emit()
        if table.project.backup_error:
            self.signals.failed.emit(table.project.backup_error)
        return True


def project_folder(path: Path | str) -> Path:
    """Return the folder of a project that was named by its folder or by its ``project.sqlite``."""
    found = Path(path).absolute()
    return found.parent if found.name == FILE_NAME else found


def recovered_drafts(project: Project) -> list[str]:
    """Return drafts with strokes that no checkpoint holds yet: the program ended before it could write one."""
    return [one for one in project.catalog.ids(states=("draft",)) if project.journal.last_stroke(one) > 0]
