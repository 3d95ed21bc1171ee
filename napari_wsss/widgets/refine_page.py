"""The Refine page: how activation maps become the proposal, and how the proposal gets into the mask.

What a person can do with it: move the background threshold and see the proposal follow, switch refiners on and off
and drag them into another order, choose the folder of saliency maps a step needs, look at
class boundaries, change a step's parameters for this image, a class or the whole project, copy the proposal into the
mask (one class, everything, only into empty pixels), compute maps for the whole queue.
"""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractItemView, QCheckBox, QFileDialog, QListWidget, QListWidgetItem, QSlider, QWidget

from napari_wsss.core.errors import StepError, WsssError
from napari_wsss.core.parameters import from_dict
from napari_wsss.core.plan import Step
from napari_wsss.core.registry import method_names, method_title
from napari_wsss.session.live import SLIDER
from napari_wsss.session.planning import asks_for, parameters_class
from napari_wsss.session.session import Session
from napari_wsss.widgets.actions import Actions
from napari_wsss.widgets.controls import (
    WheelGuard,
    button,
    choose,
    column,
    combo,
    folded,
    heading,
    line,
    row,
    single_shot,
    soon,
    text_label,
)
from napari_wsss.widgets.parameter_form import ParameterForm

STEPS = 1000
METHOD = Qt.ItemDataRole.UserRole
FORM_DELAY_MS = 80


