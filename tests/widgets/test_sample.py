"""Opening napari's sample gives its first image and opens the dock on it."""

from napari_wsss.widgets import reader, sample
from napari_wsss.widgets.project.sample import sample_project
from napari_wsss.widgets.sample import open_sample


def test_opening_it_gives_a_layer_and_opens_the_dock(tmp_path, monkeypatch, qtbot):
    opened, folder = [], tmp_path / "sample"
    sample_project(folder, images=5, size=64)
    monkeypatch.setattr(reader, "_open_dock", opened.append)
    monkeypatch.setattr(sample, "cache_folder", lambda: folder)
    [(pixels, options, kind)] = open_sample()
    assert (pixels.shape, options["name"], kind) == ((64, 64, 3), "image", "image")
    qtbot.waitUntil(lambda: opened == [folder / "project"], timeout=20000)
