"""The Python API: what `import napari_wsss as wsss` hands on. From a folder of photographs to masks in a few lines.

A project is named by its folder in every call, never held open between two: so a window, a training and a script can
work on one project in turns. What computes runs as the same stages, in a child process, as the command line and the
window run; options are theirs too, as keyword arguments with underscores.

The file is long because the manual stands in it: every name says what it takes and shows an example that is run.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from napari_wsss.commands.base import Answer, Command
from napari_wsss.commands.create import CREATE
from napari_wsss.commands.export import EXPORT
from napari_wsss.commands.import_any import IMPORT
from napari_wsss.commands.stages import TRAIN
from napari_wsss.core.errors import ParameterError, StepError
from napari_wsss.core.masks import Mask
from napari_wsss.core.plural import counted
from napari_wsss.core.progress import Progress, finish
from napari_wsss.core.sources import Source, Sources
from napari_wsss.pipeline import run as pipeline
from napari_wsss.prediction.predictor import Predictor, open_predictor
from napari_wsss.project.project import Project
from napari_wsss.session.runs.child import failed_images, run_stage
from napari_wsss.session.runs.folders import RunInfo, read_run

Told = Callable[[Progress], None]
_NAMED = 5
"""Images that a warning names, with the reason."""


@dataclass(frozen=True)
class ImageMaps:
    """Activation maps of one image.

    Parameters
    ----------
    image_id : str
        The image's path below the image folder; "" of an image that was given as an array.
    classes : tuple of str
        Names of the classes of the maps, in their order: those of its image-level labels.
    scores : (K, H, W) float32 in [0, 1]
    background : (H, W) float32 in [0, 1] or None
    """

    image_id: str
    classes: tuple[str, ...]
    scores: NDArray[np.float32]
    background: NDArray[np.float32] | None = None

    def mask(self, threshold: float = 0.3) -> NDArray[np.intp]:
        """Return for every pixel (H, W) the position + 1 of its strongest class in `classes`, 0 for background.

        Parameters
        ----------
        threshold : float in [0, 1]
            Background score where the maps have none of their own.
        """
        background = self.background if self.background is not None else np.full(self.scores.shape[1:], threshold)
        strongest: NDArray[np.intp] = np.concatenate([background[None], self.scores]).argmax(0)
        return strongest


@dataclass(frozen=True)
class Proposal:
    """A machine's mask of one image.

    Parameters
    ----------
    image_id : str
    classes : tuple of str
        All classes of the project; value k + 1 of the mask is class k.
    mask : (H, W) uint8
        0 background, k + 1 class k, 255 undecided.
    """

    image_id: str
    classes: tuple[str, ...]
    mask: Mask


def create_project(folder: Path | str, images: Path | str, **options: Any) -> Path:
    """Make a project of the photographs below a folder and their image-level labels, and return its folder.

    Parameters
    ----------
    folder : path
        The project folder to make.
    images : path
        Folder of images, or a VOC-style folder. It is never written to.
    **options
        Those of ``napari-wsss create``: ``labels`` (a table, list or folder; searched for by default), ``classes``,
        ``kind``, ``encoding``, ``every_pixel``, ``hold_out``.

    Raises
    ------
    WsssError
        When there is a project already, labels cannot be read, or there is no image.

    Examples
    --------
    >>> import napari_wsss as wsss
    >>> project = wsss.create_project("my_project", "photos", hold_out=0.25)
    >>> with wsss.open_project(project) as opened:
    ...     len(opened.catalog), opened.classes.names
    (8, ('stripehead', 'dothead', 'checkhead', 'ringhead'))
    """
    _done_by(CREATE, {"project": folder, "images": images, **options})
    return Path(folder)


def open_project(folder: Path | str, *, read_only: bool = True) -> Project:
    """Open a project to look at it, or with ``read_only=False`` to change it; a context manager.

    Parameters
    ----------
    folder : path
        The project's folder.
    read_only : bool
        Take no lock and change nothing.

    Raises
    ------
    ProjectError
        When there is none, or another program is writing to it.

    Examples
    --------
    >>> import napari_wsss as wsss
    >>> with wsss.open_project("sample_project") as project:
    ...     for record in project.catalog.records(split="val"):
    ...         print(record.id, sorted(record.labels), record.state)
    shapes_0004.jpg ['dothead', 'stripehead'] todo
    """
    return Project.open(folder, read_only=read_only)


def train(folder: Path | str, what: str = "start", *, progress: Told | None = None, **options: Any) -> RunInfo:
    """Train on a project in a child process, wait for its end, and return what its run says.

    Parameters
    ----------
    folder : path
    what : str
        ``start`` (the recommended start: its models are used at once), ``classifier``, ``segmentation``, ``affinity``,
        ``boundary`` or ``saliency``.
    progress : callable, optional
        Called with every `Progress`.
    **options
        Those of ``napari-wsss train``; ``apply=True`` lets the project use the model.

    Raises
    ------
    StepError
        When it fails or is stopped, with what it said last.
    ParameterError
        When there is no such training.

    Examples
    --------
    A small network from random weights, on generated pictures; photographs want the recommended start:

    >>> import napari_wsss as wsss
    >>> tiny = {"trunk_weights": "none", "width": 0.0625, "epochs": 1, "batch_size": 2, "crop": 48}
    >>> run = wsss.train("sample_project", "classifier", apply=True, **tiny)
    >>> run.stage, run.state, run.checkpoint.name
    ('classifier', 'done', 'best.safetensors')
    """
    if what not in TRAIN.known:
        raise ParameterError(f"There is no training of {what!r}; expected one of {', '.join(TRAIN.known)}.")
    said = _computed(what, folder, options, progress)
    run_folder = next((record["run_folder"] for record in said if "run_folder" in record), "")
    run = read_run(Path(run_folder)) if run_folder else None
    if run is None:
        where = run_folder or "it named no folder"
        raise StepError(f"The run of {what} cannot be read ({where}); see napari-wsss runs.")
    return run


def maps(
    folder: Path | str, ids: Sequence[str] | None = None, *, progress: Told | None = None, **options: Any
) -> Iterator[ImageMaps]:
    """Yield the activation maps of images by the applied model, computing those that are missing.

    Images that cannot be done, such as damaged pictures, are left out and named in a warning.

    Parameters
    ----------
    folder : path
    ids : sequence of str, optional
        Which images; all by default.
    progress : callable, optional
        Called with every `Progress` of the computation.
    **options
        Those of ``napari-wsss localize``, such as ``scales`` and ``device``; the project's plan has them afterwards.

    Raises
    ------
    StepError
        When no model is applied, or no image can be computed.

    Examples
    --------
    >>> import napari_wsss as wsss
    >>> found = next(wsss.maps("trained_project", ["shapes_0004.jpg"]))
    >>> found.classes, found.scores.shape, found.scores.dtype
    (('stripehead', 'dothead'), (2, 64, 64), dtype('float32'))
    """
    _computed("localize", folder, {"ids": ids, "apply": True, **options}, progress)
    with Project.open_to_read(folder) as project:
        names = project.classes.names
        for image_id in project.catalog.ids() if ids is None else ids:
            found = pipeline.base_maps(project, image_id)
            if found is not None:
                yield ImageMaps(image_id, tuple(names[k] for k in found.classes), found.scores, found.background)


def proposals(
    folder: Path | str, ids: Sequence[str] | None = None, *, progress: Told | None = None, **options: Any
) -> Iterator[Proposal]:
    """Yield the machine's masks of images by the applied model and the chain of refiners, computing missing ones.

    Images that cannot be done, such as damaged pictures, are left out and named in a warning.

    Parameters
    ----------
    folder, ids, progress
        As `maps` takes them.
    **options
        Those of ``napari-wsss refine``; ``refiners=[...]`` changes the project's plan.

    Raises
    ------
    StepError
        When no model is applied, a refiner is not installed, or no image can be computed.

    Examples
    --------
    >>> import napari_wsss as wsss
    >>> for one in wsss.proposals("trained_project", refiners=["power_background"]):
    ...     assert one.mask.shape == (64, 64) and one.mask.max() <= len(one.classes)
    """
    _computed("refine", folder, {"ids": ids, "apply": True, **options}, progress)
    with Project.open_to_read(folder) as project:
        for image_id in project.catalog.ids() if ids is None else ids:
            mask = pipeline.proposal(project, image_id)
            if mask is not None:
                yield Proposal(image_id, project.classes.names, mask)


def accept(
    folder: Path | str, masks: Proposal | Iterable[Proposal] | Mapping[str, Mask], *, overwrite: bool = False
) -> tuple[list[str], list[str]]:
    """Make masks the accepted ones of their images; a person's work is left alone unless told otherwise.

    Each pixel is noted as made by a script. Every decision can be undone in the window.

    Parameters
    ----------
    folder : path
    masks : Proposal, iterable of Proposal, or mapping of image id to (H, W) uint8
        0 background, k + 1 class k of the project, 255 ignore.
    overwrite : bool
        Also images that have a draft or an accepted mask.

    Returns
    -------
    accepted, kept : list of str
        Image ids that have the new mask, and that kept the one they had.

    Raises
    ------
    WsssError
        When a mask has another size than its image, or a value that is no class.

    Examples
    --------
    >>> import napari_wsss as wsss
    >>> accepted, kept = wsss.accept("trained_project", wsss.proposals("trained_project", ["shapes_0004.jpg"]))
    >>> accepted, kept
    (['shapes_0004.jpg'], [])
    """
    several = [masks] if isinstance(masks, Proposal) else masks
    pairs = several.items() if isinstance(several, Mapping) else [(one.image_id, one.mask) for one in several]
    accepted: list[str] = []
    kept: list[str] = []
    with Project.open(folder) as project:
        for image_id, mask in pairs:
            if not overwrite and project.masks.any(image_id):
                kept.append(image_id)
                continue
            by_script = Sources.uniform(mask.shape, Source("script"))
            project.review.accept(image_id, mask, sources=by_script)
            accepted.append(image_id)
    return accepted, kept


def export(folder: Path | str, out: Path | str, **options: Any) -> Mapping[str, Any]:
    """Write the accepted masks of a project into a folder and return the report's entries by name.

    Parameters
    ----------
    folder, out : path
    **options
        Those of ``napari-wsss export``, such as ``previews=True`` or ``dry_run=True``.

    Raises
    ------
    WsssError
        When the folder holds masks already, or a mask cannot be read.

    Examples
    --------
    >>> import napari_wsss as wsss
    >>> done = wsss.accept("trained_project", wsss.proposals("trained_project", ["shapes_0004.jpg"]))
    >>> wsss.export("trained_project", "masks")["written"]
    ['shapes_0004.jpg']
    """
    return _done_by(EXPORT, {"project": folder, "out": out, **options})


def import_from(folder: Path | str, source: Path | str, **options: Any) -> Mapping[str, Any]:
    """Take labels, masks or activation maps of another tool into a project and return the report's entries by name.

    Which of the three they are is found out, and stands in the report as ``what``. A person's masks, and labels that a
    person changed, are left alone unless told otherwise.

    Parameters
    ----------
    folder : path
    source : path
        A file, folder or zip archive.
    **options
        Those of ``napari-wsss import``, such as ``what="labels"``, ``dry_run=True`` or ``accept=True``.

    Raises
    ------
    WsssError
        When nothing of it can be used, or is read here.

    Examples
    --------
    >>> import napari_wsss as wsss
    >>> found = wsss.import_from("sample_project", "photos/SegmentationClass", dry_run=True)
    >>> found["what"], len(found["masks"])
    ('masks', 8)
    """
    return _done_by(IMPORT, {"project": folder, **options}, [str(source)])


class Model:
    """A trained network on arrays, without any project; `load_model` makes it.

    Attributes
    ----------
    kind : str
        ``localize``: it gives activation maps; ``segment``: probabilities of classes and background, which sum to 1.
    classes : tuple of str
    """

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self.kind: str = predictor.kind
        self.classes = predictor.classes.names

    def __call__(self, image: NDArray[np.uint8], labels: Iterable[str] | None = None) -> ImageMaps:
        """Return the maps of an image.

        Parameters
        ----------
        image : (H, W, 3) uint8
            RGB, of any size.
        labels : iterable of str, optional
            Names of the classes that are in the image; all of the model's where not given.

        Raises
        ------
        ParameterError
            When `image` is another kind of array, or a label is no class of the model.
        """
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise ParameterError(f"Expected an image (H, W, 3) uint8; found {image.shape} {image.dtype}. Convert it.")
        wanted = set(self.classes if labels is None else labels)
        if not wanted <= set(self.classes):
            strange = ", ".join(sorted(wanted - set(self.classes)))
            raise ParameterError(f"The model knows no {strange}; it knows {', '.join(self.classes)}.")
        present = tuple(k for k, name in enumerate(self.classes) if name in wanted)
        found = self._predictor.predict(image, present)
        return ImageMaps("", tuple(self.classes[k] for k in found.classes), found.scores, found.background)


def load_model(path: Path | str, device: str = "auto") -> Model:
    """Load a trained network for arrays: a classifier gives activation maps, a segmentation network probabilities.

    Parameters
    ----------
    path : path
        A checkpoint of ours, the folder of a run, or an exported ``.onnx`` file, for which torch need not be
        installed.
    device : str
        ``cpu``, ``cuda`` or ``auto``; ONNX files run on the CPU.

    Raises
    ------
    WeightsError
        When it cannot be read, or is no network for images.
    StepError
        When what it needs is not installed: torch, or onnxruntime.

    Examples
    --------
    >>> import numpy as np
    >>> import napari_wsss as wsss
    >>> model = wsss.load_model("trained_project/best.safetensors", device="cpu")
    >>> found = model(np.zeros((48, 80, 3), np.uint8), labels=["dothead"])
    >>> model.kind, found.classes, found.scores.shape
    ('localize', ('dothead',), (1, 48, 80))
    """
    return Model(open_predictor(Path(path), device))


class _Strict(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ParameterError(f"{message[:1].upper()}{message[1:]}. The options are those of {self.prog}.")


class _Silent(Answer):
    """Keeps the facts of a command; nothing is printed."""

    def __init__(self) -> None:
        super().__init__(as_json=True)

    def warn(self, text: str) -> None:
        self._facts.setdefault("warnings", []).append(text)

    @property
    def facts(self) -> dict[str, Any]:
        return self._facts


def _done_by(command: Command, options: Mapping[str, Any], arguments: Sequence[str] = ()) -> dict[str, Any]:
    """Carry out a command with options by name, and arguments without one, and return its facts."""
    parser = _Strict(f"napari-wsss {command.name}", allow_abbrev=False)
    command.options(parser)
    words: list[str] = []
    for name, value in options.items():
        flag = f"--{name.replace('_', '-')}"
        if value is None or value is False:
            continue
        several = value if isinstance(value, list | tuple) else () if value is True else (value,)
        words += [flag, *map(str, several)]
    answer = _Silent()
    command.verb(parser.parse_args([*words, *(["--"] if arguments else []), *arguments]), answer)
    return answer.facts


def _computed(
    stage: str, folder: Path | str, options: Mapping[str, Any], progress: Told | None
) -> tuple[dict[str, Any], ...]:
    """Run a stage in a child process to its end and return what it reported; warn of images it could not do."""
    Project.open_to_read(folder).close()  # no project is said here, in our words
    said = finish(run_stage(stage, Path(folder), options), progress or (lambda _progress: None))
    if failed := failed_images(said):
        reasons = "; ".join(f"{one}: {reason.removesuffix('.')}" for one, reason in islice(failed.items(), _NAMED))
        rest = f"; and {len(failed) - _NAMED} more" if len(failed) > _NAMED else ""
        warnings.warn(f"{stage} left out {counted(len(failed), 'image')}: {reasons}{rest}.", stacklevel=3)
    return said
