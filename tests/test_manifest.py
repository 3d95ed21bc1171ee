"""What napari learns about the plugin: the one napari.yaml at the root, and that every name in it can be reached."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

npe2 = pytest.importorskip("npe2", reason="needs napari")
ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def manifest() -> Any:
    """Return the manifest as an installed napari finds it."""
    plugins = npe2.PluginManager()
    plugins.discover()
    return plugins.get_manifest("napari-wsss")


def test_the_installed_manifest_is_the_file_at_the_root() -> None:
    spec = find_spec("napari_wsss_manifest")
    assert spec is not None, "the project is not installed; run `make env`"
    folders = map(Path, spec.submodule_search_locations or ())  # an editable install adds a marker that is no folder
    assert [folder.resolve() for folder in folders if folder.is_dir()] == [ROOT]


def test_it_declares_panel_reader_and_sample(manifest: Any) -> None:
    contributions = manifest.contributions
    assert [widget.display_name for widget in contributions.widgets] == ["WSSS", "Filmstrip"]
    assert [reader.filename_patterns for reader in contributions.readers] == [["*.sqlite"]]
    assert contributions.readers[0].accepts_directories
    assert [sample.key for sample in contributions.sample_data] == ["shapes"]


def test_it_belongs_to_the_installed_version(manifest: Any) -> None:
    assert manifest.package_metadata.name == "napari-wsss"
    assert manifest.package_metadata.version


def test_the_menu_leads_to_the_panel(manifest: Any) -> None:
    panel = manifest.contributions.widgets[0].command
    assert [item.command for item in manifest.contributions.menus["napari/layers/annotate"]] == [panel]


@pytest.mark.gui
def test_every_python_name_can_be_imported(manifest: Any) -> None:
    manifest.validate_imports()


@pytest.mark.gui
def test_the_reader_leaves_other_files_alone(manifest: Any, tmp_path: Path) -> None:
    from npe2.manifest.utils import import_python_name

    command = manifest.contributions.readers[0].command
    get_reader = import_python_name(next(c for c in manifest.contributions.commands if c.id == command).python_name)
    (tmp_path / "other.sqlite").write_bytes(b"not a project")
    assert get_reader(str(tmp_path)) is None
    assert get_reader(str(tmp_path / "other.sqlite")) is None


@pytest.mark.gui
def test_the_plugin_menu_opens_the_panel(make_napari_viewer: Any) -> None:
    viewer = make_napari_viewer()
    _, widget = viewer.window.add_plugin_dock_widget("napari-wsss", "WSSS")
    assert type(widget).__name__ == "WsssDock"
