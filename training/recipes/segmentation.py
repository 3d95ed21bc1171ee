"""Train a segmentation network on accepted masks and on machine proposals of images nobody decided yet."""

from contextlib import closing
from dataclasses import dataclass
from functools import partial

from napari_wsss.core.errors import LabelError
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.core.trunk_choice import PIXEL_SUPERVISED
from napari_wsss.project.project import Project
from napari_wsss.segment.base import Segmenter, SegmenterBatch
from training.config import RunConfig
from training.data.pictures import Pictures, SegmentationData, negative_ids, prefetched, training_records, view_of
from training.distributed import world
from training.hardware import Machine, prepare
from training.loop.learner import Learner, freeze, seed_everything, total_steps
from training.loop.milestones import Milestones, Outcome
from training.run_folder import RunFolder, by_first
from training.scoring.validation import SegmenterCheck
from training.sources import AcceptedSources, MaskSources
from training.stopping import until_stopped

STAGE = "segmentation"


def train(project: Project, config: RunConfig, run: RunFolder) -> Steps[Outcome]:
    """Train until the last step or until the run is asked to stop.

    Missing proposals of undecided images are made first. Epochs, checkpoints and stopping are as in
    `classifier.train`. A start from weights trained on pixel masks is said at once, in `run.json` and in the tables.

    Parameters
    ----------
    project : Project
        Only read (proposals go to its disposable result store).
    config : RunConfig
        Of recipe ``segmentation``.
    run : RunFolder
        New, or one to resume: its checkpoint is loaded when there is one.

    Raises
    ------
    LabelError
        When there is neither an accepted mask nor a proposal, or no pixel of them says anything.
    StepError
        When the loss is not finite.
    """
    sources = config.sources
    assert isinstance(sources, MaskSources)
    machine = prepare(config.hardware)
    seed_everything(config.optimisation.seed)
    segmenter = Segmenter.build(
        config.method, config.network.choice(), config.parameters, class_count=len(project.classes)
    )
    if segmenter.pixel_supervised:
        run.update(pixel_supervised=True)
        yield Progress(STAGE, message=PIXEL_SUPERVISED)
    pictures = Pictures(project, sources.cached_side)
    if not (yield from by_first(_chosen(project, config, run), run)):
        return Outcome(False, 0, {}, {})
    weights = sources.machine_weight, sources.detail_weight
    data = SegmentationData(project, pictures, run.record["accepted"], run.record["proposed"], *weights)
    return (yield from fitted(Training(project, config, run, segmenter, pictures), data, machine))


@dataclass(frozen=True)
class Training:
    """One training of a segmentation network."""

    project: Project
    config: RunConfig
    run: RunFolder
    segmenter: Segmenter
    pictures: Pictures


def fitted(training: Training, data: SegmentationData, machine: Machine) -> Steps[Outcome]:
    """Train from the checkpoint in the run's folder, or from the network as it is, to the last step or a stop."""
    config, run, segmenter = training.config, training.run, training.segmenter
    settings = config.optimisation
    assert isinstance(config.sources, MaskSources)
    freeze(segmenter.trunk, settings)
    order = data.order(settings.batch_size, settings.seed, config.sources.person_repeats)
    view = view_of(config.augmentation, segmenter.normalisation, settings.seed, segmenter.enlargement)
    groups = (segmenter.trunk_parameters(), segmenter.head_parameters())
    learner = Learner(segmenter, groups, settings, total_steps(settings, order), machine, order)
    learner.resume(run)
    check = SegmenterCheck(training.project, segmenter, training.pictures, run.ask)
    write = partial(segmenter.save, classes=training.project.classes, run=config.remembered())
    milestones = Milestones(STAGE, learner, order, run, check.figures, write)

    yield from milestones.catch_up()
    says_something = learner.step > 0
    steps = range(learner.step, learner.total)
    with closing(prefetched(partial(data.batch, order=order, view=view), steps, config.hardware.loaders)) as batches:
        for batch in batches:
            for part in learner.parts(SegmenterBatch, batch):
                learner.backward(learner.loss(part))
            yield milestones.progress(learner.update())
            says_something = says_something or bool(batch.weights.any())
            if milestones.due():
                check_pixels(world().any(says_something), len(data.accepted) + len(data.proposed))
                yield from milestones.keep()
            if milestones.stopping():
                return Outcome(False, learner.step, learner.best, {})
    return milestones.ended(lambda: {**check.tables(), **_supervision(segmenter)})


def check_pixels(
    says_something: bool, images: int, remedy: str = ", compute proposals, or give machine masks a weight above 0"
) -> None:
    """Raise `LabelError` where no pixel that was learned from had a label: every mask is undecided (255) there."""
    if not says_something:
        raise LabelError(
            f"Not one pixel of the masks of {images} images is labelled: all that was seen is 255 (undecided). Accept "
            f"masks that say something{remedy}."
        )


def _supervision(segmenter: Segmenter) -> dict[str, list[list[str]]]:
    """Return the table that says what the scores beside it owe to pixel masks; empty when nothing."""
    return {"supervision": [["start"], [PIXEL_SUPERVISED]]} if segmenter.pixel_supervised else {}


def _chosen(project: Project, config: RunConfig, run: RunFolder) -> Steps[bool]:
    """Note what is learned from, fixed when the run first starts so that resuming sees the same.

    Returns False when the run is asked to stop before that; proposals that are made by then are made no second time.
    """
    from napari_wsss.pipeline.run import propose

    assert isinstance(config.sources, MaskSources)
    if "accepted" not in run.record:
        accepted, proposed = chosen_images(project, config.sources)
        empty = set(negative_ids(project))
        wanted = [image_id for image_id in proposed if image_id not in empty]
        if wanted and project.plan.localizer_checkpoint + project.plan.segmenter_checkpoint:
            found = yield from until_stopped(propose(project, wanted, config.hardware.device), run)
            if found is None:
                return False
        run.update(accepted=accepted, proposed=[i for i in proposed if i in empty or has_proposal(project, i)])
    return True


def chosen_images(project: Project, sources: AcceptedSources) -> tuple[list[str], list[str]]:
    """Return the ids whose accepted masks, and those whose proposals, are learned from, in catalog order.

    Among the latter are undecided images labelled *none of the classes*, whatever machine masks weigh.
    """
    records = training_records(project)
    accepted = [record.id for record in records if record.state == "accepted"]
    if sources.accepted_limit:
        accepted = accepted[: sources.accepted_limit]
    chosen = set(accepted)
    machine = sources.machine_weight > 0
    others = [record for record in records if record.id not in chosen]
    return accepted, [record.id for record in others if record.negative or (machine and record.labels)]


def has_proposal(project: Project, image_id: str) -> bool:
    """Return whether the store holds a proposal of an image under the current plan."""
    from napari_wsss.pipeline.run import proposal

    return proposal(project, image_id) is not None