class RefinePage(QWidget):
    """Threshold, refiner chain, parameters and copying of the proposal."""

    def __init__(self, session: Session, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._actions = session, actions
        self._quiet = False
        self.slider = self._threshold_slider()
        self.threshold = text_label(wrap=False)
        self.scope = combo([], lambda _scope: self._build_forms())
        self.scope.setToolTip("Where a change counts: the image wins over the class, the class over the project")
        self.chain = self._chain_list()
        self.saliency = button("Saliency folder …", self._choose_saliency, "Grey PNGs named like the images")
        self.boundary = QCheckBox("Show class boundaries")
        self.boundary.setToolTip("What random walks do not cross, by the applied network; as a layer over the image")
        self.boundary.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.boundary.clicked.connect(session.show_boundary)
        self.forms: dict[str, ParameterForm] = {}
        self._forms_box = QWidget()
        self._forms_box.setLayout(column())
        self._pending: dict[str, dict[str, object]] = {}
        self._later = single_shot(self, FORM_DELAY_MS, self._send_parameters)
        self._lay_out()
        self._connect()
        self.refresh()

    def _lay_out(self) -> None:
        session, actions = self._session, self._actions
        keep = button("Use for project", self._keep_for_project, "Use this threshold for every image of the project")
        self.setLayout(
            column(
                heading("Background threshold"),
                row(self.slider, self.threshold),
                row(keep, 1),
                line(),
                heading("Proposal into mask"),
                row(
                    button("Copy class", lambda: actions.run("copy_class"), "Its proposed pixels; one undo step (Y)"),
                    button("Copy all", lambda: actions.run("copy_all"), "The whole proposal (Shift+Y)"),
                    button("Only empty", self._copy_into_empty, "Everything, but only where the mask is background"),
                ),
                line(),
                heading("Refiners, in the order they run"),
                self.chain,
                self.saliency,
                self.boundary,
                row(text_label("Changes count for", wrap=False), self.scope),
                self._forms_box,
                line(),
                heading("Maps and proposals"),
                row(
                    button("Compute all", session.start_inference, "Missing maps of the queue, this image first"),
                    button("This image", self._compute_this, "Maps and proposal of the image shown"),
                ),
                row(button("Refine undecided again", session.start_refine, "With the refiners above"), 1),
                1,
                margin=4,
            )
        )

    def _threshold_slider(self) -> QSlider:
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setRange(*(round(end * STEPS) for end in SLIDER))
        slider.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        slider.setToolTip("Scores below it are background; keys , and . move it by 0.02")
        slider.valueChanged.connect(self._on_slider)
        WheelGuard.protect(slider)
        return slider

    def _chain_list(self) -> QListWidget:
        chain = QListWidget()
        chain.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        chain.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        chain.setMaximumHeight(96)
        chain.setToolTip("Ticked steps run, top to bottom; drag to reorder")
        chain.itemChanged.connect(lambda _item: self._on_chain())
        chain.model().rowsMoved.connect(lambda *_: self._on_chain())
        return chain

    def _connect(self) -> None:
        session = self._session
        self._signals = [
            (session.project_opened, self.refresh),
            (session.project_closed, self.refresh),
            (session.plan_changed, self._on_plan),
            (session.classes_changed, self.refresh),
            (session.image_changed, self._on_image),
            (session.labels_changed, self._on_image),
            (session.boundary_changed, lambda _image_id: self._show_boundary()),
            (session.proposal_changed, self._on_proposal),
            (session.maps_ready, self._on_proposal),
        ]
        for signal, slot in self._signals:
            signal.connect(slot)
        self._actions.about_to_run.connect(self._send_parameters)  # "this image" means the one they were changed on

    def refresh(self) -> None:
        """Show another project."""
        self._fill_scopes()
        self._fill_chain()
        self._build_forms()
        self._show_threshold()

    def _on_plan(self) -> None:
        self._fill_chain()
        if set(self.forms) != self._chosen_methods():
            self._build_forms()
        else:
            self._show_parameters()
        self._show_threshold()

    def _on_image(self, _image_id: str = "") -> None:
        self._fill_scopes()
        self._show_parameters()
        self._show_threshold()

    def _on_proposal(self, image_id: str = "") -> None:
        if image_id in ("", self._session.current_id):
            self._show_threshold()

    # Threshold

    def _on_slider(self, position: int) -> None:
        if not self._quiet:
            self._session.set_threshold(position / STEPS)
            self._write_threshold()

    def _show_threshold(self) -> None:
        self._quiet = True
        self.slider.setValue(round(self._session.threshold * STEPS))
        self._quiet = False
        self.slider.setEnabled(self._session.maps is not None)
        self._write_threshold()

    def _write_threshold(self) -> None:
        value = self._session.threshold
        if self._session.maps is None:
            self.threshold.setText("no maps yet")
        elif value <= 0:
            self.threshold.setText("–")
        else:
            self.threshold.setText(f"{value:.2f}  (α {self._session.background_power:.2f})")

    def _keep_for_project(self) -> None:
        if self._session.keep_threshold("project"):
            self._session.notice.emit("The threshold now counts for every image without its own.")

    # Chain

    def _fill_chain(self) -> None:
        self._quiet = True
        self.chain.clear()
        chosen = [step.method for step in self._session.plan.refiners]
        for method in [*chosen, *(name for name in method_names("refine") if name not in chosen)]:
            item = QListWidgetItem(method_title("refine", method))
            item.setData(METHOD, method)
            item.setFlags((item.flags() | Qt.ItemFlag.ItemIsUserCheckable) & ~Qt.ItemFlag.ItemIsDropEnabled)
            item.setCheckState(Qt.CheckState.Checked if method in chosen else Qt.CheckState.Unchecked)
            self.chain.addItem(item)
        self.chain.setEnabled(self._session.project is not None)
        self._quiet = False
        folder = self._session.plan.saliency_folder
        self.saliency.setText(f"Saliency: {Path(folder).name} …" if folder else "Saliency folder …")
        self.saliency.setVisible(asks_for(self._session.plan.refiners, "saliency"))
        self._show_boundary()

    def _show_boundary(self) -> None:
        self.boundary.setChecked(self._session.boundary_wanted)
        self.boundary.setVisible(bool(self._session.plan.affinity_checkpoint))

    def _on_chain(self) -> None:
        if self._quiet:
            return
        items = [self.chain.item(position) for position in range(self.chain.count())]
        methods = [item.data(METHOD) for item in items if item.checkState() == Qt.CheckState.Checked]
        known = {step.method: step for step in self._session.plan.refiners}
        steps = [known.get(method, Step(method)) for method in methods]
        # Later: the list must not be rebuilt inside its own signal.
        soon(self, lambda: self._set_refiners(steps))

    def _set_refiners(self, steps: list[Step]) -> None:
        if not self._session.set_refiners(steps):
            self._fill_chain()  # refused: show what counts

    def _choose_saliency(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder of saliency maps", self._session.plan.saliency_folder)
        if folder:
            self._session.set_saliency_folder(Path(folder))

    def _chosen_methods(self) -> set[str]:
        return {step.method for step in self._session.plan.refiners}

    # Parameters

    def _fill_scopes(self) -> None:
        current = self.scope.currentData() or "image"
        record = self._session.record
        self.scope.clear()
        self.scope.addItem("this image", "image")
        for name in sorted(record.labels) if record else ():
            self.scope.addItem(f"class {name}", f"class:{name}")
        self.scope.addItem("the project", "project")
        choose(self.scope, current)

    def _build_forms(self) -> None:
        layout = self._forms_box.layout()
        while layout.count():
            widget = layout.takeAt(0).widget()
            widget.hide()
            widget.deleteLater()
        self.forms.clear()
        if self._session.project is None:
            return
        for step in self._session.plan.refiners:
            layout.addWidget(self._form_of(step))
        self._show_parameters()

    def _form_of(self, step: Step) -> QWidget:
        title = method_title("refine", step.method)
        try:
            cls = parameters_class("refine", step.method)
        except StepError as missing:
            return folded(title, text_label(str(missing)))
        form = self.forms[step.method] = ParameterForm(cls())
        form.changed.connect(lambda values, method=step.method: self._note_change(method, values))
        return folded(title, form, is_open=True)

    def _note_change(self, method: str, values: dict[str, object]) -> None:
        self._pending.setdefault(method, {}).update(values)
        self._later.start()

    def _send_parameters(self) -> None:
        self._later.stop()
        pending, self._pending = self._pending, {}
        for method, values in pending.items():
            if not self._session.set_parameters("refine", method, values, self.scope.currentData() or "image"):
                self._show_parameters()

    def _show_parameters(self) -> None:
        """Show what counts for the shown image, or the project's own values where that scope is chosen."""
        project_only = self.scope.currentData() == "project" or self._session.record is None
        steps = self._session.plan.refiners if project_only else self._session.steps
        for step in steps:
            form = self.forms.get(step.method)
            if form is None:
                continue
            try:
                from_dict(parameters_class("refine", step.method), step.parameters)
            except WsssError as wrong:
                form.problem.setText(str(wrong))
                form.problem.show()
                continue
            form.show_values(dict(step.parameters))
            form.explain({reason.name: reason.text() for reason in self._session.why(step.method)})

    def _copy_into_empty(self) -> None:
        reason = self._actions.why_disabled("copy_all")
        if reason:
            self._session.notice.emit(f"Not now: {reason}.")
        else:
            self._actions.copy(None, only_empty=True)

    def _compute_this(self) -> None:
        if self._session.current_id is not None:
            self._session.start_inference([self._session.current_id])

    def close_page(self) -> None:
        """Let go of the session."""
        for signal, slot in self._signals:
            signal.disconnect(slot, missing_ok=True)
