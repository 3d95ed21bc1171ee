"""The dock's head: which image, its state, whether it is saved, what is next, what was said and what runs."""

from pathlib import Path

from qtpy.QtCore import QEvent, Qt, QTimer, Signal
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QFileDialog, QSizePolicy, QStackedWidget, QWidget

from napari_wsss.session.session import Session
from napari_wsss.session.table.reasons import OLDER, reasons
from napari_wsss.session.table.table import Table
from napari_wsss.widgets.controls.badge import StateBadge, state_text
from napari_wsss.widgets.controls.basic import button, column, line, row, single_shot, text_label, tool_button
from napari_wsss.widgets.controls.elided import MIDDLE, ElidedLabel
from napari_wsss.widgets.controls.listening import listen
from napari_wsss.widgets.controls.stubs import certain, united
from napari_wsss.widgets.job_bar import JobBar
from napari_wsss.widgets.keys.actions import Actions
from napari_wsss.widgets.next_line import NextLine

AGE_MS = 1000
NOTICE_MS = 10_000
"""How long something said stays; failures are also notified by napari."""
GRID = "Verify many proposals at a glance"
FOLD = "More room for the picture: fold napari's layer list and controls away, or bring them back"
REFUSAL = "Not "
LEARNED = "What the proposals were learned from beside you; held-out: how far it agrees on images that were left out"
SAVE_COLOURS = {"saved": "#1dd1a1", "unsaved": "#feca57", "saving": "#feca57", "failed": "#ff6b81"}


