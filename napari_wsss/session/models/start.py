"""The recommended start: one verb trains from image-level labels what is best known, and uses each model as it comes.

It is the stage ``start`` in its own process. As this session has the project open, the run offers its models and the
session takes them; a run that goes on after the window was closed takes them itself, and a window opened later hears
of all of them again.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari_wsss.core.errors import ProjectError
from napari_wsss.pipeline.recommended import Offer
from napari_wsss.session.models.applied import AppliedModels
from napari_wsss.session.runs.process import TrainingProcess
from napari_wsss.session.runs.trunk_weights import TrunkWeights
from napari_wsss.session.signals import Signals, reported
from napari_wsss.session.table.opened import Opened

STAGE = "start"


class RecommendedStart:
    """Starts the run, and uses what it offers.

    Parameters
    ----------
    opened : Opened
    training : TrainingProcess
    models : AppliedModels
    weights : TrunkWeights
        What the trunk starts from, where the options do not say it.
    signals : Signals

    Attributes
    ----------
    text : str
        What was taken last of the run that is watched or was watched last; "" for other runs.
    """

    def __init__(
        self, opened: Opened, training: TrainingProcess, models: AppliedModels, weights: TrunkWeights, signals: Signals
    ) -> None:
        self._opened, self._training, self._models, self.signals = opened, training, models, signals
        self._weights = weights
        self.text = ""
        training.started.connect(self._forget)
        training.offered.connect(self._on_offered)
        signals.project_closed.connect(self._forget)

    @reported
    def begin(self, options: Mapping[str, Any] | None = None) -> bool:
        """Start; returns at once, False (and `failed` says why) when it cannot.

        Parameters
        ----------
        options : mapping, optional
            Of the stage: trunk, weights, device ...
        """
        table = self._opened.table
        if table.project.read_only:
            raise ProjectError("The project is open read-only, so no model can be used; open it to write.")
        if not table.flush():
            return False  # said already; the run reads labels from disk
        self._training.start(table.project, STAGE, {**self._weights.options(), **(options or {})})
        return True

    def _on_offered(self, record: Mapping[str, Any], run_folder: Path) -> None:
        table = self._opened.or_none
        # A run of a project that was closed meanwhile is no longer this session's.
        if table is None or table.project.read_only or run_folder.parent != table.project.training_folder:
            return
        try:
            offer = Offer.from_dict(record)
        except (KeyError, TypeError, ValueError, AttributeError):  # not what a run of ours writes
            return
        if self._models.take(offer):
            self.text = f"{offer.title}: used from now on. Accepted masks stay as they are."
            self.signals.notice.emit(self.text)

    def _forget(self) -> None:
        self.text = ""
