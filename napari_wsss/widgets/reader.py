"""napari's way to us: a project (its folder or ``project.sqlite``) opens the dock; photographs begin a new one."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QTimer

from napari_wsss.project.project import Project
from napari_wsss.session.dropped import Dropped, what_is
from napari_wsss.widgets.layers.looks import TAG

if TYPE_CHECKING:
    from napari_wsss.widgets.dock import WsssDock

LayerData = tuple[Any, dict[str, Any], str]


def get_reader(path: str | Path | Sequence[str | Path]) -> Callable[[Any], list[LayerData]] | None:
    """Return a reader for a project (its folder or ``project.sqlite``) and for a folder of photographs, else None."""
    found = what_is([Path(path)]) if isinstance(path, str | Path) else None
    if found is None or found.kind in ("labels", "unsure"):
        return None
    if found.kind == "project":
        return lambda _path: open_in_viewer(found.path)
    return lambda _path: begin_in_viewer(found)


def begin_in_viewer(found: Dropped) -> list[LayerData]:
    """Have the dock begin a new project as soon as Qt is idle; no layer is made."""
    QTimer.singleShot(0, lambda: _begin_in_dock(found))
    return [(None,)]  # type: ignore[list-item]  # npe2's sign for "read, but nothing to show"


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


def _dock() -> "WsssDock | None":
    import napari

    from napari_wsss.widgets.dock import open_dock

    viewer = napari.current_viewer()
    return open_dock(viewer) if viewer is not None else None


def _open_dock(folder: Path) -> None:
    dock = _dock()
    if dock is not None:
        dock.open_project(folder)


def _begin_in_dock(found: Dropped) -> None:
    dock = _dock()
    if dock is not None:
        dock.take_dropped(found)
