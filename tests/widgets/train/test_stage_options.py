"""Stage, method and options of a training, the form described by a child process (here by plain data)."""

from __future__ import annotations

import importlib.util

import pytest

from napari_wsss.core.errors import StepError
from napari_wsss.core.parameters import check
from napari_wsss.core.progress import finish
from napari_wsss.core.registry import load_method, method_names, method_title
from napari_wsss.session.runs import questions
from napari_wsss.session.runs.recommended import recommended
from napari_wsss.widgets.controls.parameter_form import ParameterForm
from napari_wsss.widgets.controls.parameter_form import described as described_by
from napari_wsss.widgets.train import stage_options
from napari_wsss.widgets.train.stage_options import StageOptions

RATES = {"auto": 0.01, "pretrained": 0.01, "reference": 0.1}


def described(stage, chosen):
    yield from ()
    preset = chosen.get("preset", "auto")
    return [
        {"name": "preset", "default": preset, "title": "Preset", "choices": list(RATES)},
        {"name": "learning_rate", "default": RATES[preset], "title": "Learning rate", "minimum": 0.0, "maximum": 1.0},
        {"name": "epochs", "default": 5, "title": "Epochs", "minimum": 1, "maximum": 100},
        {"name": f"{chosen.get('method', 'usual')}_weight", "default": 1.0, "title": "Weight"},
    ]


@pytest.fixture
def options(session, qtbot, monkeypatch):
    monkeypatch.setattr(stage_options, "describe_stage", described)
    made = StageOptions(session)
    qtbot.addWidget(made)
    made.show_form()
    qtbot.waitUntil(lambda: made.form is not None, timeout=20000)
    return made


def choose(widget, value, qtbot, options):
    widget.setCurrentIndex(widget.findData(value))
    widget.activated.emit(widget.currentIndex())
    options._on_choice() if widget is options.method else options._on_stage()
    qtbot.waitUntil(lambda: options.form is not None, timeout=20000)


def test_nothing_chosen_means_nothing_typed(options):
    assert options.options() == {}


def test_every_method_of_the_shelf_can_be_chosen(options):
    names = {options.method.itemData(row) for row in range(options.method.count())}

    assert names == set(method_names("localize"))
    assert options.method.currentData() == "cam"
    assert options.method.currentText() == "CAM"


def test_what_to_know_of_a_method_stands_beside_it(options, qtbot):
    assert options.advice.isHidden()
    choose(options.method, "edam", qtbot, options)

    assert not options.advice.isHidden()
    assert options.advice.text() == load_method("localize", "edam").advice


def test_what_did_better_with_so_many_masks_is_said(options, session, qtbot):
    choose(options.stage, "segmentation", qtbot, options)

    accepted = session.project.catalog.counts().get("accepted", 0)
    title = method_title("segment", recommended("segmentation", accepted))
    assert options.advice.text().endswith(f"Measured best with {accepted} accepted masks: {title}.")
    choose(options.method, recommended("segmentation", accepted), qtbot, options)
    assert "Measured best" not in options.advice.text()


def test_another_stage_has_its_own_methods_and_form(options, qtbot):
    options.form.fields["epochs"].value = 9
    choose(options.stage, "segmentation", qtbot, options)

    assert options.choice.method == "deeplab_v3"
    assert options.options() == {}
    choose(options.stage, "classifier", qtbot, options)
    assert options.options() == {"epochs": 9}


def test_stages_of_one_shelf_offer_the_methods_they_train(options, qtbot):
    offered = {}
    for stage in ("affinity", "boundary"):
        choose(options.stage, stage, qtbot, options)
        offered[stage] = {options.method.itemData(row) for row in range(options.method.count())}

    assert "affinity_net" in offered["affinity"]
    assert offered["boundary"] == {"boundary_net"}
    assert not offered["affinity"] & offered["boundary"]


def test_another_preset_shows_its_values_and_keeps_what_was_changed_by_hand(options, qtbot):
    options.form.fields["epochs"].value = 9
    options.form.fields["preset"].value = "reference"
    qtbot.waitUntil(lambda: options.form is not None, timeout=20000)

    assert options.form.fields["learning_rate"].value == pytest.approx(0.1)
    assert options.options() == {"preset": "reference", "epochs": 9}
    options.form.fields["preset"].value = "auto"
    assert options.form.fields["learning_rate"].value == pytest.approx(0.01)
    assert options.options() == {"epochs": 9}


def test_what_could_not_be_asked_is_said_and_asked_again(session, qtbot, monkeypatch):
    def missing(stage, chosen):
        yield from ()
        raise StepError("no torch here")

    monkeypatch.setattr(stage_options, "describe_stage", missing)
    made, said = StageOptions(session), []
    qtbot.addWidget(made)
    made.said.connect(said.append)
    made.show_form()
    qtbot.waitUntil(lambda: "no torch here" in said, timeout=20000)
    monkeypatch.setattr(stage_options, "describe_stage", described)
    made.show_form()
    qtbot.waitUntil(lambda: made.form is not None, timeout=20000)


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="the stage itself needs torch")
def test_what_a_stage_really_says_becomes_a_form(qtbot):
    fields = finish(questions.describe_stage("classifier"))
    once = list({entry["name"]: entry for entry in fields}.values())
    form = ParameterForm(check(described_by("classifier", once)))
    qtbot.addWidget(form)
    assert set(form.fields) == {entry["name"] for entry in fields}
    assert form.values() == {}
