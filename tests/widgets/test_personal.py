"""A changed preference is seen at once: in layers, keys, queue, hint and device."""

from __future__ import annotations

import pytest
from qtpy.QtCore import QLocale, QObject, Signal
from qtpy.QtWidgets import QApplication, QDialog, QDoubleSpinBox

from napari_wsss.widgets import personal, preferences
from napari_wsss.widgets.pages import Pages
from napari_wsss.widgets.personal import PersonalChoices


class ToldByHand(QObject):
    """Stands for napari's settings, which `test_preferences` tries."""

    changed = Signal(str)


@pytest.fixture
def chosen(monkeypatch):
    """Return a mapping whose entries are the preferences that differ from the defaults."""
    own = {}
    monkeypatch.setattr(preferences, "Watch", lambda parent: ToldByHand(parent))
    monkeypatch.setattr(preferences, "value", lambda group, name: own.get(name, preferences.DEFAULTS[group][name]))
    return own


@pytest.fixture
def panel(session, sync, actions, chosen, qtbot):
    chosen.update(device="cpu", hint_every=5, look_ahead=2)
    pages = Pages(session, sync, actions)
    qtbot.addWidget(pages)
    made = PersonalChoices(session, sync, actions, pages)
    made.pages = pages
    assert pages.made == []  # none is made only to be told
    return made


def change(panel: PersonalChoices, chosen: dict, **values: object) -> None:
    chosen.update(values)
    for name in values:
        panel._watch.changed.emit(name)


def test_they_are_laid_over_what_is_there(panel, chosen, session, sync, actions):
    assert (session.settings.device, session.hint.every, session.settings.ahead) == ("cpu", 5, 2)
    assert personal.preferences.device() == "cpu"
    assert panel.pages.project.device.currentData() == "cpu"
    change(panel, chosen, device="cuda", hint_every=0, look_ahead=9)
    assert (session.settings.device, session.hint.every, session.settings.ahead) == ("cuda", 0, 9)
    assert panel.pages.project.device.currentData() == "cuda"
    zoom = sync.camera.zoom
    change(panel, chosen, brush_size=133, mask_opacity=0.3)
    assert (sync.mask.brush_size, sync.mask.opacity) == (round(133 / zoom), pytest.approx(0.3))
    sync.scribbles.choose(True)
    change(panel, chosen, scribble_size=79)
    assert sync.scribbles.layer.brush_size == round(79 / zoom) > 1
    told = []
    actions.table_changed.connect(lambda: told.append(1))
    change(panel, chosen, digits_mean_classes=False, toast_after=3)
    assert told
    assert not any(entry.action.startswith("value_") for entry in actions.table)


def test_napari_s_own_number_fields_read_what_is_typed(panel, qtbot):
    class PreferencesDialog(QDialog):
        """Stands for napari's, which takes seconds to open."""

    dialog = PreferencesDialog()
    qtbot.addWidget(dialog)
    field = QDoubleSpinBox(dialog)
    field.setLocale(QLocale("de_DE"))
    QApplication.instance().focusChanged.emit(None, field)
    field.lineEdit().selectAll()
    for one in "0.25":
        field.lineEdit().insert(one)
    assert field.value() == 0.25


def test_rows_of_the_queue_grow_and_shrink(panel, chosen):
    change(panel, chosen, queue_pictures="large")
    heights, queue = [], panel.pages.review.queue
    largest = queue.view.sizeHintForRow(0)
    for size in ("none", "small", "medium", "large"):
        change(panel, chosen, queue_pictures=size)
        heights.append(queue.view.sizeHintForRow(0))
    assert heights == sorted(set(heights))
    assert largest == heights[-1]
