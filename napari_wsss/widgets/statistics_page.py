"""The Stats page: how far the project is, how fast it goes, how much a person still has to correct.

What a person can do with it: read the curves (hover for a value; dashed lines are models that were applied), save all
of it as a picture, save every accepted mask's figures as a table, see where accepted masks and the model differ.
"""

from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QWidget

from napari_wsss.core.plural import counted
from napari_wsss.session.models.hint import RETRAIN_AFTER
from napari_wsss.session.models.history import (
    Acceptance,
    Figure,
    accepted_over_time,
    agreement_of,
    as_csv,
    block_means,
    edited_of,
    mean_of,
    median_seconds,
    person_of,
    places_of,
    seconds_of,
)
from napari_wsss.session.models.statistics import Figures
from napari_wsss.session.session import Session
from napari_wsss.widgets.controls.badge import LOOKS
from napari_wsss.widgets.controls.basic import button, column, row, text_label
from napari_wsss.widgets.controls.charts import BarChart, LineChart, percent, picture_of
from napari_wsss.widgets.controls.durations import duration
from napari_wsss.widgets.controls.listening import listen
from napari_wsss.widgets.disagreement_table import DisagreementTable

MOST_BLOCKS = 100
LATELY = 50
"""Accepted masks over which the present pace is taken."""


class StatisticsPage(QWidget):
    """Numbers and curves of the open project; read again only while it is seen."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.summary = text_label()
        self.accepted = LineChart("Accepted images", across="h of work")
        self.edited = LineChart("Pixels you corrected", percent, "masks")
        self.agreement = LineChart("Model and person agree (mIoU)", percent, "masks", top=1.0)
        self.seconds = LineChart("Seconds per image", across="masks")
        self.classes = BarChart("Images per class: accepted of labelled")
        self.board = QWidget()
        self.board.setLayout(
            column(self.summary, self.accepted, self.edited, self.agreement, self.seconds, self.classes, margin=2)
        )
        self.save_picture = button("Save picture …", self._save_picture, "All of this as a PNG")
        self.save_table = button("Save table …", self._save_table, "One line per accepted mask, as CSV")
        self.disagreement = DisagreementTable(session)
        self.setLayout(column(self.board, row(self.save_picture, self.save_table, 1), self.disagreement, 1, margin=4))
        listen(
            self,
            (session.signals.project_opened, self._look),
            (session.signals.project_closed, self._look),
            (session.signals.state_changed, self._on_change),
            (session.signals.labels_changed, self._on_change),
            (session.statistics.changed, self._look),
        )
        self._look()

    def showEvent(self, event: object) -> None:
        """Read what is new."""
        self._session.statistics.refresh()
        self._look()

    def _on_change(self, _image_id: str) -> None:
        if self.isVisible():
            self._session.statistics.refresh()

    def _look(self) -> None:
        self.save_picture.setEnabled(self._session.project is not None)
        self.save_table.setEnabled(bool(self._session.statistics.figures.acceptances))
        if self.isVisible() or self._session.project is None:
            self.refresh()

    def refresh(self) -> None:
        """Show the figures that were read last."""
        figures = self._session.statistics.figures
        found, marks = figures.acceptances, places_of(figures.changes, figures.acceptances)
        self.summary.setText(summary(figures) if self._session.project is not None else "Open a project first.")
        self._show_accepted(found)
        for chart, figure in ((self.edited, edited_of), (self.agreement, agreement_of), (self.seconds, seconds_of)):
            chart.show_curve(blocks(found, figure), marks)
        self.classes.show_bars(
            [(name, count, figures.accepted.get(name, 0)) for name, count in figures.labelled.items()]
        )

    def _show_accepted(self, found: tuple[Acceptance, ...]) -> None:
        curve = accepted_over_time(found)
        in_hours = bool(curve) and curve[-1][0] > 2
        self.accepted.across = "h of work" if in_hours else "min of work"
        self.accepted.show_curve([(hours if in_hours else 60 * hours, count) for hours, count in curve])

    def _save_picture(self) -> None:
        path = self._ask("statistics.png", "PNG (*.png)")
        if path is not None and not picture_of(self.board).save(str(path), "PNG"):
            self._session.signals.failed.emit(f"The picture could not be written to {path}; choose another folder.")

    def _save_table(self) -> None:
        path = self._ask("statistics.csv", "CSV (*.csv)")
        if path is None:
            return
        try:
            path.write_text(as_csv(self._session.statistics.figures.acceptances), encoding="utf-8")
        except OSError as reason:
            self._session.signals.failed.emit(f"The table could not be written to {path} ({reason.strerror}).")

    def _ask(self, name: str, kinds: str) -> Path | None:
        project = self._session.project
        start = project.folder / name if project is not None else Path(name)
        chosen, _ = QFileDialog.getSaveFileName(self, "Save statistics", str(start), kinds)
        if not chosen:
            return None
        path = Path(chosen)
        return path if path.suffix else path.with_suffix(Path(name).suffix)


def blocks(acceptances: tuple[Acceptance, ...], figure: Figure) -> list[tuple[float, float]]:
    """Return a figure's means over blocks that give a readable curve, for ten masks as for 100,000."""
    size = min(max(1, len(acceptances) // 10), RETRAIN_AFTER)
    return block_means(acceptances, figure, max(size, len(acceptances) // MOST_BLOCKS))


def summary(figures: Figures) -> str:
    """Return what a person wants to know first, as a few short lines."""
    total = sum(figures.states.values()) - figures.states.get("excluded", 0)
    done, lately = figures.states.get("accepted", 0), figures.acceptances[-LATELY:]
    undone = {state: count for state, count in figures.states.items() if count and state != "accepted"}
    others = ", ".join(f"{count} {LOOKS[state].word}" for state, count in undone.items())
    share = f" ({percent(done / total)})" if total else ""
    lines = [f"{done} of {counted(total, 'image')} accepted{share}{'; ' if others else ''}{others}"]
    if figures.unlabelled:
        lines.append(f"{counted(figures.unlabelled, 'image')} not labelled yet (search is:unlabelled)")
    if figures.unknown:
        lines.append(f"{counted(figures.unknown, 'image')} of which some class is unknown (search is:unknown)")
    if figures.mismatched:
        lines.append(
            f"{counted(figures.mismatched, 'accepted mask differs', 'accepted masks differ')} from the labels "
            "(search is:mismatch)"
        )
    seconds = median_seconds(lately)
    if seconds:
        left = (total - done) * seconds
        lines.append(f"{seconds:.0f} s per image lately; about {duration(left)} of work left" if left else "")
    edited, agreement = mean_of(lately, edited_of), mean_of(lately, agreement_of)
    if edited is not None and agreement is not None:
        lines.append(f"You correct {percent(edited)} of pixels; the model agrees with you at {percent(agreement)} mIoU")
    person = mean_of(figures.acceptances, person_of)
    if person is not None:
        lines.append(f"{percent(person)} of all accepted pixels were drawn by hand")
    return "\n".join(line for line in lines if line)
