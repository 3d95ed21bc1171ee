"""The sample project on disk: generated once into the user's cache folder."""

import shutil
from pathlib import Path

from qtpy.QtCore import QStandardPaths

from napari_wsss.project.project import FILE_NAME
from napari_wsss.sample.project import generate_sample
from napari_wsss.session.creating import create_project
from napari_wsss.session.session import Session


def cache_folder() -> Path:
    """Return where the sample project is kept: the user's cache, so that it may be deleted at any time."""
    location = QStandardPaths.StandardLocation.GenericCacheLocation
    return Path(QStandardPaths.writableLocation(location)) / "napari-wsss" / "sample"


def sample_project(folder: Path, images: int = 150, size: int = 160) -> Path:
    """Return the sample project below `folder`, generated when it is not there yet.

    Parameters
    ----------
    folder : Path
        Holds the pictures (``pictures``) and the project (``project``).
    images : int
        How many pictures to generate; napari waits meanwhile, some seconds.
    size : int
        Their height and width in pixels.
    """
    pictures, project = folder / "pictures", folder / "project"
    if (project / FILE_NAME).is_file():
        return project
    shutil.rmtree(folder, ignore_errors=True)  # what an interrupted first try left behind
    generate_sample(pictures, images=images, size=size)
    report = Session().preview_labels(pictures)
    create_project(project, pictures, report).close()
    return project
