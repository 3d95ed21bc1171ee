"""How good a network is on what it does not learn from: the held-out split, against its labels and accepted masks."""

import warnings
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from napari_wsss.core.inference import Companion, Inference, SegmentInference
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.localize.base import Localizer
from napari_wsss.networks.dense import as_batch, evaluating
from napari_wsss.pipeline.companions import PARAMETER, chosen_by_rule
from napari_wsss.pixels.resizing import resize
from napari_wsss.project.project import Project
from napari_wsss.project.records import ImageRecord, possible_classes
from napari_wsss.segment.base import Segmenter, predict
from training.data.masks import AcceptedMask
from training.data.pictures import Pictures, label_targets, validation_records
from training.data.samplers import spread
from training.scoring.metrics import Scores, Sweep, confusion_matrix, threshold_sweep
from training.scoring.score_tables import score_rows
from training.scoring.scoring import THRESHOLDS, class_names

Truth = NDArray[np.bool_] | NDArray[np.float32]
MOST_IMAGES = 200
"""Validation images per epoch, evenly from the split. `evaluate` uses all."""
MOST_COMPARED = 50
"""Instead, images whose maps are made with companions, several times as much work."""
Ask = Callable[[], object]
"""Called before each image; what it raises ends the look at them."""


def go_on() -> None:
    """Ask nobody."""


