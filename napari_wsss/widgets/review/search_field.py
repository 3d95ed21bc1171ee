"""The search line of the queue: completes keys and values, searches while a person types, says what it knows."""

from qtpy.QtCore import QStringListModel, Qt, Signal
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QCompleter, QLineEdit

from napari_wsss.core.errors import ParameterError
from napari_wsss.session.session import Session
from napari_wsss.session.table.search import HELP, KEYS, completions, parse
from napari_wsss.widgets.controls.basic import colour_popup, single_shot
from napari_wsss.widgets.controls.stubs import certain

WAIT_MS = 350


class SearchField(QLineEdit):
    """A search line; what is typed is searched a moment later, Return searches at once.

    Attributes
    ----------
    problem : Signal(str)
        Why what is typed so far is not understood, "" when it is.
    """

    problem = Signal(str)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.setPlaceholderText("search: state:draft class:… changed>20% name")
        self.setToolTip(HELP)
        self.setClearButtonEnabled(True)
        self._words = QStringListModel(self)
        completer = QCompleter(self._words, self)
        completer.setCompletionMode(QCompleter.CompletionMode.UnfilteredPopupCompletion)
        completer.setWidget(self)
        completer.activated[str].connect(self.take)
        self.completer_ = completer
        self._timer = single_shot(self, WAIT_MS, self._search_quietly)
        self.textEdited.connect(self._on_edited)
        self.textChanged.connect(lambda text: None if text else self.search())
        self.returnPressed.connect(self._on_return)

    def search(self) -> None:
        """Search for what is typed now; a word that is not understood is a failure of the session."""
        self._timer.stop()
        queue = self._session.queue
        if queue is not None and queue.search != self.text().strip():
            self._session.navigation.set_search(self.text().strip())
        self.problem.emit(self._complaint())

    def refresh(self) -> None:
        """Show what the queue is searched for."""
        queue = self._session.queue
        wanted = queue.search if queue is not None else ""
        if not self.hasFocus() and self.text().strip() != wanted:
            self.setText(wanted)
            self.problem.emit("")

    def _names(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        project = self._session.project
        return (project.classes.current, project.catalog.clusters.names()) if project is not None else ((), ())

    def _complaint(self) -> str:
        try:
            parse(self.text(), *self._names())
        except ParameterError as error:
            return str(error)
        return ""

    def _on_edited(self, text: str) -> None:
        self._timer.start()
        words = completions(text[: self.cursorPosition()], *self._names())
        self._words.setStringList(words)
        if words:
            colour_popup(self.completer_, self)
            self.completer_.complete()
        else:
            certain(self.completer_.popup()).hide()

    def take(self, word: str) -> None:
        """Put a completion in the place of the word that was begun."""
        before, after = self.text()[: self.cursorPosition()], self.text()[self.cursorPosition() :]
        start = _begin_of_word(before)
        whole = word if word.endswith((":", ">")) else word + " "
        self.setText(before[:start] + whole + after.lstrip())
        self.setCursorPosition(start + len(whole))
        if whole.endswith(" "):
            self.search()
        else:
            self._on_edited(self.text())

    def _search_quietly(self) -> None:
        """Search while a person is typing: a word that is not whole yet only waits."""
        complaint = self._complaint()
        if complaint:
            self.problem.emit(complaint)
        elif not any(key in KEYS for key in completions(self.text(), *self._names())):  # what may become a key waits
            self.search()

    def _on_return(self) -> None:
        certain(self.completer_.popup()).hide()
        self.search()
        self.clearFocus()  # the keys belong to the canvas again

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Leave the field on Escape, with the text that is searched for."""
        if certain(event).key() == Qt.Key.Key_Escape:
            self._timer.stop()
            self.clearFocus()
            self.refresh()
            return
        super().keyPressEvent(event)


def _begin_of_word(text: str) -> int:
    """Return where the last word of a text begins; spaces between quotes belong to a word."""
    start, quoted = 0, False
    for position, letter in enumerate(text):
        quoted ^= letter == '"'
        if letter == " " and not quoted:
            start = position + 1
    return start
