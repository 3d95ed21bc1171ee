"""Find LPCAM's prototypes for a trained localizer: draw features from all training images, cluster, choose.

Nothing is learned. The steps of the run are its images, then its classes. The result is a checkpoint that holds the
base localizer and the prototypes, so that it needs neither the base's run nor the features again.
"""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from napari_wsss.core.errors import LabelError, StepError
from napari_wsss.core.inference import Inference
from napari_wsss.core.inside import is_below
from napari_wsss.core.parameters import from_dict
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.localize.base import Localizer
from napari_wsss.localize.lpcam import Lpcam, standing_on
from napari_wsss.networks.dense import as_batch, evaluating
from napari_wsss.pipeline.lineage import checkpoint_of, file_digest
from napari_wsss.pixels.resizing import resize
from napari_wsss.project.project import Project
from napari_wsss.project.records import ImageRecord
from training.clusters.prototypes import Choice, Features, Samples, Selection, drawn_features, judged, shares_of
from training.config import RunConfig
from training.data.pictures import Pictures
from training.hardware import prepare
from training.loop.checkpoints import BEST, LAST
from training.loop.learner import seed_everything
from training.loop.milestones import Outcome
from training.recipes.classifier import STAGE, classifier_data
from training.run_folder import RunFolder, StopAsked
from training.scoring.validation import ClassifierCheck

SAMPLES = "features"
HEADER = ["class", "images", "features", "prototypes", "context", "note"]
IN_ONE_PROCESS = True
"""Of several processes the first one does it alone: nothing is learned by steps."""


def train(project: Project, config: RunConfig, run: RunFolder) -> Steps[Outcome]:
    """Find the prototypes, or stop when asked to; a resumed run draws no image twice.

    Parameters
    ----------
    project : Project
        Only read.
    config : RunConfig
        Of recipe ``classifier`` and method ``lpcam``; only its sources, seed and hardware count.
    run : RunFolder
        New, or one to resume.

    Raises
    ------
    StepError
        When there is no base: nothing applied, or no such file.
    LabelError
        When nothing is labelled, or the base knows other classes than the project.
    """
    device = prepare(config.hardware).device
    seed_everything(config.optimisation.seed)
    search = Search(project, config, run, base_of(project, config, run, device))
    run.resume(search.images_done())
    yield from search.sampled()
    if run.stop_requested():
        return Outcome(False, search.images_done(), {}, {})
    choices = yield from search.chosen()
    if len(choices) < len(project.classes):
        return Outcome(False, search.images_done(), {}, {})
    return search.finished(choices)


def base_of(project: Project, config: RunConfig, run: RunFolder, device: torch.device) -> Localizer:
    """Return the base of a run: the one noted when it began, else the chosen one; of LPCAM that which it stands on.

    Raises
    ------
    StepError, LabelError
        As `train`.
    """
    settings = from_dict(Lpcam.Parameters, config.parameters)
    path = _noted(project, run) or base_checkpoint(project, settings.base)
    base, _, what = Localizer.restore(path, str(device))
    classes = what.known_classes()
    if classes != project.classes:
        raise LabelError(
            f"The base {path} was trained for the classes {', '.join(classes.names)}; the project has "
            f"{', '.join(project.classes.names)}. Choose a localizer of this project."
        )
    run.update(base=str(path))
    if isinstance(base, Lpcam):
        base.base.normalisation, base.base.side = base.normalisation, base.side
        return base.base
    return base


def _noted(project: Project, run: RunFolder) -> Path | None:
    """Return the base noted when a run began; None for one outside the project, which the configuration must name."""
    path = Path(str(run.record.get("base", "")))
    return path if is_below(project.folder, path) else None


def base_checkpoint(project: Project, given: str) -> Path:
    """Return the file of the base: the applied localizer's, or that of a run's folder or checkpoint.

    Raises
    ------
    StepError
        When there is none.
    """
    if not given:
        return checkpoint_of(project, project.plan, "localize")
    for place in (Path(given), project.folder / given, project.training_folder / given):
        for path in (place / BEST, place / LAST, place):
            if path.is_file():
                return path.resolve()
    raise StepError(
        f"There is no base {given!r}; expected a finished run's folder, its name, or a checkpoint of a localizer. "
        f"Train one first (python -m training.run classifier --project {project.folder}).",
        missing=("model",),
    )


