"""Scribble and propagate: what a person can do with it is said at the page (`correct_page`)."""

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QCheckBox, QSlider, QWidget

from napari_wsss.pixels.propagate import DEFAULT_STRENGTH
from napari_wsss.session.session import Session
from napari_wsss.widgets.controls.basic import WheelGuard, button, column, combo, row, text_label
from napari_wsss.widgets.controls.listening import listen
from napari_wsss.widgets.keys.actions import Actions
from napari_wsss.widgets.layers.viewer_sync import ViewerSync

PERCENT = 100
NOTHING_YET = "Nothing scribbled yet. One short stroke per thing, one on the background."
SCOPES = (("around", "around the scribbles"), ("whole", "the whole image"))


class PropagateBox(QWidget):
    """Buttons for scribbling and propagating, and how far a result reaches."""

    def __init__(self, session: Session, sync: ViewerSync, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._sync, self._actions = session, sync, actions
        self.scribble = QCheckBox("Scribble")
        self.scribble.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.scribble.clicked.connect(self._on_scribble)
        self.go = button("Propagate", lambda: actions.run("propagate"))
        self.go.setStyleSheet("QPushButton { font-weight: bold; }")
        self.clear = button("Clear", sync.scribbles.clear, "Rub out all scribbles of this image; Ctrl+Z takes it back")
        self.scope = combo(SCOPES, self._on_scope)
        self.scope.setToolTip("Whether the mask may change only where it hangs together with a scribble")
        self.strength = self._strength_slider()
        self.percent = text_label(wrap=False)
        self.said = text_label(quiet=True)
        self.add = button("Add label", self._add_labels, "What is scribbled is in the image, so it is a label of it")
        self._lay_out()
        self._connect()
        self._name_keys()
        self._show_strength()
        self.refresh()

    def _lay_out(self) -> None:
        layout = row(self.scribble, self.go, self.clear)
        layout.setStretch(1, 2)
        reach = row(text_label("Changes", wrap=False), self.scope)
        reach.setStretch(1, 1)
        self.setLayout(
            column(
                layout,
                reach,
                row(text_label("Trust in maps", wrap=False), self.strength, self.percent),
                self.said,
                row(self.add, 1),
            )
        )

    def _strength_slider(self) -> QSlider:
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setRange(0, PERCENT)
        slider.setValue(round(DEFAULT_STRENGTH * PERCENT))
        slider.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        slider.setToolTip("How much the activation maps say beside the scribbles; 0 asks scribbles and colours alone")
        slider.valueChanged.connect(self._on_strength)
        # Let go: the scribbles there are propagated again.
        slider.sliderReleased.connect(self._again)
        WheelGuard.protect(slider)
        return slider

    def _connect(self) -> None:
        session = self._session
        listen(
            self,
            (session.signals.image_changed, self._on_image),
            (session.signals.maps_ready, self._on_image),
            (session.signals.labels_changed, self._on_image),
            (session.signals.project_closed, self.refresh),
            (session.scribbles.recorded, self._on_image),
            (session.scribbles.replaced, self._on_image),
            (session.propagation.busy_changed, self._show_busy),
        )
        self._sync.scribbles.changed.connect(self.refresh)
        self._actions.table_changed.connect(self._name_keys)

    def _name_keys(self) -> None:
        keyed = self._actions.with_key
        self.scribble.setText(keyed("Scribble", "scribble"))
        self._show_busy(self._session.propagation.busy)
        self.scribble.setToolTip("Scribble instead of painting the mask; digits choose the class, 0 is background")
        self.go.setToolTip("Make a mask from the scribbles; one undo step")

    def _on_image(self, _image_id: str = "") -> None:
        self.refresh()

    def refresh(self) -> None:
        """Show what is scribbled on the shown image."""
        session, scribbles = self._session, self._session.scribbles
        table = session.shown_table
        usable = table is not None and not table.project.read_only
        self.scribble.setEnabled(usable)
        self.scribble.setChecked(self._sync.scribbles.painted is not None)
        self.go.setEnabled(usable and scribbles.any)
        self.clear.setEnabled(usable and scribbles.any)
        has_maps = table is not None and table.maps is not None
        self.strength.setEnabled(has_maps)
        self.percent.setEnabled(has_maps)
        self.said.setText(f"Scribbled: {', '.join(scribbles.classes)}" if scribbles.any else NOTHING_YET)
        missing = scribbles.unlabelled
        self.add.setVisible(bool(missing))
        quoted = ", ".join(f"'{name}'" for name in missing)
        self.add.setText(f"Add {quoted} to the labels")

    def _show_busy(self, busy: bool) -> None:
        self.go.setText("Propagating …" if busy else self._actions.with_key("Propagate", "propagate"))

    def _on_scribble(self) -> None:
        self._actions.run("scribble")
        self.refresh()  # also where it was refused

    def _on_scope(self, scope: str) -> None:
        self._session.propagation.around = scope == "around"

    def _on_strength(self, percent: int) -> None:
        self._session.propagation.strength = percent / PERCENT
        self._show_strength()

    def _show_strength(self) -> None:
        self.percent.setText(f"{self.strength.value()} %")

    def _again(self) -> None:
        if self._session.scribbles.any:
            self._actions.run("propagate")

    def _add_labels(self) -> None:
        for name in self._session.scribbles.unlabelled:
            self._session.labels.add(name)
