"""Clean-up with a look before: what a person can do with it is said at the page (`correct_page`)."""

from dataclasses import dataclass

from napari.layers import Layer
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QCheckBox, QGridLayout, QSlider, QWidget

from napari_wsss.core.classes import IGNORE
from napari_wsss.pixels.cleanup import CleanUp
from napari_wsss.session.session import Session
from napari_wsss.widgets.controls.basic import WheelGuard, button, column, row, single_shot, text_label
from napari_wsss.widgets.controls.listening import listen
from napari_wsss.widgets.controls.plain_text import as_text, without_keys
from napari_wsss.widgets.layers.viewer_sync import ViewerSync

ASK_AFTER_MS = 80
ESCAPE = "Escape"
NOTHING = "Move a slider to see what it would change."


@dataclass(frozen=True)
class Dial:
    """One slider of the clean-up.

    Parameters
    ----------
    name : str
        Field of `CleanUp`.
    title, tip : str
    highest : int
        Of the slider.
    is_side : bool
        The slider gives the side of a square of so many pixels.
    """

    name: str
    title: str
    tip: str
    highest: int
    is_side: bool = False

    def value(self, position: int) -> int:
        """Return what a position of the slider means."""
        return position**2 if self.is_side else position

    def text(self, position: int) -> str:
        """Return it as a person reads it."""
        return f"{self.value(position):,} px" if position else "off"


DIALS = (
    Dial("smallest", "Drop regions under", "Smaller regions become what surrounds them", 100, is_side=True),
    Dial("hole", "Fill holes up to", "Background enclosed by classes is filled", 100, is_side=True),
    Dial("smooth", "Smooth borders", "Levels bays and spurs narrower than this", 20),
    Dial("snap", "Snap to edges within", "Moves borders to where the colours change", 20),
)


ONLY = "Pixels change that have this class before or after"
NAME_WIDTH = 100
"""Pixels of a class's name, so that none widens the panel."""


class CleanupBox(QWidget):
    """Four sliders, what they would change, Apply and Cancel."""

    def __init__(self, session: Session, sync: ViewerSync, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._sync = session, sync
        self._quiet = False
        self._bound: list[Layer] = []
        self.sliders = {dial.name: self._slider(dial) for dial in DIALS}
        self.numbers = {dial.name: text_label("off", wrap=False) for dial in DIALS}
        self.only = self._check("Only the current class", False, ONLY)
        self.protect = self._check("Leave what I painted", True, "Pixels that a person drew stay as they are")
        self.outcome = text_label(NOTHING, quiet=True)
        self.apply = button("Apply", session.cleaning.apply, "Change the mask as outlined; one undo step")
        self.cancel = button("Cancel", session.cleaning.cancel, "Forget the preview (Esc)")
        self._later = single_shot(self, ASK_AFTER_MS, self._ask)
        self._lay_out()
        self._connect()
        self._on_class()
        self._show_outcome()

    def _lay_out(self) -> None:
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(6)
        grid.setColumnStretch(1, 1)
        for line, dial in enumerate(DIALS):
            title = text_label(dial.title, wrap=False, tip=dial.tip)
            self.numbers[dial.name].setMinimumWidth(self.fontMetrics().horizontalAdvance("10,000 px"))
            for position, widget in enumerate((title, self.sliders[dial.name], self.numbers[dial.name])):
                grid.addWidget(widget, line, position)
        layout = row(self.apply, self.cancel)
        self.setLayout(column(grid, self.only, self.protect, self.outcome, layout))

    def _slider(self, dial: Dial) -> QSlider:
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setRange(0, dial.highest)
        slider.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        slider.setToolTip(dial.tip)
        slider.setMinimumWidth(60)
        slider.valueChanged.connect(lambda position, dial=dial: self._on_slider(dial, position))
        WheelGuard.protect(slider)
        return slider

    def _check(self, text: str, checked: bool, tip: str) -> QCheckBox:
        made = QCheckBox(text)
        made.setChecked(checked)
        made.setToolTip(tip)
        made.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        made.clicked.connect(lambda _checked: self._later.start())
        return made

    def _connect(self) -> None:
        session = self._session
        listen(
            self,
            (session.signals.image_changed, self._on_image),
            (session.signals.project_closed, self._on_image),
            (session.signals.classes_changed, self._on_class),
            (session.cleaning.preview_changed, self._on_preview),
            (session.cleaning.busy_changed, self._on_busy),
        )
        self._sync.class_chosen.connect(self._on_class)

    # What is asked

    @property
    def steps(self) -> CleanUp:
        """What the sliders say."""
        return CleanUp(**{dial.name: dial.value(self.sliders[dial.name].value()) for dial in DIALS})

    def _on_slider(self, dial: Dial, position: int) -> None:
        self.numbers[dial.name].setText(dial.text(position))
        if not self._quiet:
            self._later.start()

    def _ask(self) -> None:
        self._later.stop()
        self._sync.commit()
        only = self._sync.value if self.only.isChecked() and self._sync.value != IGNORE else None
        self._session.cleaning.ask(self.steps, only, self.protect.isChecked())

    def _on_class(self, _value: int = 0) -> None:
        classes, value = self._session.classes, self._sync.value
        known = classes is not None and value in classes.values()
        whole = classes.name_of(value) if classes is not None and known else ""
        name = self.only.fontMetrics().elidedText(whole, Qt.TextElideMode.ElideMiddle, NAME_WIDTH)
        self.only.setText(without_keys(f"Only the current class{f' ({name})' if name else ''}"))
        self.only.setToolTip(as_text("\n".join(part for part in (whole, ONLY) if part)))
        if self.only.isChecked() and self.steps.does_anything:
            self._later.start()

    # What is shown

    def _on_image(self, _image_id: str = "") -> None:
        self._reset()

    def _on_busy(self, busy: bool) -> None:
        if busy:
            self.outcome.setText("Looking …")
        else:
            self._show_outcome()

    def _on_preview(self, _image_id: str = "") -> None:
        if self._session.cleaning.preview is None:
            self._reset()
        self._bind_escape(self._session.cleaning.preview is not None)
        self._show_outcome()

    def _show_outcome(self) -> None:
        preview = self._session.cleaning.preview
        self.outcome.setText(NOTHING if preview is None else preview.text())
        self.apply.setEnabled(preview is not None and preview.pixels > 0)
        self.cancel.setEnabled(preview is not None)

    def _reset(self) -> None:
        """Put the sliders back: every image is looked at anew."""
        self._later.stop()
        self._quiet = True
        for slider in self.sliders.values():
            slider.setValue(0)
        self._quiet = False

    def _bind_escape(self, wanted: bool) -> None:
        """Let Esc on the canvas end the preview; napari's own use of Esc (polygons) is back afterwards."""
        for layer in self._bound:
            layer.bind_key(ESCAPE, None)
        self._bound = list(self._sync.layers) if wanted else []
        for layer in self._bound:
            layer.bind_key(ESCAPE, lambda _layer: self._session.cleaning.cancel(), overwrite=True)
