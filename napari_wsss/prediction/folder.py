"""A trained network on every picture of a folder: past bad ones, from where it broke off, shared with other processes.

The target folder says what lies in it (`prediction.lines`); the loop over pictures, and who does which of them where
several work on one folder, are those of a project's stages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.classes import BACKGROUND
from napari_wsss.core.errors import ProjectError
from napari_wsss.core.files import publish_bytes
from napari_wsss.core.inside import below
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.progress import Steps
from napari_wsss.exchange.lists.class_lists import CLASS_LIST
from napari_wsss.pipeline.applied_model import RunError
from napari_wsss.pipeline.over_images import Outcome, StageReport, Write, over_images
from napari_wsss.pixels.by_window import is_large
from napari_wsss.pixels.images import content_hash, read_image, result_names
from napari_wsss.prediction.large import predict_large
from napari_wsss.prediction.lines import Lines
from napari_wsss.prediction.predictor import Predictor
from napari_wsss.prediction.written import LARGE, MASKS, Wanted, places_of, write_prediction
from napari_wsss.project.sharing.share import LEASES, WHOLE, Part, Share

STAGE = "predict"


@dataclass(frozen=True)
class Job:
    """What is to be predicted, and where it goes.

    Parameters
    ----------
    pictures : Path
        Their folder.
    ids : sequence of str
        All pictures of the folder, relative to it.
    labels : mapping of str to names
        Image-level labels by picture; those without an entry are not constrained. Names the model does not know count
        for nothing.
    target : Path
        The folder that is written.
    wanted : Wanted
    key : str
        Of model and settings: other results are not taken for these.
    overwrite : bool
        Replace results of other models or settings, and files of others.
    part : Part
        Which part of the pictures this process is responsible for, where several are.
    """

    pictures: Path
    ids: Sequence[str]
    labels: Mapping[str, frozenset[str]]
    target: Path
    wanted: Wanted
    key: str
    overwrite: bool = False
    part: Part = WHOLE

    @property
    def leases(self) -> Path:
        """Where the leases lie of those who make the same."""
        return below(self.target, f".{LEASES}/{STAGE}-{self.key}")


def predict_folder(predictor: Predictor, job: Job, ids: Share | Sequence[str] | None = None) -> Steps[StageReport]:
    """Predict pictures of a job, those that were predicted before count as reused; closing it ends after a picture.

    Parameters
    ----------
    predictor : Predictor
    job : Job
    ids : Share or sequence of str, optional
        What this process does of the job, beside others; or just these pictures; all of them without it.

    Raises
    ------
    ProjectError
        When the target folder holds results of another model or other settings, and `Job.overwrite` is off.
    OSError
        When results cannot be written (a full disk).
    """
    job.target.mkdir(parents=True, exist_ok=True)
    lines = Lines(job.target, job.part)
    if lines.keys - {job.key} and not job.overwrite:
        raise ProjectError(
            f"{job.target} holds predictions of another model, or with other settings. Choose another folder, or "
            "allow that they are replaced (--overwrite)."
        )
    classes = predictor.classes
    publish_bytes(job.target / CLASS_LIST, "\n".join([classes.name_of(BACKGROUND), *classes.names, ""]).encode())
    one = _Pictures(predictor, job, lines)
    return (yield from over_images(STAGE, job.ids if ids is None else ids, one.read, one.predict, weigh=_pixels))


@dataclass(frozen=True)
class _Ready:
    """A picture whose turn it is: its line, where its results go, and its pixels unless they are there or too many."""

    path: Path
    entry: dict[str, Any]
    places: dict[str, Path]
    is_done: bool
    is_large: bool
    image: NDArray[np.uint8] | None


def _pixels(ready: _Ready) -> int:
    return 0 if ready.image is None else ready.image.shape[0] * ready.image.shape[1]


class _Pictures:
    """The pictures of a job, one after the other."""

    def __init__(self, predictor: Predictor, job: Job, lines: Lines) -> None:
        self._predictor, self._job, self._lines = predictor, job, lines
        self._names = dict(zip(job.ids, result_names(job.ids), strict=True))

    def read(self, image_id: str) -> _Ready:
        """Read what a picture's prediction needs.

        Raises
        ------
        WsssError, OSError
            When it cannot be read.
        """
        job, name = self._job, self._names[image_id]
        path = below(job.pictures, image_id)
        labels = job.labels.get(image_id)
        entry: dict[str, Any] = {"picture": image_id, "content": content_hash(path), "name": name, "key": job.key}
        entry["labels"] = None if labels is None else sorted(labels)
        large = is_large(path)
        places = places_of(job.target, name, self._predictor.kind, job.wanted)
        if large:  # a mask alone: maps of every class would not fit anywhere
            places = {MASKS: below(job.target, f"{MASKS}/{name}{LARGE[job.wanted.large]}")}
        entry["files"] = sorted(place.relative_to(job.target).as_posix() for place in places.values())
        done = self._is_done(entry, places)
        return _Ready(path, entry, places, done, large, None if done or large else read_image(path).pixels)

    def _is_done(self, entry: dict[str, Any], places: Mapping[str, Path]) -> bool:
        there = [place.exists() for place in places.values()]
        if any(there) and not self._lines.fits(entry):  # by another worker, since this one began?
            self._lines.look_again()
        return all(there) and self._lines.fits(entry)

    def predict(self, ready: _Ready, write: Write) -> Steps[Outcome]:
        """Make a picture's prediction, and have it written.

        Raises
        ------
        WsssError
            When it cannot be made, or its files are somebody else's.
        """
        yield from ()
        if ready.is_done:
            return Outcome(is_reused=True)
        labels = self._job.labels.get(ready.entry["picture"])
        classes = self._predictor.classes
        present = None if labels is None else classes.indices(labels & set(classes.names))
        if ready.image is None:
            self._claim(ready)
            predict_large(self._predictor, ready.path, present, ready.places[MASKS])
        else:
            write(self._write, ready, self._predictor.predict(ready.image, present))
        return Outcome(is_reused=False)

    def _write(self, ready: _Ready, maps: ActivationMaps) -> None:
        self._claim(ready)
        try:
            write_prediction(ready.places, maps, self._predictor.classes)
        except OSError as reason:
            raise RunError(reason) from reason  # a full disk says nothing about this picture

    def _claim(self, ready: _Ready) -> None:
        try:
            self._lines.claim(ready.entry, ready.places.values(), overwrite=self._job.overwrite)
        except OSError as reason:
            raise RunError(reason) from reason
