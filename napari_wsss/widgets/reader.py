"""napari's way to our projects: dropping a project folder or its ``project.sqlite`` opens the dock on it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from qtpy.QtCore import QTimer

from napari_wsss.project.project import Project
from napari_wsss.widgets.layers.looks import TAG

DATABASE = "project.sqlite"
LayerData = tuple[Any, dict[str, Any], str]


def get_reader(path: str | Path | Sequence[str | Path]) -> Callable[[Any], list[LayerData]] | None:
    """Return a reader for a project folder or its ``project.sqlite``, None for everything else."""
    if not isinstance(path, str | Path):
        return None
    folder = project_folder(Path(path))
    return None if folder is None else lambda _path: open_in_viewer(folder)


def project_folder(path: Path) -> Path | None:
    """Return the project folder that `path` names, None when it names none."""
    if path.name == DATABASE and path.is_file():
        return path.parent
    return path if (path / DATABASE).is_file() else None


def open_in_viewer(folder: Path) -> list[LayerData]:
    """Return the project's first image as a layer and have the dock open on the project as soon as Qt is idle.

    The dock takes the layer over; where there is no window (``napari.components.ViewerModel``), it stays an image.
    """
    layers = _first_image(folder)
    QTimer.singleShot(0, lambda: _open_dock(folder))
    return layers


def _first_image(folder: Path) -> list[LayerData]:
    with Project.open_to_read(folder) as project:
        first = next(iter(project.catalog.ids()), None)
        if first is None:
            return [(None,)]  # type: ignore[list-item]  # npe2's sign for "read, but nothing to show"
        pixels = project.load_image(first).pixels
    return [(pixels, {"name": "image", "rgb": True, "metadata": {TAG: "image"}}, "image")]


def _open_dock(folder: Path) -> None:
    import napari

    from napari_wsss.widgets.dock import open_dock

    viewer = napari.current_viewer()
    if viewer is not None:
        open_dock(viewer).open_project(folder)
