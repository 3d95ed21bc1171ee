from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_wsss.core.errors import LabelError, ProjectError
from napari_wsss.pixels.images import LoadedImage
from napari_wsss.project.project import Project
from napari_wsss.weights.normalisation import CAFFE, IMAGENET, TENSORFLOW
from training.augment import Augmentation
from training.data.masks import AcceptedMask
from training.data.picture_memory import PictureMemory
from training.data.pictures import (
    ClassifierData,
    Pictures,
    SegmentationData,
    label_targets,
    padding_of,
    prefetched,
    training_records,
    validation_records,
    view_of,
)

VIEW = view_of(Augmentation(crop=48), IMAGENET, seed=0)


@pytest.fixture
def project(project_folder: Path) -> Project:
    with Project.open(project_folder) as opened:
        yield opened


def test_held_out_and_excluded_images_never_train(project: Project) -> None:
    first = next(iter(project.catalog.ids(split="train")))
    project.review.decide(first, "excluded")
    ids = [record.id for record in training_records(project)]
    assert first not in ids
    assert not set(ids) & {record.id for record in validation_records(project)}
    assert len(ids) == 6


@pytest.mark.parametrize("normalisation", [IMAGENET, TENSORFLOW, CAFFE])
def test_padding_is_the_colour_that_becomes_zero(normalisation: object) -> None:
    patch = np.full((1, 1, 3), padding_of(normalisation), np.uint8)
    step = np.abs(normalisation.apply(patch + 1) - normalisation.apply(patch))
    assert (np.abs(normalisation.apply(patch)) <= step / 2 + 1e-6).all()


def test_the_crop_obeys_the_size_rule_of_the_weights() -> None:
    assert view_of(Augmentation(crop=320), TENSORFLOW, 0).augmentation.crop == 321
    assert view_of(Augmentation(crop=320), IMAGENET, 0).augmentation.crop == 320


def test_scales_of_the_image_are_those_of_the_enlarged_one() -> None:
    image, crop = (Augmentation(scale_low=0.5, scale_high=1.0, scale_of=of) for of in ("image", "crop"))
    enlarged = view_of(image, IMAGENET, 0, 1.5).augmentation
    assert (enlarged.scale_low, enlarged.scale_high) == (0.75, 1.5)
    assert view_of(crop, IMAGENET, 0, 1.5) == view_of(crop, IMAGENET, 0)


def test_classifier_batches_hold_the_catalog_labels(project: Project) -> None:
    data = ClassifierData(project, Pictures(project, 1024), training_records(project))
    order = data.order(3, seed=0)
    batch = data.batch(1, order, VIEW)
    assert batch.images.shape == (3, 3, 48, 48)
    assert batch.images.dtype == np.float32
    for row, index in enumerate(order.batch(1)):
        expected = project.classes.vector(data.records[index].labels)
        assert batch.labels[row].tolist() == expected.tolist()


def test_labels_from_masks_are_those_in_view(project: Project) -> None:
    accepted = next(iter(project.catalog.ids(states=["accepted"], split="train")))
    height, width = project.load_image(accepted).pixels.shape[:2]
    project.review.accept(accepted, np.full((height, width), 2, np.uint8))
    records = [record for record in training_records(project) if record.id == accepted]
    data = ClassifierData(project, Pictures(project, 1024), records, labels_from_masks=True)
    batch = data.batch(0, data.order(1, 0), VIEW)
    assert batch.labels[0].tolist() == project.classes.vector([project.classes.names[1]]).tolist()


def test_images_labelled_none_are_rows_of_zeros(project: Project) -> None:
    first, second, *_ = (record.id for record in training_records(project))
    project.set_labels(first, ())
    project.set_labels(second, (), negative=True)
    data = ClassifierData(project, Pictures(project, 1024), training_records(project))
    ids = [record.id for record in data.records]
    assert first not in ids
    order = data.order(len(ids), 0)
    batch = data.batch(0, order, VIEW)
    rows = {ids[int(index)]: row for index, row in zip(order.batch(0), batch.labels, strict=True)}
    assert not rows[second].any()
    assert all(row.any() for image_id, row in rows.items() if image_id != second)


