"""What the project knows about one image."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from napari_wsss.core.errors import LabelError, ProjectError
from napari_wsss.core.inside import why_not_plain
from napari_wsss.project.states import State

SPLITS = ("", "train", "val")


@dataclass(frozen=True)
class ImageRecord:
    """What the project knows about one image.

    Parameters
    ----------
    id : str
        Posix path relative to the image root when the image was added, with suffix; never changes.
    path : str
        Posix path relative to the image root now; differs from `id` when the file was found again elsewhere.
    labels : frozenset of str
        Image-level labels by class name.
    state : str
        One of `STATES`.
    split : str
        "train", "val" or "" (not assigned).
    note : str
        The reviewer's remark.
    stale, label_changed, disagrees, replaced : bool
        Proposal older than the model; labels edited by a person; model disagrees with the accepted mask; the
        image file's content changed since results were made.
    content_hash : str
        SHA-256 of the file, "" while never read.
    score : float, optional
        Queue score (uncertainty).
    edited : float, optional
        Share of pixels in [0, 1] that a person changed in the proposal before accepting; None before that.
    changed : float, optional
        1 - mean IoU between the proposal and the one of the model applied before, in [0, 1]; None when unknown.
    borrowed_from : str
        Id of the image whose correction the proposal was taken over from, "" for none.
    doubtful : frozenset of str
        Labelled classes that the machine would have left out of the proposal, or grown over the whole picture: their
        surest region was kept.
    """

    id: str
    path: str
    labels: frozenset[str]
    state: State
    split: str = ""
    note: str = ""
    stale: bool = False
    label_changed: bool = False
    disagrees: bool = False
    content_hash: str = ""
    score: float | None = None
    replaced: bool = False
    edited: float | None = None
    changed: float | None = None
    borrowed_from: str = ""
    doubtful: frozenset[str] = frozenset()


@dataclass(frozen=True)
class NewImage:
    """An image to add: its id is its posix path relative to the image root."""

    id: str
    labels: frozenset[str] = frozenset()
    split: str = ""


def check_new(image: NewImage, classes: Mapping[str, int]) -> None:
    """Raise `ProjectError` for an id that is no plain relative path or a wrong split, `LabelError` for its labels."""
    reason = why_not_plain(image.id)
    if reason:
        raise ProjectError(
            f"The image id {image.id!r} is not a plain path below the image folder ({reason}); expected 'day1/cat.jpg' "
            "or so."
        )
    check_labels(image.id, image.labels, classes)
    check_split(image.id, image.split)


def check_labels(image_id: str, labels: Collection[str], classes: Mapping[str, int]) -> None:
    """Raise `LabelError` when a label is not a class of the project."""
    unknown = sorted(set(labels) - set(classes))
    if unknown:
        raise LabelError(
            f"{image_id} is labelled {', '.join(unknown)}, which the project has no class for; known classes: "
            f"{', '.join(classes)}. Add the class first or correct the label."
        )


def check_split(image_id: str, split: str) -> None:
    """Raise `ProjectError` when `split` is none of `SPLITS`."""
    if split not in SPLITS:
        raise ProjectError(f"The split of {image_id} is {split!r}; expected 'train', 'val' or '' (none).")
