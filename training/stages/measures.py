"""Figures of a project's trained networks on images with true masks, each measured once and kept."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import numpy as np

from napari_wsss.core.background import equivalent_alpha
from napari_wsss.core.errors import LabelError, ProjectError
from napari_wsss.core.evidence import NOTHING
from napari_wsss.core.files import publish_json, read_object
from napari_wsss.core.inference import Inference, SegmentInference
from napari_wsss.core.masks import Mask
from napari_wsss.core.parameters import to_dict
from napari_wsss.core.plan import Step
from napari_wsss.core.registry import load_method
from napari_wsss.pipeline import run as pipeline
from napari_wsss.pipeline.lineage import checkpoint_of, file_digest
from napari_wsss.project.project import Project
from training.report import Reporter, watched
from training.scoring.left_out import LeftOut
from training.scoring.metrics import Scores
from training.scoring.scoring import AcceptedMasks, TrueMasks, class_names, score, scored_names, sweep
from training.stages.compare import CRF, checkpoint_maps
from training.stages.trained_runs import Model

Chain = Literal["seeds", "crf", "walk", "segmented"]


@dataclass(frozen=True)
class Measured:
    """The scores of one chain on one split, and the background threshold they were taken at.

    Masks of the split chose the threshold; it is 0 for segmentation networks.
    """

    scores: Scores
    threshold: float


@dataclass(frozen=True)
class Measures:
    """Measures and remembers.

    Parameters
    ----------
    project : Project
        Only read; its store of results receives the maps.
    folder : Path
        Where figures are kept.
    truth : TrueMasks or AcceptedMasks
    inference : Inference
    device : str
    limit : int
        Most images per split, a fixed random choice; 0 takes all.
    classes : tuple of str
        Means run over background and these; over all when empty.
    """

    project: Project
    folder: Path
    truth: TrueMasks | AcceptedMasks
    report: Reporter
    inference: Inference
    device: str
    limit: int = 0
    classes: tuple[str, ...] = ()

    @cached_property
    def only(self) -> tuple[str, ...] | None:
        """Names that means run over, None for all."""
        return scored_names(self.project, self.classes)

    def ids(self, split: str) -> list[str]:
        """Return the images of a split that are measured; none when no true mask is known."""
        try:
            known = self.truth.known(self.project.catalog.ids(split=split))
        except ProjectError:
            return []
        order = np.random.default_rng(0).permutation(len(known))
        return [known[int(index)] for index in order][: self.limit or None]

    def of(self, model: Model, split: str, chain: Chain) -> Measured:
        """Return the figures of a model's maps as they are, after the CRF, or after a random walk; or of its masks.

        Raises
        ------
        StepError
            For the walk, when no affinity network is applied.
        """
        ids = self.ids(split)
        path = self.folder / f"{model.method}-{split}-{chain}-{self._key(model, ids, chain)}.json"
        try:
            kept = read_object(path)
            np.asarray(kept["matrix"], np.float64), float(kept["threshold"])
        except (OSError, ValueError, KeyError, TypeError):  # not measured yet, or damaged
            kept = self._measured(model, split, ids, chain)
            self.folder.mkdir(parents=True, exist_ok=True)
            publish_json(path, kept)
        return Measured(Scores(np.asarray(kept["matrix"]), class_names(self.project)), kept["threshold"])

    def miou(self, model: Model, split: str, chain: Chain) -> float:
        """Return the mean IoU in percent."""
        return 100 * self.of(model, split, chain).scores.mean_iou(only=self.only)

    def _measured(self, model: Model, split: str, ids: Sequence[str], chain: Chain) -> dict[str, object]:
        self.report.say(f"measuring {model.title}, {chain}, {split}: {len(ids)} images")
        left_out = LeftOut()
        kept = self._of_images(model, split, ids, chain, left_out)
        left_out.say(self.report)
        return kept

    def _of_images(
        self, model: Model, split: str, ids: Sequence[str], chain: Chain, left_out: LeftOut
    ) -> dict[str, object]:
        if chain == "segmented":
            masks_of = checkpoint_masks(self.project, model, self.device)
            scores = watched(score(self.project, ids, masks_of, self.truth, left_out), self.report)
            return {"matrix": scores.matrix.tolist(), "threshold": 0.0}
        maps_of = checkpoint_maps(self.project, model.method, model.checkpoint, self.inference, self.device)
        if chain == "seeds":
            swept = watched(sweep(self.project, ids, maps_of, self.truth, left_out), self.report)
            index = swept.best(only=self.only)
            return {"matrix": swept.matrices[index].tolist(), "threshold": swept.thresholds[index]}
        threshold = self.of(model, split, "seeds").threshold
        steps = self._steps(chain, threshold)

        def refined(image_id: str) -> Mask:
            maps = maps_of(image_id)
            assert maps is not None
            evidence = NOTHING
            if chain == "walk":
                evidence = pipeline.evidence_of(self.project, image_id, self.device, background=False)
            return pipeline.refined_mask(self.project.load_image(image_id).pixels, maps, steps, evidence)

        found = watched(score(self.project, ids, refined, self.truth, left_out), self.report)
        return {"matrix": found.matrix.tolist(), "threshold": threshold}

    def _version(self, image_id: str) -> tuple[int, int]:
        """Return what changes with the true mask of an image."""
        truth = self.truth
        path = truth.path(image_id) if isinstance(truth, TrueMasks) else self.project.masks.accepted_path(image_id)
        facts = path.stat() if path is not None else None
        return (facts.st_size, facts.st_mtime_ns) if facts is not None else (0, 0)

    def _steps(self, chain: Chain, threshold: float) -> tuple[Step, ...]:
        alpha = equivalent_alpha(threshold)
        if chain == "crf":
            return (Step("power_background", {"background_power": alpha}), CRF)
        return (Step("random_walk", {**self._walk(), "with_background": True, "background_power": alpha}),)

    def _walk(self) -> Mapping[str, Any]:
        """Return the parameters of the project's own random walk: 256 steps are for grids of a certain size."""
        return next((step.parameters for step in self.project.plan.refiners if step.method == "random_walk"), {})

    def _key(self, model: Model, ids: Sequence[str], chain: Chain) -> str:
        project = self.project
        facts: list[object] = [
            file_digest(model.checkpoint),
            to_dict(self.inference.resolved()),
            project.classes.names,
            self.only,
        ]
        facts += [(image_id, *self._version(image_id)) for image_id in ids]
        if chain == "walk":
            facts += [file_digest(checkpoint_of(project, project.plan, "affinity")), dict(self._walk())]
        return sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]


def checkpoint_masks(project: Project, model: Model, device: str) -> Callable[[str], Mask]:
    """Return what gives an image's mask (H,W) uint8 by a segmentation network: the most probable of all classes.

    Raises
    ------
    LabelError
        When the network was trained for other classes.
    """
    network, classes, _ = load_method("segment", model.method).restore(model.checkpoint, device)
    if classes != project.classes:
        raise LabelError(f"{model.checkpoint} was trained for other classes than the project's. Remove its run.")

    def mask_of(image_id: str) -> Mask:
        probabilities = network.infer(project.load_image(image_id).pixels, SegmentInference())
        return np.asarray(probabilities.argmax(0), np.uint8)

    return mask_of