class ClassifierCheck:
    """Image-level scores on labelled held-out images, and seed mIoU where they have accepted masks."""

    def __init__(self, project: Project, localizer: Localizer, pictures: Pictures, ask: Ask = go_on) -> None:
        self._project, self._localizer, self._pictures, self._ask = project, localizer, pictures, ask
        labelled = [record for record in validation_records(project) if record.tells]
        self._labelled = spread(labelled, MOST_IMAGES)
        self._companions_wanted = getattr(localizer.settings, PARAMETER, 0)
        accepted = [record for record in labelled if record.state == "accepted"]
        self._masked = spread(accepted, MOST_COMPARED if self._companions_wanted else MOST_IMAGES)

    def figures(self) -> dict[str, float]:
        """Return ``seed_miou`` (fast maps, best threshold) and ``mean_average_precision``, each where it exists.

        Localizers that compare images are given companions, as they are when they are applied.
        """
        figures = {}
        if self._masked:
            sweep = self._sweep()
            figures["seed_miou"] = float(np.nanmax(sweep.mean_iou()))
        if self._labelled:
            found = average_precision(*self._predictions())
            if not np.isnan(found).all():  # held out are more than images labelled none
                figures["mean_average_precision"] = float(np.nanmean(found))
        return figures

    def tables(self) -> dict[str, list[list[str]]]:
        """Return per-class tables: ``labels`` (image-level), ``seeds`` at the best threshold."""
        tables = {}
        if self._masked:
            sweep = self._sweep()
            tables["seeds"] = score_rows(sweep.scores(sweep.best()))
        if self._labelled:
            tables["labels"] = label_rows(*self._predictions(), self._project.classes.names)
        return tables

    def _sweep(self) -> Sweep:
        pairs = (
            (self._maps(record), self._pictures.mask(record.id, AcceptedMask(self._project, record.id)))
            for record in self._masked
        )
        names = class_names(self._project)
        return threshold_sweep(pairs, THRESHOLDS, len(names), names)

    def _maps(self, record: ImageRecord) -> ActivationMaps:
        self._ask()
        image, classes = self._pictures.image(record.id), self._project.classes.indices(record.labels)
        given = [self._companions(record)] if self._companions_wanted else []
        return self._localizer.infer(image, classes, Inference(preset="single"), *given)

    def _companions(self, record: ImageRecord) -> list[Companion]:
        found = chosen_by_rule(self._project, record, self._companions_wanted)
        return [
            Companion(
                content, self._project.classes.indices(found.labels[image_id]), partial(self._pictures.image, image_id)
            )
            for image_id, content in found.chosen.items()
        ]

    def _predictions(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        truth = label_targets(self._labelled, self._project.classes)
        device = next(self._localizer.parameters()).device
        logits = []
        with evaluating(self._localizer), torch.inference_mode():
            for record in self._labelled:
                self._ask()
                image = self._pictures.image(record.id)
                resized = resize(image, *self._localizer.input_size(*image.shape[:2]))
                planes = self._localizer.normalisation.apply(resized)
                logits.append(self._localizer.classify(as_batch([planes], device))[0].float().cpu())
        return truth, torch.stack(logits).numpy()


class SegmenterCheck:
    """mIoU on held-out images with accepted masks."""

    def __init__(self, project: Project, segmenter: Segmenter, pictures: Pictures, ask: Ask = go_on) -> None:
        self._project, self._segmenter, self._pictures, self._ask = project, segmenter, pictures, ask
        held_out = [record for record in validation_records(project) if record.state == "accepted"]
        self._masked: Sequence[ImageRecord] = spread(held_out, MOST_IMAGES)

    def figures(self) -> dict[str, float]:
        """Return ``miou`` and ``miou_labels_given``, the one that its loss is about first; nothing without masks."""
        if not self._masked:
            return {}
        names = ("miou", "miou_labels_given")
        found = [(name, scores.mean_iou()) for name, scores in zip(names, self._scores(), strict=True)]
        return dict(found[::-1] if self._segmenter.by_labels else found)

    def tables(self) -> dict[str, list[list[str]]]:
        """Return the per-class table ``segmentation``, with labels given where its loss is, or nothing."""
        return {"segmentation": score_rows(self._scores()[self._segmenter.by_labels])} if self._masked else {}

    def _scores(self) -> tuple[Scores, Scores]:
        """Return the scores without and with image-level labels given."""
        names, classes = class_names(self._project), self._project.classes
        free, given = np.zeros((2, len(names), len(names)), np.int64)
        for record in self._masked:
            self._ask()
            found = predict(self._segmenter, self._pictures.image(record.id), SegmentInference())
            truth = self._pictures.mask(record.id, AcceptedMask(self._project, record.id))
            free += confusion_matrix(truth, found.argmax(0).astype(np.uint8), len(names))
            told = np.asarray([0, *(k + 1 for k in possible_classes(record, classes))], np.uint8)
            given += confusion_matrix(truth, told[found[told].argmax(0)], len(names))
        return Scores(free, names), Scores(given, names)


def average_precision(truth: Truth, scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the average precision (C,) of each class, nan for a class without a positive.

    Parameters
    ----------
    truth : (N, C) bool, or float32 in {0, 1, nan}
        An image does not count for a class of which it is not known whether it is there (nan).
    scores : (N, C) float32
        Any increasing function of the probability.
    """
    columns = zip(truth.T > 0, scores.T, ~np.isnan(truth.T), strict=True)
    return np.asarray([_precision_over_recall(there[known], of_one[known]) for there, of_one, known in columns])


def _precision_over_recall(truth: NDArray[np.bool_], scores: NDArray[np.float32]) -> float:
    """Return the area under the steps of precision over recall; images of equal score are found together."""
    order = np.argsort(-scores, kind="stable")
    last_of_equals = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    hits = truth[order].cumsum()[last_of_equals]
    if not truth.any():
        return np.nan
    return float((np.diff(hits, prepend=0) / hits[-1] * hits / (last_of_equals + 1)).sum())


def label_rows(truth: Truth, logits: NDArray[np.float32], names: Iterable[str]) -> list[list[str]]:
    """Return a per-class table of image-level scores, header first: average precision; the rest at logit 0."""
    there, found = truth > 0, (logits > 0) & ~np.isnan(truth)
    hits, positives, predicted = (there & found).sum(0), there.sum(0), found.sum(0)
    with warnings.catch_warnings(), np.errstate(invalid="ignore", divide="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)
        figures = np.stack(
            [
                average_precision(truth, logits),
                hits / predicted,
                hits / positives,
                2 * hits / (predicted + positives),
            ]
        )
        means = np.nanmean(figures[:, positives > 0], axis=1)
    rows = [["class", "average_precision", "precision", "recall", "f_score", "images"]]
    for k, name in enumerate(names):
        rows.append([name, *(_text(value) for value in figures[:, k]), str(int(positives[k]))])
    rows.append(["mean (truth_present)", *(_text(value) for value in means), str(len(truth))])
    return rows


def _text(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.4f}"
