"""How good a pixel classifier is on held-out images, from kept features: no pass of the trunk."""

import numpy as np

from napari_wsss.pipeline.learner.tap_features import ProjectFeatures
from napari_wsss.project.project import Project
from napari_wsss.project.records import possible_classes
from napari_wsss.segment.pixel_classifier import PixelClassifier
from training.data.masks import AcceptedMask
from training.data.pictures import validation_records
from training.data.samplers import spread
from training.scoring.metrics import Scores, confusion_matrix
from training.scoring.score_tables import score_rows
from training.scoring.scoring import class_names
from training.scoring.validation import MOST_IMAGES, Ask, go_on


class CellCheck:
    """mIoU on held-out images with accepted masks, with and without telling their image-level labels."""

    def __init__(
        self, project: Project, classifier: PixelClassifier, features: ProjectFeatures, ask: Ask = go_on
    ) -> None:
        self._project, self._classifier, self._features, self._ask = project, classifier, features, ask
        held_out = [record for record in validation_records(project) if record.state == "accepted"]
        self._masked = spread(held_out, MOST_IMAGES)

    def figures(self) -> dict[str, float]:
        """Return ``miou_labels_given`` and ``miou``, or nothing without held-out masks."""
        if not self._masked:
            return {}
        return {
            "miou_labels_given": self._scores(labels_given=True).mean_iou(),
            "miou": self._scores(labels_given=False).mean_iou(),
        }

    def tables(self) -> dict[str, list[list[str]]]:
        """Return the per-class table ``segmentation`` (labels given: what a labeler sees), or nothing."""
        return {"segmentation": score_rows(self._scores(labels_given=True))} if self._masked else {}

    def _scores(self, *, labels_given: bool) -> Scores:
        names, classes = class_names(self._project), self._project.classes
        matrix = np.zeros((len(names), len(names)), np.int64)
        for record in self._masked:
            self._ask()
            present = possible_classes(record, classes) if labels_given else tuple(range(len(classes)))
            found = self._classifier.answer(self._features(record.id), present)
            values = np.asarray([0, *(k + 1 for k in present)], np.uint8)
            truth = AcceptedMask(self._project, record.id)()
            matrix += confusion_matrix(truth, values[found.argmax(0)], len(names))
        return Scores(matrix, names)
