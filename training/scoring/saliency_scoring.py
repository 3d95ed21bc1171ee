"""Saliency maps of a project's images: compared with true masks, and written as grey pictures."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_wsss.core.errors import ProjectError
from napari_wsss.core.evidence import NOTHING
from napari_wsss.core.files import publish
from napari_wsss.core.inference import Inference
from napari_wsss.core.inside import below
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.pipeline.lineage import checkpoint_of, inference_of, saliency_path
from napari_wsss.pipeline.saliency_folder import read_saliency
from napari_wsss.project.project import Project
from training.data.image_pairs import read_truth
from training.scoring.left_out import LeftOut
from training.scoring.saliency_metrics import HALF, SaliencyTally
from training.scoring.scoring import TrueMasks

STAGE = "saliency"
Map = NDArray[np.float32]


class SaliencyMaps:
    """Saliency of images as refiners get it: of the project's folder if it has one, else by the applied model.

    Parameters
    ----------
    project : Project
    checkpoint : Path, optional
        A model's file, instead of both.
    device : str
        As `networks.device.choose_device` takes it.

    Raises
    ------
    StepError
        When there is neither, or the model's file is missing.
    WeightsError
        When the file is damaged or no saliency model.
    """

    def __init__(self, project: Project, checkpoint: Path | None = None, device: str = "auto") -> None:
        self._project, self._model = project, None
        plan = project.plan
        if checkpoint is None and plan.saliency_folder:
            return
        if checkpoint is None and not plan.saliency_checkpoint:
            NOTHING.saliency()
        from napari_wsss.saliency.base import SaliencyModel

        self._model, _, _ = SaliencyModel.restore(checkpoint or checkpoint_of(project, plan, "saliency"), device)

    def __call__(self, image_id: str) -> Map:
        """Return the saliency (H, W) float32 in [0, 1] of an image."""
        image, plan = self._project.load_image(image_id).pixels, self._project.plan
        if self._model is not None:
            settings = inference_of(plan, "saliency")
            assert isinstance(settings, Inference)
            return self._model.infer(image, settings)
        return read_saliency(saliency_path(self._project, plan, image_id), *image.shape[:2]).values


def tally_saliency(
    ids: Sequence[str], maps: SaliencyMaps, truth: TrueMasks | None, written: Path | None, left_out: LeftOut
) -> Steps[SaliencyTally]:
    """Count images with a true mask, and write every map where a folder is given.

    Images that cannot be read, or whose true mask has another size, go into `left_out`.

    Parameters
    ----------
    truth : TrueMasks, optional
        Folder of class masks (palette) or grey masks, as `image_pairs.read_truth` takes them.
    written : Path, optional
        Folder of grey PNGs named like the images; ``refine --saliency`` takes it.

    Raises
    ------
    StepError
        When no image is left.
    """
    tally = SaliencyTally()
    for done, image_id in enumerate(ids, 1):
        with left_out.naming(image_id):
            found = maps(image_id)
            if written is not None:
                write_saliency(below(written, image_id).with_suffix(".png"), found)
            path = truth.path(image_id) if truth else None
            if path is not None:
                mask, known = read_truth(path)
                if mask.shape != found.shape:
                    raise ProjectError(f"The true mask {path} has {mask.shape} pixels, its image {found.shape}.")
                tally.add(found, mask >= HALF, known > 0)
        yield Progress(STAGE, done, len(ids), image_id)
    left_out.rest(ids)
    return tally


def write_saliency(path: Path, saliency: Map) -> None:
    """Publish saliency (H, W) in [0, 1] as an 8-bit grey PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with publish(path) as file:
        Image.fromarray(np.rint(saliency * 255).astype(np.uint8)).save(file, format="PNG")
