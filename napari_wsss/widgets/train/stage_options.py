"""What is trained and how: stage, method and the form of all options.

What a person can do with it: choose a network and its method, see what a run would use, change
it, start from another preset (the form then shows that preset's values; what was changed by hand stays).
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QWidget

from napari_wsss.core.registry import Shelf, declared, method_names, method_title
from napari_wsss.session.jobs import Job
from napari_wsss.session.runs.questions import describe_stage
from napari_wsss.session.runs.recommended import recommended
from napari_wsss.session.runs.trunk_weights import OPTION as WEIGHTS
from napari_wsss.session.session import Session
from napari_wsss.widgets.controls.basic import column, combo, folded, row, text_label, tool_button
from napari_wsss.widgets.controls.listening import listen
from napari_wsss.widgets.controls.parameter_form import ParameterForm, described, show_value
from napari_wsss.widgets.controls.stubs import certain
from napari_wsss.widgets.train.weights_line import FILE_TIP, asked_file

STAGES = (
    ("classifier", "Classifier (activation maps)"),
    ("segmentation", "Segmentation network"),
    ("affinity", "Affinity (for random walks)"),
    ("boundary", "Class boundaries (for random walks)"),
    ("saliency", "Saliency (background cue)"),
)
SHELVES: dict[str, tuple[Shelf, str]] = {
    "classifier": ("localize", "cam"),
    "segmentation": ("segment", "deeplab_v3"),
    "affinity": ("affinity", "affinity_net"),
    "boundary": ("affinity", "boundary_net"),
    "saliency": ("saliency", "ldf"),
}
"""Stage -> shelf of its methods and the method that is meant when none is named."""
AUTO = "auto"


class Choice(NamedTuple):
    """What decides which options there are and their values."""

    stage: str
    method: str
    preset: str

    def options(self) -> dict[str, str]:
        """Return the choice as options of the stage, without what is meant anyway."""
        named = {"method": self.method} if self.method != SHELVES[self.stage][1] else {}
        return named | ({"preset": self.preset} if self.preset != AUTO else {})


class StageOptions(QWidget):
    """Chooses a stage, a method and its options; the form is asked of a child process, which has torch.

    Attributes
    ----------
    changed : Signal()
        Stage, method or an option is another one.
    said : Signal(str)
        A line about what it is waiting for, or what went wrong; empty when all is well.
    """

    changed = Signal()
    said = Signal(str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._forms: dict[Choice, ParameterForm] = {}
        self._asked: set[Choice] = set()
        self._presets: dict[tuple[str, str], str] = {}
        self._carried: dict[Choice, dict[str, Any]] = {}  # changed by hand before another preset was chosen
        self.stage = combo(STAGES, lambda _stage: self._on_stage())
        self.method = combo((), lambda _method: self._on_choice())
        self.advice = text_label(quiet=True)
        self._form_box = QWidget()
        self._form_box.setLayout(column())
        self.setLayout(
            column(
                row(text_label("Train", wrap=False), self.stage),
                row(text_label("by", wrap=False), self.method),
                self.advice,
                folded("Options", self._form_box),
            )
        )
        listen(self, (session.trunk_weights.changed, self._show_weights))
        self._fill_methods()
        self._advise()

    @property
    def choice(self) -> Choice:
        """What is chosen."""
        stage, method = self.stage.currentData(), self.method.currentData()
        return Choice(stage, method, self._presets.get((stage, method), AUTO))

    @property
    def form(self) -> ParameterForm | None:
        """The form of what is chosen; None while it is being asked for."""
        return self._forms.get(self.choice)

    def options(self) -> dict[str, Any]:
        """Return the options that differ from what the stage would do by itself, the project's weights included."""
        form = self.form
        return self.choice.options() | (form.values() if form is not None else self._session.trunk_weights.options())

    def show_form(self) -> None:
        """Show the form of what is chosen, asking for it first where it was not seen yet."""
        self._advise()
        choice = self.choice
        for known, form in self._forms.items():
            form.setVisible(known == choice)
        if choice in self._asked or self._session.project is None:
            return
        self._asked.add(choice)
        self.said.emit("asking for the options …")
        job = Job("options", lambda: describe_stage(choice.stage, choice.options()), lane="questions", quiet=True)
        listen(
            self,
            (job.succeeded, lambda fields: self._add_form(choice, fields)),
            (job.failed, lambda message: self._no_form(choice, message)),
            until=job.ended,
        )
        self._session.jobs.submit(job)

    def _fill_methods(self) -> None:
        shelf, default = SHELVES[self.stage.currentData()]
        self.method.clear()
        for name in sorted(method_names(shelf), key=lambda name: name != default):
            if self._trains(shelf, name):
                self.method.addItem(method_title(shelf, name), name)

    def _trains(self, shelf: Shelf, name: str) -> bool:
        """Return whether the chosen stage is the one of its shelf that trains a method."""
        stages = [stage for stage, (of, _) in SHELVES.items() if of == shelf]
        return len(stages) == 1 or (declared(shelf, name, "recipe") or stages[0]) == self.stage.currentData()

    def _on_stage(self) -> None:
        self._fill_methods()
        self._on_choice()

    def _on_choice(self) -> None:
        self.show_form()
        self.changed.emit()

    def _advise(self) -> None:
        """Show what a person should know of the chosen method, and which one did better with so many masks."""
        stage, method = self.stage.currentData(), self.method.currentData()
        shelf, _ = SHELVES[stage]
        told, project = declared(shelf, method, "advice"), self._session.project
        accepted = project.catalog.counts().get("accepted", 0) if project is not None else 0
        better = recommended(stage, accepted)
        if better and better != method:
            title = method_title(shelf, better)
            told += f" Measured best with {accepted} accepted masks: {title}."
        self.advice.setText(told.strip())
        self.advice.setVisible(bool(self.advice.text()))

    def _add_form(self, choice: Choice, fields: list[dict[str, Any]]) -> None:
        form = self._forms[choice] = ParameterForm(described(choice.stage.title(), _once(fields)))
        form.show_values(self._carried.pop(choice, {}))
        if WEIGHTS in form.fields:
            form.add_beside(WEIGHTS, tool_button("…", self._choose_weights, FILE_TIP))
        self._show_weights()
        form.changed.connect(lambda values: self._on_values(choice, values))
        certain(self._form_box.layout()).addWidget(form)
        self.said.emit("")
        self._on_choice()

    def _choose_weights(self) -> None:
        chosen = asked_file(self)
        if chosen:
            self._session.trunk_weights.choose(chosen)

    def _show_weights(self) -> None:
        """Show the project's choice of weights in every form, and what is wrong with it."""
        weights = self._session.trunk_weights
        for form in self._forms.values():
            if WEIGHTS in form.fields:
                show_value(form.fields[WEIGHTS], weights.chosen)
                form.find_fault(WEIGHTS, weights.missing)

    def _no_form(self, choice: Choice, message: str) -> None:
        self._asked.discard(choice)
        self.said.emit(message)

    def _on_values(self, choice: Choice, values: Mapping[str, Any]) -> None:
        if "preset" in values and values["preset"] != choice.preset:
            self._change_preset(choice, str(values["preset"]))
        if WEIGHTS in values:
            self._session.trunk_weights.choose(str(values[WEIGHTS]))
        self.changed.emit()

    def _change_preset(self, choice: Choice, preset: str) -> None:
        form = self._forms[choice]
        by_hand = {name: value for name, value in form.values().items() if name != "preset"}
        form.reset("preset")
        self._presets[choice.stage, choice.method] = preset
        wanted = choice._replace(preset=preset)
        if wanted in self._forms:
            self._forms[wanted].show_values(by_hand)
        else:
            self._carried[wanted] = by_hand
        self.show_form()


def _once(fields: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the options without second ones of the same name."""
    return list({entry["name"]: entry for entry in reversed(fields)}.values())[::-1]
