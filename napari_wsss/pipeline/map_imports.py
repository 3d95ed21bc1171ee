"""Keeping activation maps that were made elsewhere in a project, and using them in place of a localizer."""

import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import StepError, WsssError
from napari_wsss.core.files import publish_bytes, publish_json
from napari_wsss.core.inside import below
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.pipeline.apply import apply
from napari_wsss.pipeline.imported_maps import METHOD
from napari_wsss.project.project import Project

LIST = "maps.json"


@dataclass(frozen=True)
class Kept:
    """What was kept: the list's file, the images with maps, and those without, with the reason."""

    checkpoint: Path
    done: tuple[str, ...]
    failed: dict[str, str]


def keep(project: Project, source: str, maps: Iterable[tuple[str, ActivationMaps | WsssError]]) -> Steps[Kept]:
    """Keep maps in a project; yields one `Progress` per image. `apply_kept` uses them in place of a localizer.

    Parameters
    ----------
    project : Project
    source : str
        Where they come from, in words.
    maps : iterable of (image id, maps of the image's size or why there are none)

    Raises
    ------
    StepError
        When there are none at all; nothing is changed then.
    ProjectError
        When the project is open read-only.
    """
    folder = _new_folder(project.training_folder)
    digests: dict[str, str] = {}
    failed: dict[str, str] = {}
    for position, (image_id, found) in enumerate(maps, 1):
        if isinstance(found, WsssError):
            failed[image_id] = str(found)
        else:
            content = _packed(found, project.classes)
            publish_bytes(below(folder, f"{image_id}.npz"), content)
            digests[image_id] = hashlib.sha256(content).hexdigest()
        yield Progress("maps", position, 0, image_id)
    if not digests:
        raise StepError(f"No maps of {source} can be used, so nothing was changed.")
    publish_json(folder / LIST, {"source": source, "maps": digests}, indent=1)
    return Kept(folder / LIST, tuple(digests), failed)


def apply_kept(project: Project, checkpoint: Path) -> bool:
    """Use kept maps from now on in place of a localizer; return whether proposals depend on them."""
    return apply(project, "localize", METHOD, checkpoint)


def _packed(maps: ActivationMaps, classes: ClassList) -> bytes:
    buffer = io.BytesIO()
    names = np.asarray([classes.names[k] for k in maps.classes], np.str_)
    np.savez_compressed(buffer, names=names, scores=maps.scores.astype(np.float16))
    return buffer.getvalue()


def _new_folder(training: Path) -> Path:
    """Return a new folder for maps."""
    for number in range(1, 10_000):
        folder = training / f"{METHOD}-{number}"
        if not folder.exists():
            folder.mkdir(parents=True)
            return folder
    raise StepError(f"{training} holds thousands of imports already; delete the folders {METHOD}-* that are not used.")