class Search:
    """The prototypes of one base on one project."""

    def __init__(self, project: Project, config: RunConfig, run: RunFolder, base: Localizer) -> None:
        self._project, self._config, self._run = project, config, run
        self._settings = from_dict(Lpcam.Parameters, config.parameters)
        self._base = base
        self._pictures = Pictures(project, config.sources.cached_side)
        # Prototypes and context of a class are found in the images that show it: those labelled none have neither.
        self._records = [one for one in classifier_data(project, self._pictures, config).records if one.labels]
        self._samples = Samples(run.path / SAMPLES)

    def images_done(self) -> int:
        """Return from how many images features are drawn."""
        return sum(self._samples.has(at) for at in range(len(self._records)))

    def sampled(self) -> Iterator[Progress]:
        """Draw the features of every image that are not drawn yet."""
        shares = self._shares()
        for at, record in enumerate(self._records):
            if self._run.stop_requested():
                return
            if not self._samples.has(at):
                self._draw(at, record, shares[at])
                yield self._progress(at + 1, "features")

    def chosen(self) -> Steps[list[Choice]]:
        """Return the prototypes of the classes, of fewer when the run was asked to stop."""
        settings, choices = self._settings, list[Choice]()
        seed = self._config.optimisation.seed
        selection = Selection(
            settings.cluster_count,
            settings.class_score,
            settings.context_score,
            settings.context_floor,
            seed,
            self._judge,
        )
        for k, name in enumerate(self._project.classes.names):
            if self._run.stop_requested():
                break
            inside, outside = self._features(k)
            choices.append(selection(k, inside, outside))
            yield self._progress(len(self._records) + k + 1, f"prototypes of {name}")
        return choices

    def finished(self, choices: Sequence[Choice]) -> Outcome:
        """Write the model, delete the features, and return the figures of the held-out images."""
        result = standing_on(self._base, self._settings)
        first = result.prototypes.vectors[:, :1].cpu()
        found = [torch.from_numpy(one.prototypes) if len(one.prototypes) else first[k] for k, one in enumerate(choices)]
        result.put(found, [torch.from_numpy(one.context) for one in choices])
        base = Path(self._run.record["base"])
        of = {"file": f"{base.parent.name}/{base.name}", "sha256": file_digest(base)}
        record = {**self._config.remembered(), "base": of}
        for name in (BEST, LAST):
            result.save(self._run.path / name, self._project.classes, record)
        check, steps = ClassifierCheck(self._project, result, self._pictures, self._run.ask), len(self._records)
        try:
            figures, tables = check.figures(), {"prototypes": self._rows(choices), **check.tables()}
        except StopAsked:
            return Outcome(False, steps, {}, {})
        shutil.rmtree(self._run.path / SAMPLES, ignore_errors=True)
        return Outcome(True, steps + len(choices), figures, tables)

    def _shares(self) -> list[dict[int, int]]:
        """Return how many positions each image gives to each of its classes, on either side."""
        indices = self._project.classes.indices
        labelled = [indices(record.labels) for record in self._records]
        return shares_of(labelled, self._settings.features_per_class, self._config.optimisation.seed)

    def _draw(self, at: int, record: ImageRecord, shares: dict[int, int]) -> None:
        image, fast = self._pictures.image(record.id), Inference(preset="single", precision="float32")
        maps = self._base.infer(image, self._project.classes.indices(record.labels), fast)
        features = self._local(image)
        scores = torch.from_numpy(maps.scores)[None]
        grid = F.interpolate(scores, features.shape[1:], mode="area")[0].numpy()
        rng = np.random.default_rng([self._config.optimisation.seed, at])
        by_class = {k: values for k, values in zip(maps.classes, grid, strict=True) if k in shares}
        self._samples.keep(at, drawn_features(features, by_class, self._settings.map_threshold, shares, rng))

    def _local(self, image: NDArray[np.uint8]) -> Features:
        """Return the trunk's last features (C',h,w) float32 of an image at scale 1."""
        normalisation, trunk = self._base.normalisation, self._base.trunk
        resized = resize(image, *self._base.input_size(*image.shape[:2]))
        batch = as_batch([normalisation.apply(resized)], next(trunk.parameters()).device)
        with evaluating(trunk), torch.inference_mode():
            features: Features = trunk(batch)[0].float().cpu().numpy()
        return features

    def _features(self, k: int) -> tuple[Features, Features]:
        name, channels = self._project.classes.names[k], self._base.trunk.channels
        images = [at for at, record in enumerate(self._records) if name in record.labels]
        inside = self._samples.of("inside", k, images, channels)
        return inside, self._samples.of("outside", k, images, channels)

    def _judge(self, centres: Features) -> NDArray[np.float32]:
        return judged(self._base, centres)

    def _progress(self, done: int, message: str) -> Progress:
        return Progress(STAGE, done, len(self._records) + len(self._project.classes), message)

    def _rows(self, choices: Sequence[Choice]) -> list[list[str]]:
        rows = [HEADER]
        for name, one in zip(self._project.classes.names, choices, strict=True):
            images = sum(name in record.labels for record in self._records)
            kept = [
                f"{len(chosen)} of {clusters}"
                for chosen, clusters in zip((one.prototypes, one.context), one.clusters, strict=True)
            ]
            rows.append([name, str(images), str(sum(one.features)), *kept, "; ".join(one.notes)])
        return rows
