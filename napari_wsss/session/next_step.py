"""What is waited for now, from the folder of pictures to the export, and the one thing that moves it on."""

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from psygnal import Signal

from napari_wsss.core.plural import counted
from napari_wsss.pipeline.apply import CHECKPOINTS, model_changes, model_name
from napari_wsss.pipeline.lineage import SHELF_OF_STAGE, has_model
from napari_wsss.project.criteria import Criteria
from napari_wsss.project.project import Project
from napari_wsss.project.states import UNDECIDED
from napari_wsss.session.models.hint import RetrainHint
from napari_wsss.session.proposals.inference import Inference
from napari_wsss.session.runs.cost import estimate_start
from napari_wsss.session.runs.folders import RunInfo
from napari_wsss.session.runs.process import TrainingProcess
from napari_wsss.session.runs.trunk_weights import TrunkWeights
from napari_wsss.session.settings import Settings
from napari_wsss.session.signals import Signals
from napari_wsss.session.table.opened import Opened
from napari_wsss.session.table.table import Table

Verb = Literal["", "new", "create", "label", "train", "weights", "apply", "review", "retrain", "export"]
MOST_CHANGES = 100


@dataclass(frozen=True)
class NextStep:
    """One step of the way.

    Parameters
    ----------
    text : str
        What is waited for, in a sentence.
    verb : str
        What moves it on: ``new``, ``create``, ``label``, ``train``, ``weights``, ``apply``, ``review``, ``retrain``,
        ``export``; "" where the machine works and nothing needs to be done.
    caption : str
        Of a button that does it, "" without one.
    run : RunInfo, optional
        What ``apply`` would apply.
    """

    text: str
    verb: Verb = ""
    caption: str = ""
    run: RunInfo | None = None


NEW = NextStep("Drop a folder of photographs here, or open a project.", "new", "New …")
CREATE = NextStep("The labels are read: look at the report, then create the project.", "create", "Create")
READ_ONLY = NextStep("The project is open read-only: look at it, nothing is changed.")
LABEL = NextStep("No image has labels yet: say which classes are in them.", "label", "Label")
WEIGHTS = NextStep("The training lacks the encoder's weights: give it a file.", "weights", "File …")
LOOKING = NextStep("The encoder's weights are looked for.")
TRAINING = NextStep("The training runs; go on labeling or reviewing meanwhile.")
PROPOSING = NextStep("The proposal of this image is being computed.")
UNPROPOSED = NextStep("This image has no proposal: paint its mask.")


