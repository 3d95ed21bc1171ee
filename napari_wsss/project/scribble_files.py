"""The files of scribbles: ``scribbles/<image id>.png`` in the project folder, with the time they were last changed.

Scribbles older than the acceptance of their image are spent: the accepted mask says what they said, and more.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.errors import ProjectError
from napari_wsss.core.files import publish, read_regular
from napari_wsss.core.inside import below, not_through_links
from napari_wsss.core.masks import decode_mask, encode_mask
from napari_wsss.core.scribbles import counted
from napari_wsss.project.kept.mask_copies import into_trash
from napari_wsss.project.project import Project

FOLDER = "scribbles"
TIME_TEXT = "wsss-time"


def scribble_path(project: Project, image_id: str) -> Path:
    """Return where the scribbles of an image lie (the file may not exist)."""
    return below(project.folder / FOLDER, f"{image_id}.png")


def scribbled(project: Project) -> Iterator[str]:
    """Yield the ids of the images that have scribbles, spent ones too."""
    folder = project.folder / FOLDER
    for path in folder.rglob("*.png"):
        yield path.relative_to(folder).as_posix().removesuffix(".png")


def newest_scribbles(project: Project) -> float:
    """Return when scribbles were last written, seconds since 1970; 0 where nobody scribbled on any image."""
    return max((path.stat().st_mtime for path in (project.folder / FOLDER).rglob("*.png")), default=0.0)


def read_scribbles(project: Project, image_id: str) -> NDArray[np.uint8] | None:
    """Return the scribbles (H, W) uint8 of an image (see `core.scribbles`), None where there are none that count.

    Raises
    ------
    ProjectError
        When the file is damaged.
    """
    path = scribble_path(project, image_id)
    try:
        content = read_regular(path)
    except FileNotFoundError:
        return None
    except OSError as reason:
        raise ProjectError(f"The scribbles {path} cannot be read ({reason.strerror}).") from reason
    values, text = decode_mask(content, str(path))
    values = counted(values, project.classes)
    spent = float(text.get(TIME_TEXT, 0)) <= project.journal.accepted_at(image_id)
    return None if spent or not values.any() else values


def write_scribbles(project: Project, image_id: str, values: NDArray[np.uint8], when: float | None = None) -> None:
    """Write the scribbles (H, W) uint8 of an image, as made now or at `when` (seconds since 1970).

    None leave no file: the one there goes into ``trash``.

    Raises
    ------
    OSError
        When the file cannot be written.
    """
    path = scribble_path(project, image_id)
    not_through_links(project.folder, path.parent)
    if not values.any():
        if path.exists():
            into_trash(project.folder, path)
        return
    text = {TIME_TEXT: repr(time.time() if when is None else when)}
    with publish(path) as file:
        file.write(encode_mask(values, project.classes, text))