def test_a_segmenter_learns_background_from_images_labelled_none(project: Project) -> None:
    image_id = next(record.id for record in training_records(project) if record.state != "accepted")
    project.set_labels(image_id, (), negative=True)
    data = SegmentationData(project, Pictures(project, 1024), (), (image_id,), machine_weight=0.25)
    batch = data.batch(0, data.order(1, 0, 1), VIEW)
    seen = batch.masks != 255
    assert seen.any()
    assert not batch.masks[seen].any()
    assert (batch.weights[seen] == 1).all(), "that nothing is there is a person's word"


def test_nothing_labelled_is_bad_data(project: Project) -> None:
    for image_id in list(project.catalog.ids()):
        project.set_labels(image_id, ())
    with pytest.raises(LabelError, match="Label some images"):
        ClassifierData(project, Pictures(project, 1024), training_records(project))


def test_a_persons_pixels_weigh_one_and_a_machines_less(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    accepted = next(iter(project.catalog.ids(states=["accepted"], split="train")))
    other = next(iter(project.catalog.ids(states=["todo"], split="train")))
    mask = np.zeros(project.load_image(other).pixels.shape[:2], np.uint8)
    monkeypatch.setattr("training.data.masks.proposal", lambda project, image_id: mask)
    data = SegmentationData(project, Pictures(project, 1024), [accepted], [other], 0.25)
    batch = data.batch(0, data.order(2, 0, 1), VIEW)
    counted = [{float(w) for w in np.unique(batch.weights[row][batch.masks[row] != 255])} for row in range(2)]
    assert sorted(counted, key=min) == [{0.25}, {1.0}]
    assert (batch.weights[batch.masks == 255] == 0).all()


def test_an_images_labels_and_what_its_mask_shows_are_allowed(project: Project) -> None:
    accepted = next(iter(project.catalog.ids(states=["accepted"], split="train")))
    labels = project.classes.indices(project.catalog.get(accepted).labels)
    unlabelled = next(k for k in range(len(project.classes)) if k not in labels)
    height, width = project.load_image(accepted).pixels.shape[:2]
    project.review.accept(accepted, np.full((height, width), unlabelled + 1, np.uint8))
    project.set_labels(accepted, project.classes.names_of(labels))
    data = SegmentationData(project, Pictures(project, 1024), [accepted], [], 0.5)

    batch = data.batch(0, data.order(1, 0, 1), VIEW)

    assert set(np.flatnonzero(batch.allowed[0])) == {0, unlabelled + 1, *(k + 1 for k in labels)}


def test_edges_between_classes_weigh_more_where_it_is_asked_for(project: Project) -> None:
    accepted = next(iter(project.catalog.ids(states=["accepted"], split="train")))
    plain, detailed = (
        SegmentationData(project, Pictures(project, 1024), [accepted], [], 0.5, strength) for strength in (0.0, 4.0)
    )
    one, other = (data.batch(0, data.order(1, 0, 1), VIEW) for data in (plain, detailed))
    np.testing.assert_array_equal(one.masks, other.masks)
    assert (other.weights >= one.weights).all()
    assert other.weights.max() > 2 > one.weights.max() == 1
    assert (other.weights[other.masks == 255] == 0).all()


def test_accepted_images_come_more_often_when_mixed(project: Project) -> None:
    data = SegmentationData(project, Pictures(project, 1024), ["a"], ["b", "c"], 0.5)
    assert data.order(1, 0, person_repeats=3).steps_per_epoch == 5
    alone = SegmentationData(project, Pictures(project, 1024), ["a"], [], 0.5)
    assert alone.order(1, 0, person_repeats=3).steps_per_epoch == 1


def test_no_mask_at_all_is_bad_data(project: Project) -> None:
    with pytest.raises(LabelError, match="Accept some masks"):
        SegmentationData(project, Pictures(project, 1024), [], [], 0.5)


def test_a_mask_of_another_size_is_refused(project: Project) -> None:
    image_id = next(iter(project.catalog.ids()))
    with pytest.raises(ProjectError, match="Was the image"):
        Pictures(project, 1024).mask(image_id, lambda: np.zeros((3, 3), np.uint8))


def test_pictures_are_read_once_and_fit_the_longest_side(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    image_id = next(iter(project.catalog.ids(states=["accepted"])))
    pictures = Pictures(project, 32)
    image = pictures.image(image_id)
    assert max(image.shape[:2]) == 32
    assert pictures.mask(image_id, AcceptedMask(project, image_id)).shape == image.shape[:2]
    monkeypatch.setattr(project, "load_image", lambda image_id: pytest.fail("read twice"))
    assert pictures.image(image_id) is image


def test_a_full_memory_stops_keeping_but_not_reading(project: Project) -> None:
    pictures = Pictures(project, 1024, capacity=0)
    image_id = next(iter(project.catalog.ids()))
    assert pictures.image(image_id) is not pictures.image(image_id)


@pytest.mark.parametrize("loaders", [0, 1, 3, -1])
def test_batches_come_in_order(loaders: int) -> None:
    assert list(prefetched(lambda step: step * step, range(3, 20), loaders)) == [n * n for n in range(3, 20)]


def test_closing_ends_the_loader_threads() -> None:
    batches = prefetched(lambda step: step, range(1000), 2)
    next(batches)
    batches.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("loader")]


def test_an_error_in_a_loader_arrives() -> None:
    def make(step: int) -> int:
        raise ProjectError("broken image")

    with pytest.raises(ProjectError, match="broken image"):
        list(prefetched(make, range(4), 1))


def test_what_is_not_known_of_an_image_is_not_learned_as_absent(project: Project) -> None:
    records = training_records(project)
    name, other = project.classes.names[:2]
    project.set_labels(records[0].id, [name], unknown=[other])
    project.set_labels(records[1].id, [], unknown=[name])

    data = ClassifierData(project, Pictures(project, 1024), training_records(project))

    rows = label_targets(data.records, project.classes)
    np.testing.assert_array_equal(rows[0, :2], [1, np.nan])
    np.testing.assert_array_equal(rows[1, :2], [np.nan, 0])
    order = data.order(len(rows), 0)
    batch = data.batch(0, order, VIEW)
    np.testing.assert_array_equal(batch.labels, rows[order.batch(0)])


def test_loaders_that_are_too_slow_get_help(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.data.pictures.most_loaders", lambda: 3)
    at_once, most, lock = 0, 0, threading.Lock()

    def slow(step: int) -> int:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.01)
        with lock:
            at_once -= 1
        return step

    assert list(prefetched(slow, range(40), -1)) == list(range(40))
    assert most == 3


def test_large_jpegs_are_decoded_smaller_and_have_the_size_and_look_of_the_mean(
    project_folder: Path, tmp_path: Path
) -> None:
    with Project.open(project_folder) as project:
        image_id = next(iter(project.catalog.ids(split="train")))
        rows, columns = np.mgrid[:901, :1203]
        smooth = np.stack([rows // 4, columns // 5, (rows + columns) // 9], -1).astype(np.uint8)
        project.locate_images(Path(shutil.copytree(project.images_root, tmp_path / "images")))
        Image.fromarray(smooth).save(project.image_path(image_id), quality=95)
        decoded: list[tuple[int, ...]] = []
        loaded = Project.load_image

        def noted(self: Project, *given: object, **named: object) -> LoadedImage:
            found = loaded(self, *given, **named)
            decoded.append(found.pixels.shape)
            return found

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Project, "load_image", noted)
            small = Pictures(project, 100).image(image_id)
            exact = PictureMemory(100).fitted(project.load_image(image_id).pixels)
            whole = Pictures(project, 1000).image(image_id)
    assert decoded[0] == (113, 151, 3), "an eighth"
    assert decoded[1:] == [(901, 1203, 3)] * 2, "one that is less than twice as large is decoded whole"
    assert small.shape == exact.shape == (75, 100, 3)
    assert np.abs(small.astype(int) - exact).max() <= 4
    assert whole.shape == (749, 1000, 3)