class NextSteps:
    """Knows the step of the open project.

    Parameters
    ----------
    opened : Opened
    training : TrainingProcess
    hint : RetrainHint
        Says when retraining may pay.
    weights : TrunkWeights
        Say what kept a training from beginning.
    inference : Inference
        Makes the proposals that may be waited for.
    settings : Settings
        On which device a training would run.
    signals : Signals

    Attributes
    ----------
    changed : Signal()
        A project can be created now, or no longer; weights are looked for, or missing.
    """

    changed = Signal()

    def __init__(
        self,
        opened: Opened,
        training: TrainingProcess,
        hint: RetrainHint,
        weights: TrunkWeights,
        inference: Inference,
        settings: Settings,
        signals: Signals,
    ) -> None:
        self._opened, self._training, self._hint = opened, training, hint
        self._weights, self._inference, self._settings = weights, inference, settings
        self._finished: _Finished | None = None
        training.ended.connect(self._forget)
        self._counts: dict[str, int] | None = None
        self._is_prepared = False
        signals.project_opened.connect(self._forget)
        signals.project_closed.connect(self._forget)
        weights.changed.connect(self.changed.emit)

    def _forget(self) -> None:
        self._finished = self._counts = None

    def prepare(self, ready: bool) -> None:
        """Say whether everything that a new project needs is there."""
        if ready != self._is_prepared:
            self._is_prepared = ready
            self.changed.emit()

    def count_again(self) -> None:
        """Images may be in other states than when `step` was asked last."""
        self._counts = None

    @property
    def step(self) -> NextStep:
        """The step that is next now."""
        table = self._opened.or_none
        if table is None:
            return CREATE if self._is_prepared else NEW
        if table.project.read_only:
            return READ_ONLY
        if self._training.running:
            return self._meanwhile(table)
        waiting, runs = self._runs(table.project)
        if waiting is not None:
            kind = waiting.stage.replace("_", " ")
            return NextStep(f"A trained {kind} waits to be used.", "apply", "Apply", waiting)
        if not has_model(table.plan):
            return self._to_train(table, runs)
        return self._to_review(table)

    @property
    def waited_for(self) -> str:
        """What the proposal of the shown image waits for, in a sentence; "" where it is for the person to go on."""
        step = self.step
        return "" if step.verb in ("review", "retrain", "export") else step.text

    def _meanwhile(self, table: Table) -> NextStep:
        """Return what a person can do while a training runs: look at what there are proposals for."""
        step = self._to_review(table) if has_model(table.plan) and table.proposal is not None else TRAINING
        looked_at = f"The training runs; meanwhile {step.text.partition(':')[0]}."
        return replace(step, text=looked_at) if step.verb == "review" else TRAINING

    def _to_train(self, table: Table, runs: tuple[RunInfo, ...]) -> NextStep:
        if self._weights.is_asking:
            return LOOKING
        if self._weights.missing:
            return WEIGHTS
        cost = estimate_start(table.project, {}, runs, self._settings.device_found)
        if cost is None or not table.project.catalog.count(Criteria(unlabelled=False)):
            return LABEL
        minutes = max(1, round(cost.seconds / 60))
        return NextStep(
            f"No model yet: train one (about {minutes} min on {cost.device or 'this machine'}).", "train", "Train"
        )

    def _to_review(self, table: Table) -> NextStep:
        if self._hint.text:
            return NextStep(self._hint.text, "retrain", "Retrain")
        if self._counts is None:
            self._counts = table.project.catalog.counts()
        counts = self._counts
        left = sum(counts[state] for state in UNDECIDED)
        if not left:
            return NextStep(
                f"All decided, {counted(counts['accepted'], 'mask')} accepted: take them out.", "export", "Export"
            )
        if table.image_id and table.proposal is None and table.record.state == "todo" and not table.mask_is_touched:
            return PROPOSING if table.maps is None or self._inference.is_working else UNPROPOSED
        return NextStep(
            f"{counted(left, 'image waits', 'images wait')} for a look: correct and accept.", "review", "Next"
        )

    def _runs(self, project: Project) -> tuple[RunInfo | None, tuple[RunInfo, ...]]:
        """Return the newest finished run that was never applied, if it came after the last that was, and all runs."""
        models = tuple(getattr(project.plan, name) for name in CHECKPOINTS)
        found = self._finished
        if found is None or found.models != models:
            runs = tuple(self._training.runs(project))
            found = self._finished = _Finished(models, _waiting(project, runs), runs)
        return found.waiting, found.runs


class _Finished(NamedTuple):
    """What the run folders told while these models were used."""

    models: tuple[str, ...]
    waiting: RunInfo | None
    runs: tuple[RunInfo, ...]


def _waiting(project: Project, runs: tuple[RunInfo, ...]) -> RunInfo | None:
    changes = model_changes(project, MOST_CHANGES)
    plans = [project.plan, *(plan for change in changes for plan in (change.before, change.after))]
    used = {model_name(path) for plan in plans for name in CHECKPOINTS if (path := getattr(plan, name))}
    since = max((run.started for run in runs if run.folder.name in used), default=0.0)
    return next(
        (
            run
            for run in runs
            if run.state == "done"
            and run.stage in SHELF_OF_STAGE
            and run.checkpoint is not None
            and run.folder.name not in used
            and run.started > since
        ),
        None,
    )
