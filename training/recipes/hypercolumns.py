"""Fine-tune a pixel classifier together with its trunk, as its own student.

A pixel classifier is fitted to everything a person gave, on the frozen trunk, as `recipes.pixel_classifier` does. Its
masks of images nobody accepted yet, after the dense CRF, are then learned beside the accepted ones by the same network,
all of it, which goes on from the fitted one. Teacher and marks lie in the run's folder, so that a resumed run sees the
same.
"""

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace

from napari_wsss.core.errors import WsssError
from napari_wsss.core.masks import write_mask
from napari_wsss.core.parameters import fields_of
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.core.trunk_choice import PIXEL_SUPERVISED
from napari_wsss.project.project import Project
from napari_wsss.segment.base import Segmenter
from napari_wsss.segment.hypercolumns import Hypercolumns
from training.config import RunConfig
from training.data.affinity_data import label_path
from training.data.masks import MaskFile
from training.data.pictures import Pictures, Pixels, SegmentationData
from training.hardware import prepare
from training.loop.learner import seed_everything
from training.loop.milestones import Outcome
from training.pixel_learner.examples import Example, Trust, example_of, nothing_known
from training.pixel_learner.pixel_learner import PixelLearner
from training.pixel_learner.pseudo_labels import Confidence, pseudo_labelled
from training.recipes.segmentation import STAGE, Training, chosen_images, fitted
from training.resolving import resolve_file
from training.run_folder import STOP, RunFolder, by_first
from training.sources import GivenSources, HypercolumnSources

TEACHER = "teacher.safetensors"
EVERYWHERE = Confidence(least=0.0, shrink=1)
"""All pixels are marked: those the teacher is less sure of lie along the borders, and teach where these are."""
_ONE_IMAGE = (WsssError, OSError)


def train(project: Project, config: RunConfig, run: RunFolder) -> Steps[Outcome]:
    """Fit the teacher, mark the images nobody accepted, then train until the last step or a stop.

    Epochs, checkpoints and stopping are as in `classifier.train`. Images that cannot be read are left out and named in
    `run.json`.

    Parameters
    ----------
    project : Project
        Only read (features go to its disposable result store).
    config : RunConfig
        Of recipe ``segmentation`` and method ``hypercolumns``.
    run : RunFolder
        New, or one to resume: its teacher, marks and checkpoint are used when they are there.

    Raises
    ------
    LabelError
        When nothing was given to learn from.
    StepError
        When the loss is not finite.
    """
    sources = config.sources
    assert isinstance(sources, HypercolumnSources)
    machine = prepare(config.hardware)
    pictures = Pictures(project, sources.cached_side)
    if not (yield from by_first(_taught(project, pictures, config, run), run)):
        return Outcome(False, 0, {}, {})
    seed_everything(config.optimisation.seed)
    segmenter = student_of(Segmenter.restore(run.path / TEACHER, "cpu")[0], project, config)
    if segmenter.pixel_supervised:
        yield Progress(STAGE, message=PIXEL_SUPERVISED)
    data = _MarkedData(project, pictures, run, sources)
    return (yield from fitted(Training(project, config, run, segmenter, pictures), data, machine))


def student_of(teacher: Segmenter, project: Project, config: RunConfig) -> Hypercolumns:
    """Return the network to train, which answers as its teacher does."""
    found = Segmenter.build(
        config.method,
        replace(config.network.choice(), weights=""),
        {**config.parameters, "enlargement": teacher.enlargement},
        class_count=len(project.classes),
    )
    assert isinstance(found, Hypercolumns)
    found.load_state_dict(teacher.state_dict())
    found.normalisation, found.pixel_supervised = teacher.normalisation, teacher.pixel_supervised
    return found


def teacher_config(config: RunConfig) -> RunConfig:
    """Return the configuration of the pixel classifier that a network of hypercolumns starts from."""
    sections = {name: config.to_dict()[name] for name in ("network", "sources", "hardware")}
    sections["sources"] = {name: sections["sources"][name] for name in fields_of(GivenSources)}
    parameters = {name: value for name, value in config.parameters.items() if name != "dropout"}
    given = {"parameters": parameters, "optimisation": {"seed": config.optimisation.seed}, **sections}
    return resolve_file("segmentation", {"method": "pixel_classifier", **given})


class _MarkedData(SegmentationData):
    """Accepted masks, and the marks in a run's folder."""

    def __init__(self, project: Project, pictures: Pictures, run: RunFolder, sources: HypercolumnSources) -> None:
        weights = sources.machine_weight, sources.detail_weight
        super().__init__(project, pictures, run.record["accepted"], run.record["proposed"], *weights)
        self._run = run

    def marks(self, image_id: str) -> Callable[[], Pixels]:
        """Return what reads the marks of an image."""
        return MaskFile(label_path(self._run, image_id))


def _taught(project: Project, pictures: Pictures, config: RunConfig, run: RunFolder) -> Steps[bool]:
    """Fit the teacher and let it mark images, unless that was done; return False when asked to stop before."""
    if "proposed" in run.record:
        return True
    (run.path / STOP).unlink(missing_ok=True)
    sources = config.sources
    assert isinstance(sources, HypercolumnSources)
    learner = PixelLearner(project, teacher_config(config))
    with closing(_fit(learner)) as steps:
        for progress in steps:
            yield progress
            if run.stop_requested():
                return False
    learner.save(run.path / TEACHER)
    accepted, others = chosen_images(project, sources)
    left_out, marked = {**run.record.get("left_out", {}), **learner.left_out}, []
    for done, image_id in enumerate(others, start=1):
        try:
            _mark(project, learner, run, image_id, sources)
            pictures.image(image_id)
            marked.append(image_id)
        except _ONE_IMAGE as error:
            left_out[image_id] = str(error)
        yield Progress(STAGE, message=f"marked {done} of {len(others)} images")
        if run.stop_requested():
            return False
    run.update(
        **{"learned_from": learner.counts(), "left_out": left_out, "proposed": marked},
        **{"accepted": [image_id for image_id in accepted if image_id not in left_out]},
        **({"pixel_supervised": True} if learner.classifier.pixel_supervised else {}),
    )
    for image_id, why in left_out.items():
        yield Progress(STAGE, message=f"{image_id} is left out: {why}")
    return True


def _fit(learner: PixelLearner) -> Steps[None]:
    yield from learner.take_all()
    yield from learner.learn()


def _mark(project: Project, learner: PixelLearner, run: RunFolder, image_id: str, sources: HypercolumnSources) -> None:
    """Write the marks of an image; raise what is wrong with it."""
    path = label_path(run, image_id)
    known, features = _known(project, image_id, sources), learner.features(image_id)
    image = project.load_image(image_id).pixels
    found = pseudo_labelled(learner.classifier, features, image, known, EVERYWHERE)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_mask(path, found.values, project.classes)


def _known(project: Project, image_id: str, sources: HypercolumnSources) -> Example:
    """Return what a person said about an image, nothing of one that is accepted beyond `accepted_limit`."""
    record = project.catalog.get(image_id)
    said = None if record.state == "accepted" else example_of(project, record, Trust.of(sources))
    return said or nothing_known(project, record)
