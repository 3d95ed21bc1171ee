"""napari's *Open sample*: generates the sample project once into the user's cache folder and opens it."""

from napari_wsss.widgets.project.sample import cache_folder, sample_project
from napari_wsss.widgets.reader import LayerData, open_in_viewer


def open_sample() -> list[LayerData]:
    """Return the sample's first image as a layer and open the dock on the sample project."""
    return open_in_viewer(sample_project(cache_folder()))
