"""The dock's sticky head and foot: which image, its state, whether it is saved; and the decisions."""

from pathlib import Path

from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QFileDialog, QWidget

from napari_wsss.session.session import Session
from napari_wsss.session.table.reasons import reasons
from napari_wsss.session.table.table import Table
from napari_wsss.widgets.controls.badge import StateBadge, state_text
from napari_wsss.widgets.controls.basic import button, column, line, row, text_label
from napari_wsss.widgets.controls.listening import listen
from napari_wsss.widgets.controls.stubs import united
from napari_wsss.widgets.keys.actions import Actions

AGE_MS = 1000
REFUSAL = "Not "
LEARNED = "What the proposals were learned from beside you; held-out: how far it agrees on images that were left out"
SAVE_COLOURS = {"saved": "#1dd1a1", "unsaved": "#feca57", "saving": "#feca57", "failed": "#ff6b81"}


class Header(QWidget):
    """Image name, state badge, ``37/512 · 21 accepted``, save state, why it is shown, what was learned, no backup."""

    def __init__(self, session: Session, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._actions = session, actions
        self.name = text_label(wrap=True)
        self.name.setStyleSheet("font-weight: bold;")
        self.note = text_label(quiet=True)
        self.badge = StateBadge()
        self.progress = text_label(wrap=False)
        self.saved = text_label(wrap=False, tip="Everything is written by itself; there is nothing to save by hand")
        self.elsewhere = button("Save a copy elsewhere …", self._save_copy, "Masks, drafts, labels and decisions")
        self.why = text_label(quiet=True, tip="Why you are shown this image")
        self.why.setAlignment(united(Qt.AlignmentFlag.AlignRight, Qt.AlignmentFlag.AlignTop))
        self.learned = text_label(quiet=True, tip=LEARNED)
        self.status = text_label(quiet=True)
        self.backup = text_label()
        self.backup.tint(SAVE_COLOURS["failed"], bold=True)
        saved = row(self.saved, self.why)
        saved.setStretch(1, 1)
        place = row(self.badge, 1, self.progress)
        self.setLayout(
            column(
                *(self.name, self.note, place, saved, self.elsewhere),
                *(self.learned, self.backup, self.status, line()),
                margin=2,
            )
        )
        self._clock = QTimer(self)
        self._clock.setInterval(AGE_MS)
        self._clock.timeout.connect(self._on_clock)
        self._clock.start()
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
        self.refresh()

    def _on_image(self, _image_id: str) -> None:
        self.say("")  # what was said about the image before
        self.refresh()

    def _refresh(self, _image_id: str = "") -> None:
        self.refresh()

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
        if table is None:
            self.name.setText("no project" if session.project is None else "no image")
            self.note.setText("")
            self.badge.show_state("todo", "")
            self.progress.setText(session.navigation.progress_text)
            self.why.setText("")
        else:
            record = table.record
            before = record.state == "draft" and table.project.masks.has_accepted(record.id)
            self.name.setText(record.id)
            self.note.setText(table.image_note)
            self.badge.show_state(record.state, state_text(record, before))
            self.progress.setText(session.navigation.progress_text)
            self.why.setText(self._reasons(table))
        self.note.setVisible(bool(self.note.text()))
        self._on_clock()
        self._show_backup()

    def _reasons(self, table: Table) -> str:
        """Return why the image is shown, without what the badge says."""
        found = reasons(table.record, self._session.navigation.queue.order, table.project.catalog)
        return " · ".join(text for text in found if text not in self.badge.text)

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
        self.learned.setToolTip(" · ".join(part for part in (LEARNED, learning.details) if part))
        self.learned.setVisible(bool(self.learned.text()))

    def _show_backup(self) -> None:
        """Show what is wrong with the project as a whole, and what to do; nothing while all is well."""
        project = self._session.project
        wrong = (project.backup_error, *project.left_out) if project is not None else ()
        self.backup.setText("\n".join(text for text in wrong if text))
        self.backup.setVisible(bool(self.backup.text()))

    def say(self, text: str) -> None:
        """Show one quiet line; a refusal (``Not accepted yet: ...``) stands out."""
        self.status.setText(text)
        self.status.tint(SAVE_COLOURS["unsaved"] if text.startswith(REFUSAL) else "")


class Footer(QWidget):
    """Previous, skip, flag, accept: the decisions by mouse, always visible below the tabs."""

    def __init__(self, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._actions = actions
        self.previous = button("Prev", lambda: actions.run("previous"))
        self.skip = button("Skip", lambda: actions.run("skip"))
        self.flag = button("Flag", lambda: actions.run("flag"))
        self.accept = button("Accept & next", lambda: actions.run("accept"))
        self.accept.setStyleSheet("QPushButton { font-weight: bold; }")
        for made in (self.previous, self.skip, self.flag):
            made.setMinimumWidth(48)
        layout = row(self.previous, self.skip, self.flag, self.accept)
        layout.setStretch(3, 2)
        self.setLayout(layout)
        actions.table_changed.connect(self._show_keys)
        self._show_keys()

    def _show_keys(self) -> None:
        with_key = self._actions.with_key
        self.previous.setToolTip(with_key("Previous image", "previous"))
        self.skip.setToolTip(with_key("Skip and go on; it comes back last", "skip"))
        self.flag.setToolTip(with_key("Flag for somebody else", "flag"))
        self.accept.setToolTip(with_key("Accept and go on", "accept"))
