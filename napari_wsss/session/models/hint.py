"""The quiet hint that retraining may pay: after every few accepted masks, with how much of the proposals was edited."""

from psygnal import Signal

from napari_wsss.core.plural import counted
from napari_wsss.session.models.history import block_means, edited_of
from napari_wsss.session.models.statistics import Figures, Statistics
from napari_wsss.session.signals import Signals
from napari_wsss.session.table.opened import Opened

RETRAIN_AFTER = 20
"""Accepted masks between two hints."""


class RetrainHint:
    """Decides when the hint is due; never interrupts.

    Parameters
    ----------
    opened : Opened
    statistics : Statistics
    signals : Signals

    Attributes
    ----------
    every : int
        Accepted masks between two hints; 0 for no hints.
    text : str
        The hint, "" while none is due.
    curve : list of (float, float)
        (accepted masks, mean edited share of the last `every` of them), since the last model was applied.
    changed : Signal()
    """

    changed = Signal()

    def __init__(self, opened: Opened, statistics: Statistics, signals: Signals) -> None:
        self.every = RETRAIN_AFTER
        self.text = ""
        self.curve: list[tuple[float, float]] = []
        self._opened = opened
        self._statistics = statistics
        self._put_off = 0  # hints seen and put off, in steps of `every`
        self._model = 0
        signals.project_opened.connect(self._forget)
        signals.state_changed.connect(self._on_state)
        signals.plan_changed.connect(self._on_plan)
        statistics.changed.connect(self._look)

    def later(self) -> None:
        """Put the hint off until as many more masks are accepted."""
        self._put_off = len(self._statistics.figures.since_model) // self.every
        self._look()

    def remind_every(self, masks: int) -> None:
        """Set after how many accepted masks the hint comes, and comes again; 0 is never."""
        self._put_off = self._put_off * self.every // masks if masks else 0
        self.every = masks
        self._look()

    def _forget(self) -> None:
        self._put_off = self._model = 0
        self._look()

    def _on_state(self, image_id: str) -> None:
        table = self._opened.table
        is_shown = image_id == table.image_id
        state = table.record.state if is_shown else table.project.catalog.state(image_id)
        if self.text or state == "accepted":
            self._statistics.refresh()

    def _on_plan(self) -> None:
        if self.text:  # another model may be applied
            self._statistics.refresh()

    def _look(self) -> None:
        figures = self._statistics.figures
        model = figures.changes[-1].number if figures.changes else 0
        if model != self._model:
            self._model, self._put_off = model, 0
        due = self.every > 0 and len(figures.since_model) // self.every > self._put_off
        self.curve = block_means(figures.since_model, edited_of, self.every) if due else []
        text = hint_text(figures, self.curve, self.every) if due else ""
        if text != self.text:
            self.text = text
            self.changed.emit()


def hint_text(figures: Figures, curve: list[tuple[float, float]], every: int) -> str:
    """Return the hint in one sentence: how much was edited at first and lately, since the last model was applied."""
    count = len(figures.since_model) // every * every
    whole = [share for until, share in curve if until % every == 0]
    since = "since the last model" if figures.changes else "so far"
    if not whole:
        return f"{counted(count, 'mask')} accepted {since}. Retrain with them?"
    if len(whole) == 1:
        return (
            f"{counted(count, 'mask')} accepted {since}; you corrected {100 * whole[0]:.0f} % of their pixels. Retrain?"
        )
    of = counted(count, "mask")
    return f"You corrected {100 * whole[0]:.0f} % → {100 * whole[-1]:.0f} % of pixels {since} ({of}). Retrain?"
