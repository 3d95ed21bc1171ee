"""A copy of a person's work in another folder: for when the project's own disk is full, gone or read-only.

The copy is a project of its own: database, masks, drafts and scribbles, without results and runs, which are made again.
"""

from pathlib import Path

from napari_wsss.core.errors import ProjectError
from napari_wsss.core.files import publish_bytes, read_regular
from napari_wsss.core.inside import below
from napari_wsss.project.mask_files import accepted_name, draft_name
from napari_wsss.project.project import FILE_NAME, Project
from napari_wsss.project.scribble_files import scribble_path


def copy_work(project: Project, folder: Path) -> Project:
    """Write a person's work into `folder` and return the copy, open for writing.

    Parameters
    ----------
    project : Project
        Is only read.
    folder : Path
        Made when missing; it must not hold a project.

    Raises
    ------
    ProjectError, OSError
        When there is a project, or the disk there refuses too.
    """
    if (folder / FILE_NAME).exists():
        raise ProjectError(f"{folder} already holds a project; choose an empty folder for the copy.")
    folder.mkdir(parents=True, exist_ok=True)
    for image_id in project.catalog.ids():
        _copy_masks(project, image_id, folder)
    project.copy_database(folder / FILE_NAME)  # last: a copy that broke off is none
    return Project.open(folder)


def _copy_masks(project: Project, image_id: str, folder: Path) -> None:
    names = (accepted_name(image_id), draft_name(image_id))
    for name, content in zip(names, project.masks.files.contents(*names), strict=True):
        if content is not None:
            publish_bytes(below(folder, name), content)
    scribbles = scribble_path(project, image_id)
    if scribbles.is_file():
        publish_bytes(folder / scribbles.relative_to(project.folder), read_regular(scribbles))
