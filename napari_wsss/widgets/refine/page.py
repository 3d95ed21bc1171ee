"""The Refine page: how activation maps become the proposal, and how the proposal gets into the mask.

What a person can do with it: move the background threshold, the gain of a class and every parameter of the refiners
and see the proposal follow, take a preset, take the last change back, say for which images a change counts, use this
image's values for all undecided ones, copy the proposal into the mask (one class, everything, only into empty pixels);
for all images, under a heading of their own, switch refiners on and off, drag them into another order, choose the
folder of saliency maps a step needs; look at class boundaries, have the chain held against
what it was before, compute maps for the whole queue.
"""

from pathlib import Path

from qtpy.QtCore import Qt
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QCheckBox, QFileDialog, QWidget

from napari_wsss.core.errors import StepError, WsssError
from napari_wsss.core.parameters import from_dict
from napari_wsss.core.plan import Step
from napari_wsss.core.registry import method_title
from napari_wsss.pipeline.chain import CLASS_GAIN
from napari_wsss.pipeline.lineage import has_model
from napari_wsss.session.proposals.planning import asks_for, missing_for, with_instead
from napari_wsss.session.proposals.presets import MODIFIED, NAMES, preset_of
from napari_wsss.session.results.scopes import PROJECT, parameters_class
from napari_wsss.session.session import Session
from napari_wsss.widgets.controls.basic import (
    button,
    choose,
    clear_layout,
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
from napari_wsss.widgets.controls.listening import listen
from napari_wsss.widgets.controls.parameter_form import ParameterForm
from napari_wsss.widgets.controls.plain_text import as_text
from napari_wsss.widgets.controls.stubs import certain, connect
from napari_wsss.widgets.keys.actions import Actions
from napari_wsss.widgets.refine.gain_sliders import GainSliders
from napari_wsss.widgets.refine.refiner_chain import RefinerChain
from napari_wsss.widgets.refine.threshold_slider import ThresholdSlider
from napari_wsss.widgets.train.verdict_line import VerdictLine

KEEP_AFTER_MS = 600
"""Rest after which what was tried is written into the plan, where no slider is held."""

LOOK_AFTER_MS = 80
"""Rest after which all sliders are brought after a proposal that another than the page has changed (keys)."""

WITHOUT_IMAGE = {PROJECT: "the project"}
FOR_ALL = "For all images"
"""Over what counts for every image whatever scope is chosen: which refiners run, and where saliency comes from."""


class RefinePage(QWidget):
    """Sliders, presets, refiner chain, parameters and copying of the proposal."""

    def __init__(self, session: Session, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._actions = session, actions
        self.preset = combo([(name, name) for name in (*NAMES, MODIFIED)], self._apply_preset)
        self.preset.setToolTip("Ready values for the whole chain; one change, which can be taken back")
        self.undo = button("Undo change", session.parameters.undo)
        self.judge = button(
            "Better?", self._judge, "Hold the chain against that before the last change, class by class"
        )
        self.verdict = VerdictLine(session.chain_verdicts)
        self.busy = text_label(wrap=False)
        self.scope = combo([], lambda _scope: self._on_scope())
        self.scope.setToolTip("Where a change counts: image wins over cluster, cluster over class, class over project")
        self.spread = button("", self._use_for_more)
        self.threshold = ThresholdSlider(session, self._scope)
        self.gains = GainSliders(session, self._scope)
        self.chain = RefinerChain(session, self._keep)
        self.saliency = button("Saliency folder …", self._choose_saliency, "Grey PNGs named like the images")
        self.boundary = QCheckBox("Show class boundaries")
        self.boundary.setToolTip("What random walks do not cross, by the applied network; as a layer over the image")
        self.boundary.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        connect(self.boundary.clicked, session.boundaries.show)
        self.scope_again = text_label(quiet=True)
        self._chosen_scope = "image"  # also while no image is shown that it could mean
        self.forms: dict[str, ParameterForm] = {}
        self._forms_box = QWidget()
        self._forms_box.setLayout(column())
        self._later = single_shot(self, KEEP_AFTER_MS, self._keep_unless_held)
        self._look = single_shot(self, LOOK_AFTER_MS, self._look_at_it)
        self._lay_out()
        self._connect()
        self.refresh()

    def _lay_out(self) -> None:
        session, actions = self._session, self._actions
        layout = column(
            row(text_label("Changes count for", wrap=False), self.scope),
            row(self.spread, 1),
            row(text_label("Preset", wrap=False), self.preset),
            row(self.undo, self.judge, 1),
            self.verdict,
            row(heading("Background threshold"), 1, self.busy),
            self.threshold,
            folded("Class gains", self.gains, is_open=True),
            line(),
            heading("Proposal into mask"),
            row(
                button("Copy class", lambda: actions.run("copy_class"), "Its proposed pixels; one undo step (Y)"),
                button("Copy all", lambda: actions.run("copy_all"), "The whole proposal (Shift+Y)"),
                button("Only empty", self._copy_into_empty, "Everything, but only where the mask is background"),
            ),
            line(),
            self.scope_again,
            self._forms_box,
            line(),
            heading(FOR_ALL),
            text_label("Refiners, in the order they run", quiet=True),
            self.chain,
            self.saliency,
            self.boundary,
            line(),
            heading("Maps and proposals"),
            row(
                button("Compute all", session.inference.start, "Missing maps of the queue, this image first"),
                button("This image", self._compute_this, "Maps and proposal of the image shown"),
            ),
            row(button("Refine undecided again", self._refine_again, "With the refiners above"), 1),
            1,
            margin=4,
        )
        self.setLayout(layout)

    def _connect(self) -> None:
        session = self._session
        listen(
            self,
            (session.signals.project_opened, self.refresh),
            (session.signals.project_closed, self.refresh),
            (session.signals.plan_changed, self._on_plan),
            (session.signals.classes_changed, self.refresh),
            (session.signals.image_changed, self._on_image),
            (session.signals.labels_changed, self._on_image),
            (session.signals.boundary_changed, self._show_boundary),
            (session.signals.proposal_changed, self._on_proposal),
            (session.signals.maps_ready, self._on_proposal),
            (session.signals.drawing_changed, self._show_busy),
        )
        self.threshold.settled.connect(self._keep)
        self.gains.settled.connect(self._keep)
        self._actions.about_to_run.connect(self._keep)  # "this image" means the one they were changed on

    # What is shown

    def refresh(self) -> None:
        """Show another project."""
        self._fill_scopes()
        self._show_chain()
        self._build_forms()
        self._show_sliders()
        self._show_undo()
        self._show_busy()

    def _on_plan(self) -> None:
        self._session.chain_verdicts.ask(None)  # what was said is about another chain
        self._show_chain()
        if set(self.forms) != self._chosen_methods():
            self._build_forms()
        else:
            self._show_parameters()
        self._show_sliders()
        self._show_undo()

    def _on_image(self, _image_id: str = "") -> None:
        self._fill_scopes()
        self._show_undo()
        self._look_at_it()

    def _look_at_it(self) -> None:
        """Show what counts for the shown image, unless another page covers this one: nobody should wait for it then."""
        if self.isWindow() or not self.isHidden():
            self._show_parameters()
            self._show_sliders()

    def showEvent(self, event: QShowEvent | None) -> None:
        """Show what counts for the image that another page was looked at with."""
        super().showEvent(event)
        self._look_at_it()

    def _on_proposal(self, image_id: str = "") -> None:
        if image_id not in ("", self._session.shown_id):
            return
        if self._session.sliders.is_trying:
            self._later.start()
            self.undo.setEnabled(True)
            self.judge.setEnabled(True)
        if not self._is_held():
            self.threshold.show_numbers()
            self._look.start()

    def _show_sliders(self) -> None:
        self.threshold.refresh()
        self.gains.refresh()
        self._show_preset()
        self.preset.setEnabled(self._session.project is not None)

    def _show_preset(self) -> None:
        choose(self.preset, self._preset())

    def _show_undo(self) -> None:
        change = self._session.parameters.last_change
        self.undo.setEnabled(bool(change))
        self.undo.setToolTip(as_text(f"Take back: {change}") if change else "No parameter was changed yet")
        self.judge.setEnabled(bool(change) and has_model(self._session.plan))

    def _show_busy(self) -> None:
        self.busy.setText("drawing …" if self._session.inference.is_drawing else "")
        self.busy.setToolTip("The proposal shown is the one before, or a first look at half the size")

    def _show_chain(self) -> None:
        self.chain.refresh()
        folder = self._session.plan.saliency_folder
        self.saliency.setText(f"Saliency: {Path(folder).name} …" if folder else "Saliency folder …")
        self.saliency.setVisible(asks_for(self._session.plan.refiners, "saliency"))
        self._show_boundary()

    def _show_boundary(self) -> None:
        self.boundary.setChecked(self._session.boundaries.wanted)
        self.boundary.setVisible(bool(self._session.plan.affinity_checkpoint))

    def _chosen_methods(self) -> set[str]:
        return {step.method for step in self._session.plan.refiners} - {CLASS_GAIN}

    # Scopes

    def _scope(self) -> str:
        return self.scope.currentData() or "image"

    def choose_scope(self, scope: str) -> None:
        """Let changes count for a scope, which must be one of the shown image's."""
        self._fill_scopes()  # clusters may have moved since this page was filled
        choose(self.scope, scope)
        self._on_scope()

    def _fill_scopes(self) -> None:
        self.scope.clear()
        table = self._session.shown_table
        for scope, title in (table.shown.scopes if table is not None else WITHOUT_IMAGE).items():
            self.scope.addItem(title, scope)
        choose(self.scope, self._chosen_scope)
        self._show_scope()

    def _on_scope(self) -> None:
        self._chosen_scope = self._scope()
        self._keep()
        self._show_parameters()
        self._show_scope()

    def _target(self) -> str:
        """Return the scope that this image's values can be used for: the chosen one, all undecided by default."""
        return PROJECT if self._scope() == "image" else self._scope()

    def _show_scope(self) -> None:
        """Say over the forms, a page below the choice, for what they count."""
        self.scope_again.setText(f"Parameters for {self.scope.currentText()}")
        self._show_spread()

    def _show_spread(self) -> None:
        where = "all undecided" if self._target() == PROJECT else self.scope.currentText()
        self.spread.setText(f"Use for {where}")
        self.spread.setToolTip("This image's own values, for these images too; their proposals are drawn anew")
        self.spread.setEnabled(bool(self._session.shown_id))

    def _use_for_more(self) -> None:
        self._keep()
        if self._session.parameters.use_for(self._target()):
            self._session.signals.notice.emit(
                f"{self.spread.text()}: done, proposals are drawn anew in the background."
            )

    # Trying and keeping

    def _is_held(self) -> bool:
        return self.threshold.is_held or self.gains.is_held or any(form.is_held for form in self.forms.values())

    def _keep_unless_held(self) -> None:
        if self._is_held():
            self._later.start()
        else:
            self._keep()

    def _keep(self) -> None:
        self._later.stop()
        self._session.sliders.keep()

    def _judge(self) -> None:
        self._keep()
        self._session.chain_verdicts.ask_last_change()

    def _apply_preset(self, preset: str) -> None:
        self._later.stop()
        if preset != MODIFIED:
            self._session.parameters.apply_preset(preset, self._scope())
        self._show_preset()

    def _try(self, method: str, values: dict[str, object]) -> None:
        if not self._session.shown_id:
            kept = self._session.parameters.set("refine", method, values, PROJECT)
        else:
            kept = self._session.sliders.try_parameters(method, values, self._scope())
        if kept:
            self._later.start()
        else:
            self._show_parameters()

    # Forms

    def _build_forms(self) -> None:
        layout = certain(self._forms_box.layout())
        clear_layout(layout)
        self.forms.clear()
        if self._session.project is None:
            return
        for step in self._session.plan.refiners:
            if step.method != CLASS_GAIN:  # it has its own sliders
                layout.addWidget(self._form_of(step))
        self._show_parameters()

    def _form_of(self, step: Step) -> QWidget:
        title = method_title("refine", step.method)
        try:
            cls = parameters_class("refine", step.method)
            lacking = missing_for(step.method)
        except StepError as unknown:
            return folded(title, text_label(str(unknown)))
        if lacking is not None:
            nearest = self._instead_of(step.method, lacking.instead)
            return folded(title, text_label(str(lacking)), *nearest, is_open=True)
        form = self.forms[step.method] = ParameterForm(cls())
        form.changed.connect(lambda values, method=step.method: self._try(method, values))
        form.settled.connect(self._keep)
        connect(form.forgotten, lambda name, method=step.method: self._session.parameters.forget(method, name))
        return folded(title, form, is_open=True)

    def _instead_of(self, method: str, instead: str) -> list[QWidget]:
        """Offer the step that comes nearest to one that is not installed."""

        def take() -> None:
            self._session.parameters.set_refiners(with_instead(self._session.plan.refiners, method, instead))

        title = method_title("refine", instead) if instead else ""
        return [button(f"Use {title} instead", lambda: soon(self, take))] if instead else []

    def _show_parameters(self) -> None:
        """Show what counts for the shown image, or the project's own values where that scope is chosen."""
        table = self._session.shown_table
        steps = self._session.plan.steps if self._scope() == PROJECT or table is None else table.shown.steps
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
            reasons = table.shown.why(step.method) if table is not None else ()
            form.explain({one.name: (one.place, one.is_chosen) for one in reasons})

    def _preset(self) -> str:
        plan, table = self._session.plan, self._session.shown_table
        return preset_of(plan.steps, plan) if table is None else preset_of(table.shown.steps, table.shown.plan)

    # Buttons

    def _choose_saliency(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder of saliency maps", self._session.plan.saliency_folder)
        if folder:
            self._session.parameters.set_saliency_folder(Path(folder))

    def _copy_into_empty(self) -> None:
        reason = self._actions.why_disabled("copy_all")
        if reason:
            self._session.signals.notice.emit(f"Not now: {reason}.")
        else:
            self._actions.copy(None, only_empty=True)

    def _compute_this(self) -> None:
        self._keep()
        if self._session.shown_id:
            self._session.inference.start([self._session.shown_id])

    def _refine_again(self) -> None:
        self._keep()
        self._session.inference.refine()
