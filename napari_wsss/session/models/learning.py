"""Learning at once: one verb fits a pixel classifier to everything corrected so far and applies it.

It is the recipe ``segmentation --method pixel_classifier`` in its own process, so that a run on the command line gives
the same network. What it proposes replaces proposals of untouched images only, and it is taken back like any applied
model.
"""

from pathlib import Path
from typing import Any

from psygnal import Signal

from napari_wsss.core.errors import ProjectError
from napari_wsss.core.inside import below
from napari_wsss.project.project import Project
from napari_wsss.session.models.applied import AppliedModels
from napari_wsss.session.runs.folders import read_run
from napari_wsss.session.runs.process import STOPPED, TrainingProcess
from napari_wsss.session.signals import Signals, reported
from napari_wsss.session.table.opened import Opened

STAGE = "segmentation"
METHOD = "pixel_classifier"
FOLDS = 3


def trunk_of_localizer(project: Project) -> dict[str, Any]:
    """Return the trunk options of the applied localizer's run, none where it is unknown or was trained from nothing.

    Whoever chose other weights, say because the machine is offline, means them for the learner too.
    """
    run = read_run(below(project.folder, project.plan.localizer_checkpoint).parent)
    network = run.config.get("network", {}) if run is not None and run.stage == "classifier" else {}
    if network.get("trunk_weights", "none") == "none":
        return {}
    return {name: network[name] for name in ("trunk", "trunk_weights", "width") if name in network}


class Learning:
    """Starts a learner, and applies what it gave.

    Parameters
    ----------
    opened : Opened
    training : TrainingProcess
        At most one run at a time; the learner waits its turn.
    models : AppliedModels
    signals : Signals

    Attributes
    ----------
    running : bool
        True from the start of a learner until it is applied or failed.
    text : str
        What the last training learned, if it was a learner's and is applied; else "".
    changed : Signal()
    """

    changed = Signal()

    def __init__(self, opened: Opened, training: TrainingProcess, models: AppliedModels, signals: Signals) -> None:
        self._opened, self._training, self._models, self.signals = opened, training, models, signals
        self._project_folder: Path | None = None
        self.running = False
        self.text = ""
        training.started.connect(self._on_started)
        training.ended.connect(self._on_ended)
        signals.project_closed.connect(self._forget)

    @reported
    def learn(self) -> bool:
        """Learn from all accepted masks, drafts, strokes and scribbles, and propose anew for untouched images.

        Returns at once; False, and `failed` says why, when it cannot start.
        """
        table = self._opened.table
        if table.project.read_only:
            raise ProjectError("The project is open read-only, so no learned model can be applied; open it to write.")
        if not table.flush():
            return False  # said already; the learner reads from disk
        options = {"method": METHOD, "compare_folds": FOLDS, **trunk_of_localizer(table.project)}
        self._training.start(table.project, STAGE, options)
        self._project_folder, self.running = table.project.folder, True
        self.signals.notice.emit("Learning from what you corrected; you can go on.")
        self.changed.emit()
        return True

    def _on_started(self) -> None:
        self.text = ""

    def _on_ended(self, code: int, folder: Path | None, message: str) -> None:
        if not self.running:
            return
        self.running = False
        table = self._opened.or_none
        run = read_run(folder) if folder is not None else None
        if table is None or table.project.folder != self._project_folder:
            pass  # the run stays in the list of the project it belongs to
        elif code or run is None:
            told = "it was stopped." if code == STOPPED else message
            self.signals.failed.emit(f"Nothing was learned: {told}")
        elif self._models.apply(run):
            self.text = run.message
            self.signals.notice.emit(self.text)
        self.changed.emit()

    def _forget(self) -> None:
        self._project_folder, self.running, self.text = None, False, ""
        self.changed.emit()
