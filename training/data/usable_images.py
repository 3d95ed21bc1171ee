"""Which images a training can use: every one is read once before the first step, and those that cannot are named."""

from collections.abc import Iterable

from napari_wsss.core.errors import WsssError
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.pixels.images import check_image, image_size
from napari_wsss.project.project import Project
from napari_wsss.project.records import ImageRecord
from training.run_folder import RunFolder

STAGE = "check"
REPORTED = 25
"""Images between two reports."""


def find_unusable(project: Project, records: Iterable[ImageRecord], run: RunFolder) -> Steps[dict[str, str]]:
    """Return the images that cannot be learned from, and why: missing, damaged, no picture, or a mask of another size.

    Parameters
    ----------
    project : Project
    records : iterable of ImageRecord
        Those that may train or validate.
    run : RunFolder
        Asked to stop, the rest is not looked at: the training stops before it needs them.
    """
    found: dict[str, str] = {}
    chosen = list(records)
    for done, record in enumerate(chosen):
        if done % REPORTED == 0:
            yield Progress(STAGE, message=f"checking image {done + 1} of {len(chosen)}")
        if run.stop_requested():
            break
        reason = why_unusable(project, record)
        if reason:
            found[record.id] = reason
    return found


def why_unusable(project: Project, record: ImageRecord) -> str:
    """Return why an image cannot be learned from, "" when it can."""
    try:
        path = project.image_path(record.id)
        check_image(path)
        mask = project.masks.read_accepted(record.id) if record.state == "accepted" else None
        size = image_size(path)
        if mask is not None and mask.shape != size:
            return f"its mask is {mask.shape[1]} x {mask.shape[0]}, the image {size[1]} x {size[0]}: was it replaced?"
    except (WsssError, OSError) as reason:
        return str(reason)
    return ""
