"""A trained network on every picture of a folder: several at once, past bad ones, from where it broke off.

The target folder keeps ``predictions.jsonl``: a line per picture, written before its files, with the content and labels
they were made of and the key of model and settings. What fits its line is not computed again; what is there without a
line is somebody else's, and is left alone.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Any

from napari_wsss.core.classes import BACKGROUND
from napari_wsss.core.errors import ProjectError, WsssError
from napari_wsss.core.files import MOST_BYTES, parsed_object, publish_bytes, read_regular, text, texts
from napari_wsss.core.inside import below
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.exchange.class_lists import CLASS_LIST
from napari_wsss.pixels.images import content_hash, read_image, result_names
from napari_wsss.prediction.large import is_large, predict_large
from napari_wsss.prediction.predictor import Predictor
from napari_wsss.prediction.written import MASKS, Wanted, places_of, write_prediction

STAGE = "predict"
LINES = "predictions.jsonl"
_WAITING = 2  # pictures handed out ahead, for each worker


@dataclass(frozen=True)
class Job:
    """What is to be predicted, and where it goes.

    Parameters
    ----------
    pictures : Path
        Their folder.
    ids : sequence of str
        Pictures, relative to it.
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
    workers : int
        Pictures at once.
    """

    pictures: Path
    ids: Sequence[str]
    labels: Mapping[str, frozenset[str]]
    target: Path
    wanted: Wanted
    key: str
    overwrite: bool = False
    workers: int = 1


@dataclass
class PredictReport:
    """What became of each picture: computed, kept because it was there, or failed with the reason."""

    done: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """Pictures that something became of."""
        return len(self.done) + len(self.kept) + len(self.failed)

    def summary(self) -> str:
        """Return the counts, and every picture that failed, as lines."""
        counts = f"{len(self.done)} predicted, {len(self.kept)} were there already, {len(self.failed)} failed."
        return "\n".join([counts, *(f"failed: {name}: {reason}" for name, reason in self.failed.items())])


def predict_folder(predictor: Predictor, job: Job) -> Steps[PredictReport]:
    """Predict every picture of a job and return the report; closing it ends after the pictures that are running.

    Raises
    ------
    ProjectError
        When the target folder holds results of another model or other settings, and `Job.overwrite` is off.
    OSError
        When results cannot be written (a full disk).
    """
    lines = _Lines.of(job)
    classes = predictor.classes
    publish_bytes(job.target / CLASS_LIST, "\n".join([classes.name_of(BACKGROUND), *classes.names, ""]).encode())
    report, one = PredictReport(), _Picture(predictor, job, lines)
    names = iter(zip(job.ids, result_names(job.ids), strict=True))
    yield Progress(STAGE, 0, len(job.ids))
    pool = ThreadPoolExecutor(job.workers, thread_name_prefix=STAGE)
    running: dict[Future[bool], str] = {}
    try:
        while True:
            more = islice(names, job.workers * _WAITING - len(running))
            running |= {pool.submit(one.predict, image_id, name): image_id for image_id, name in more}
            if not running:
                return report
            for ended in wait(running, return_when=FIRST_COMPLETED).done:
                image_id = running.pop(ended)
                _note(report, image_id, ended)
                yield Progress(STAGE, report.count, len(job.ids), image_id)
    finally:
        pool.shutdown(cancel_futures=True)


def _note(report: PredictReport, image_id: str, ended: Future[bool]) -> None:
    try:
        (report.done if ended.result() else report.kept).append(image_id)
    except WsssError as reason:
        report.failed[image_id] = str(reason)


@dataclass(frozen=True)
class _Picture:
    """One picture at a time; several threads do this at once."""

    predictor: Predictor
    job: Job
    lines: _Lines

    def predict(self, image_id: str, name: str) -> bool:
        """Predict a picture and return True; False when its result is there already.

        Raises
        ------
        WsssError
            When it cannot be read, or its files are somebody else's.
        """
        job, classes = self.job, self.predictor.classes
        path = below(job.pictures, image_id)
        labels = job.labels.get(image_id)
        entry: dict[str, Any] = {"picture": image_id, "content": content_hash(path), "name": name, "key": job.key}
        entry["labels"] = None if labels is None else sorted(labels)
        large = is_large(path)
        places = places_of(job.target, name, self.predictor.kind, job.wanted)
        if large:  # a mask alone: maps of every class would not fit anywhere
            places = {MASKS: below(job.target, f"{MASKS}/{name}.tif")}
        entry["files"] = sorted(place.relative_to(job.target).as_posix() for place in places.values())
        if self.lines.fits(entry) and all(place.exists() for place in places.values()):
            return False
        present = None if labels is None else classes.indices(labels & set(classes.names))
        if large:
            self.lines.claim(entry, places.values())
            predict_large(self.predictor, path, present, places[MASKS])
            return True
        maps = self.predictor.predict(read_image(path).pixels, present)
        self.lines.claim(entry, places.values())
        write_prediction(places, maps, classes)
        return True


class _Lines:
    """The lines of a target folder."""

    def __init__(self, job: Job, known: dict[str, dict[str, Any]]) -> None:
        self._job, self._known, self._lock = job, known, Lock()

    @classmethod
    def of(cls, job: Job) -> _Lines:
        """Return what a target folder says of earlier predictions, the last line of each picture."""
        known: dict[str, dict[str, Any]] = {}
        path = job.target / LINES
        for line in read_regular(path, MOST_BYTES).splitlines() if path.exists() else ():
            try:
                entry = parsed_object(line)
            except ValueError:  # torn when a computer stopped
                continue
            known[text(entry, "picture")] = entry
        others = {text(entry, "key") for entry in known.values()} - {job.key}
        if others and not job.overwrite:
            raise ProjectError(
                f"{job.target} holds predictions of another model, or with other settings. Choose another folder, or "
                "allow that they are replaced (--overwrite)."
            )
        return cls(job, known)

    def fits(self, entry: Mapping[str, Any]) -> bool:
        """Tell whether a picture was predicted from the same content and labels."""
        return self._known.get(entry["picture"]) == entry

    def claim(self, entry: Mapping[str, Any], places: Any) -> None:
        """Say that the files of a picture are ours and are about to be written; old ones of it are deleted.

        Raises
        ------
        ProjectError
            When one of them is there and is not ours.
        """
        ours = {below(self._job.target, name) for name in texts(self._known.get(entry["picture"], {}), "files")}
        strange = [place for place in places if place.exists() and place not in ours]
        if strange and not self._job.overwrite:
            raise ProjectError(f"{strange[0]} is there already and is no prediction of ours; move it, or overwrite.")
        for place in {*ours, *strange}:
            shutil.rmtree(place) if place.is_dir() else place.unlink(missing_ok=True)
        with self._lock, (self._job.target / LINES).open("a", encoding="utf-8") as file:
            file.write(f"{json.dumps(entry)}\n")
            file.flush()
            os.fsync(file.fileno())  # before its files are there
            self._known[entry["picture"]] = dict(entry)