class Header(QWidget):
    """Image, place and progress; state, save state and why it is shown; the next step; what was said; what runs.

    Every line has its place and keeps it, whatever there is to say: what is too long is shortened, and whole in the
    tooltip, so that nothing below moves under the mouse.

    Attributes
    ----------
    fold_wanted : Signal()
        napari's left side should be folded away, or come back.
    grid_wanted : Signal()
        Many proposals should be shown at once.
    """

    fold_wanted = Signal()
    grid_wanted = Signal()

    def __init__(self, session: Session, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._actions = session, actions
        self.name = ElidedLabel(mode=MIDDLE)
        self.name.setStyleSheet("font-weight: bold;")
        self.progress = text_label(wrap=False)
        self.badge = StateBadge()
        self.saved = ElidedLabel(tip="Everything is written by itself; there is nothing to save by hand")
        self.why = ElidedLabel(quiet=True, tip="Why you are shown this image")
        self.why.setAlignment(united(Qt.AlignmentFlag.AlignRight, Qt.AlignmentFlag.AlignVCenter))
        self.next_line = NextLine(session)
        self.status = ElidedLabel(quiet=True)
        self.elsewhere = button("Save a copy elsewhere …", self._save_copy, "Masks, drafts, labels and decisions")
        self.learned = ElidedLabel(quiet=True, mode=MIDDLE)  # what it says last, how far it agrees, stays
        self.job_bar = JobBar(session.jobs, session.training)
        self.grid = tool_button("▦", self.grid_wanted.emit, actions.with_key(GRID, "grid"))
        self.fold = tool_button("⇤", self.fold_wanted.emit, FOLD)
        self._said = ""
        self._count = single_shot(self, 0, self._show_count)
        self._hush = single_shot(self, NOTICE_MS, lambda: self.say(""))
        self._lay_out()
        self._clock = QTimer(self)
        self._clock.setInterval(AGE_MS)
        self._clock.timeout.connect(self._on_clock)
        self._clock.start()
        self._connect()
        self.refresh()

    def _lay_out(self) -> None:
        state = row(self.badge, self.saved, self.why, self.grid, self.fold)
        state.setStretch(2, 1)  # the badge needs no more than its words
        self.saved.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)  # the rest is for why
        self.elsewhere.hide()
        self._foot = QStackedWidget()
        self._foot.addWidget(self.learned)
        self._foot.addWidget(self.job_bar)
        top, said = row(self.name, self.progress), row(self.status, self.elsewhere)
        top.setStretch(0, 1)
        layout = column(top, state, self.next_line, said, self._foot, line(), margin=2)
        layout.setSpacing(1)
        self.setLayout(layout)
        self._keep_height()

    def _keep_height(self) -> None:
        """Give every line the height of the tallest thing it may ever show."""
        self.next_line.fit()
        tallest = max(self.elsewhere.sizeHint().height(), self.job_bar.cancel.sizeHint().height())
        for part in (self.elsewhere, self.status, self._foot):
            part.setFixedHeight(tallest)
        self.setFixedHeight(certain(self.layout()).sizeHint().height())

    def changeEvent(self, event: QEvent | None) -> None:
        """Follow a change of theme or font."""
        super().changeEvent(event)
        if certain(event).type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._keep_height()

    def showEvent(self, event: QShowEvent | None) -> None:
        """Take the height that the theme's font asks for, which is known once it is shown."""
        super().showEvent(event)
        self._keep_height()

    def _connect(self) -> None:
        session = self._session
        self.job_bar.changed.connect(self._show_foot)
        listen(
            self,
            (session.signals.image_changed, self._on_image),
            (session.signals.state_changed, self._refresh),
            (session.signals.queue_changed, self.refresh),
            (session.signals.labels_changed, self._refresh),
            (session.signals.maps_ready, self._refresh),
            (session.signals.project_opened, self.refresh),
            (session.signals.project_closed, self.refresh),
            (session.signals.save_state_changed, self._on_save_state),
            (session.signals.notice, self.say),
            (session.signals.proposal_changed, self._on_proposal),
            (session.learning.changed, self._show_learned),
        )

    def _on_image(self, _image_id: str) -> None:
        self.say("")  # what was said about the image before
        self.refresh()

    def _refresh(self, image_id: str = "") -> None:
        if image_id in ("", self._session.shown_id):
            self.refresh()
        else:
            self._count.start()  # of many images one after another, when many are accepted at once

    def _show_count(self) -> None:
        self.progress.setText(self._session.navigation.progress_text)

    def _on_proposal(self, _image_id: str) -> None:
        self._show_learned()

    def _on_clock(self) -> None:
        self.show_save_state()
        self._show_learned()

    def _on_save_state(self, _state: object) -> None:
        self.show_save_state()

    def refresh(self) -> None:
        """Show the session's image, state and progress."""
        session = self._session
        table = session.shown_table
        self.progress.setText(session.navigation.progress_text)
        if table is None:
            self.name.setText("no project" if session.project is None else "no image")
            self.name.explain("")
            self.badge.show_state("todo", "")
            self._explain("")
        else:
            record = table.record
            before = record.state == "draft" and table.project.masks.has_accepted(record.id)
            self.name.setText(record.id)
            self.name.explain(table.image_note)
            self.badge.show_state(record.state, state_text(record, before))
            self._explain(self._reasons(table))
        self._on_clock()
        self._show_said()

    def _explain(self, reasons: str) -> None:
        """Say why the image is shown, or leave the room to what is beside."""
        self.why.setText(reasons)
        self.why.setVisible(bool(reasons))

    def _reasons(self, table: Table) -> str:
        """Return why the image is shown, without what the badge says."""
        found = reasons(table.record, table.queue.order, table.project.catalog, table.queue.differs)
        said = self.badge.text
        return " · ".join(text for text in found if text not in said and not (text == OLDER and table.record.stale))

    def show_save_state(self) -> None:
        """Show whether the mask is on disk, and since when."""
        table = self._session.shown_table
        if table is None:
            self.saved.setText("")
            self.elsewhere.hide()
            return
        state = table.save_state
        self.elsewhere.setVisible(state.kind == "failed")
        self.saved.setText(state.text())
        self.saved.tint(SAVE_COLOURS.get(state.kind, ""), bold=state.kind == "failed")

    def _save_copy(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "An empty folder on another disk")
        if chosen:
            self._session.save_copy(Path(chosen))

    def _show_learned(self) -> None:
        """Show what the learner learned from, and that it has something else to propose for this image."""
        learning = self._session.learning
        waits = [self._actions.with_key("new proposal", "learn")] if learning.holds_back else []
        self.learned.setText(" · ".join([part for part in (learning.text,) if part] + waits))
        self.learned.explain("\n".join(part for part in (LEARNED, learning.details) if part))

    def _show_foot(self) -> None:
        self._foot.setCurrentWidget(self.job_bar if self.job_bar.busy else self.learned)

    @property
    def _wrong(self) -> str:
        """What is wrong with the project as a whole, and what to do; nothing while all is well."""
        project = self._session.project
        wrong = (project.backup_error, *project.left_out) if project is not None else ()
        return "\n".join(text for text in wrong if text)

    def say(self, text: str) -> None:
        """Show one quiet line for a while; a refusal (``Not accepted yet: ...``) stands out."""
        self._said = text
        self._hush.start()
        self._show_said()

    def _show_said(self) -> None:
        """Show what was said just now, else what is wrong, else what there is to know of the image."""
        table = self._session.shown_table
        wrong, note = self._wrong, table.image_note if table is not None else ""
        self.status.setText(self._said or wrong or note)
        if self._said:
            self.status.tint(SAVE_COLOURS["unsaved"] if self._said.startswith(REFUSAL) else "")
        else:
            self.status.tint(SAVE_COLOURS["failed"] if wrong else "", bold=bool(wrong))
