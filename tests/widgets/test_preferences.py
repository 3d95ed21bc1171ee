"""Preferences are those of napari's own settings: declared in napari.yaml, checked, evented; else the defaults."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from npe2 import PluginManifest

from napari_wsss.widgets import preferences
from napari_wsss.widgets.controls.listening import let_go

MANIFEST = Path(__file__).parents[2] / "napari.yaml"


@pytest.fixture
def settings(npe2pm, tmp_path, monkeypatch) -> Iterator[object]:
    """Return napari's real settings of the plugin, kept in a folder of the test."""
    import napari.settings as napari_settings

    if not hasattr(napari_settings, "get_plugin_settings"):
        pytest.skip("napari < 0.9 has no settings for plugins")
    monkeypatch.setattr(napari_settings, "_CFG_PATH", str(tmp_path / "settings.yaml"))
    monkeypatch.setattr(napari_settings, "_PLUGIN_SETTINGS", {})
    npe2pm.register(PluginManifest.from_file(MANIFEST))
    return preferences.stored()


def test_defaults_are_those_of_the_manifest() -> None:
    declared = PluginManifest.from_file(MANIFEST).contributions.configurations
    found = {
        group: {name: entry.default for name, entry in held.properties.items()} for group, held in declared.items()
    }
    assert found == preferences.DEFAULTS
    for held in declared.values():
        assert all(entry.title and entry.description for entry in held.properties.values())


@pytest.mark.usefixtures("npe2pm")
def test_without_the_plugin_in_napari_the_defaults_hold(monkeypatch) -> None:
    import napari.settings as napari_settings

    monkeypatch.setattr(napari_settings, "_PLUGIN_SETTINGS", {}, raising=False)
    assert preferences.stored() is None
    assert preferences.digits_mean_classes() is True
    assert preferences.hint_every() == 20
    assert not preferences.keep("computing", "device", "cpu")
    let_go(preferences.Watch())


def test_what_a_person_chooses_holds_at_once_and_is_told(settings, qapp, tmp_path) -> None:
    told: list[str] = []
    watch = preferences.Watch()
    watch.changed.connect(told.append)
    settings.labeling.digits_mean_classes = False
    settings.review.hint_every = 7
    assert preferences.keep("computing", "device", "cpu")
    read = (preferences.digits_mean_classes(), preferences.hint_every(), preferences.device())
    assert read == (False, 7, "cpu")
    assert told == ["digits_mean_classes", "hint_every", "device"]
    let_go(watch)
    settings.review.hint_every = 8
    assert len(told) == 3
    settings.save()
    assert "hint_every: 8" in (tmp_path / "napari-wsss.yaml").read_text()


@pytest.mark.parametrize(("group", "name", "wrong"), [("computing", "device", "tpu"), ("review", "look_ahead", 0)])
def test_impossible_values_are_refused(settings, group, name, wrong) -> None:
    with pytest.raises(ValueError, match=name):
        preferences.keep(group, name, wrong)
    assert preferences.value(group, name) == preferences.DEFAULTS[group][name]


def test_every_preference_can_be_read(settings) -> None:
    read = {
        "brush_size": preferences.brush_size(),
        "scribble_size": preferences.scribble_size(),
        "mask_opacity": preferences.mask_opacity(),
        "queue_pictures": preferences.queue_pictures(),
        "look_ahead": preferences.look_ahead(),
        "toast_after": preferences.toast_after(),
    }
    wanted = {name: value for group in preferences.DEFAULTS.values() for name, value in group.items()}
    assert read == {name: wanted[name] for name in read}
