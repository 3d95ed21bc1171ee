from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_wsss.localize.base import Localizer
from napari_wsss.pipeline.companions import chosen_by_rule
from napari_wsss.project.project import Project
from napari_wsss.segment.base import Segmenter
from tests.tiny_project import put_split
from training.config import RunConfig
from training.data.pictures import Pictures
from training.scoring.validation import ClassifierCheck, SegmenterCheck, average_precision, label_rows


@pytest.fixture
def project(project_folder: Path) -> Project:
    with Project.open(project_folder) as opened:
        yield opened


def test_average_precision_of_a_perfect_and_a_reversed_ranking() -> None:
    truth = np.array([[1, 1, 0], [1, 0, 0], [0, 0, 0]], bool)
    scores = np.array([[3, -1, 0], [2, 1, 0], [1, 2, 0]], np.float32)
    found = average_precision(truth, scores)
    assert found[:2] == pytest.approx([1.0, 1 / 3])
    assert np.isnan(found[2])


def test_average_precision_is_the_one_of_scikit_learn_also_with_equal_scores() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    generator = np.random.default_rng(0)
    truth, scores = generator.random((30, 8)) < 0.3, generator.integers(0, 12, (30, 8)).astype(np.float32)

    expected = [metrics.average_precision_score(truth[:, k], scores[:, k]) for k in range(8)]

    assert average_precision(truth, scores) == pytest.approx(expected)


def test_label_table_counts_at_logit_zero() -> None:
    truth = np.array([[1, 0], [1, 0], [0, 0]], bool)
    logits = np.array([[1, -1], [-1, -1], [1, -1]], np.float32)
    rows = label_rows(truth, logits, ["cat", "dog"])
    assert rows[1][2:] == ["0.5000", "0.5000", "0.5000", "2"]
    assert rows[2][1:] == ["", "", "", "", "0"] or rows[2][-1] == "0"
    assert rows[-1][0].startswith("mean")


def test_classifier_figures_and_tables(project: Project, tiny_config: Callable[..., RunConfig]) -> None:
    torch.manual_seed(0)
    localizer = Localizer.build("cam", tiny_config("classifier").network.choice(), class_count=len(project.classes))
    localizer.train()
    check = ClassifierCheck(project, localizer, Pictures(project, 1024))
    figures = check.figures()
    assert list(figures) == ["seed_miou", "mean_average_precision"]
    assert all(0 <= value <= 1 for value in figures.values())
    assert set(check.tables()) == {"seeds", "labels"}
    assert localizer.training


def test_maps_that_want_companions_are_scored_with_them(
    project: Project, tiny_config: Callable[..., RunConfig]
) -> None:
    torch.manual_seed(0)
    localizer = Localizer.build(
        "co_attention", tiny_config("classifier").network.choice(), class_count=len(project.classes)
    )
    given: list[tuple[str, ...]] = []
    infer = localizer.infer

    def seen(image, present, settings, companions=()):  # type: ignore[no-untyped-def]
        given.append(tuple(one.content for one in companions))
        return infer(image, present, settings, companions)

    localizer.infer = seen  # type: ignore[method-assign]

    assert 0 <= ClassifierCheck(project, localizer, Pictures(project, 1024)).figures()["seed_miou"] <= 1
    record = next(iter(project.catalog.records(("accepted",), split="val")))
    expected = chosen_by_rule(project, record, localizer.settings.companions_per_class)
    assert given == [tuple(expected.chosen.values())] != [()]


@pytest.mark.parametrize(("method", "deciding"), [("deeplab_v3", "miou"), ("hypercolumns", "miou_labels_given")])
def test_segmenter_figures_against_accepted_held_out_masks(
    project: Project, tiny_config: Callable[..., RunConfig], method: str, deciding: str
) -> None:
    torch.manual_seed(0)
    segmenter = Segmenter.build(method, tiny_config("segmentation").network.choice(), class_count=len(project.classes))
    check = SegmenterCheck(project, segmenter, Pictures(project, 1024))
    figures = check.figures()
    assert next(iter(figures)) == deciding
    assert all(0 <= figure <= 1 for figure in figures.values())
    assert len(check.tables()["segmentation"]) == len(project.classes) + 3


def test_with_labels_given_no_other_class_is_answered(project: Project, tiny_config: Callable[..., RunConfig]) -> None:
    segmenter = Segmenter.build(
        "hypercolumns", tiny_config("segmentation").network.choice(), class_count=len(project.classes)
    )
    record = next(iter(project.catalog.records(("accepted",), split="val")))
    (labelled, *_) = project.classes.indices(record.labels)
    other = next(k for k in range(len(project.classes)) if k not in project.classes.indices(record.labels))
    height, width = project.load_image(record.id).pixels.shape[:2]
    project.review.accept(record.id, np.full((height, width), labelled + 1, np.uint8))
    project.set_labels(record.id, project.classes.names_of([labelled]))
    last = segmenter.head.members[0][-1]
    with torch.no_grad():
        last.bias[[labelled + 1, other + 1]] = torch.tensor([50.0, 100.0])

    figures = SegmenterCheck(project, segmenter, Pictures(project, 1024)).figures()

    assert figures["miou"] == 0
    assert figures["miou_labels_given"] == 1


def test_without_held_out_masks_there_are_no_figures(project: Project, tiny_config: Callable[..., RunConfig]) -> None:
    for image_id in list(project.catalog.ids(states=["accepted"], split="val")):
        project.review.decide(image_id, "excluded")
    segmenter = Segmenter.build(
        "deeplab_v3", tiny_config("segmentation").network.choice(), class_count=len(project.classes)
    )
    check = SegmenterCheck(project, segmenter, Pictures(project, 1024))
    assert check.figures() == {}
    assert check.tables() == {}


def test_held_out_images_labelled_none_count_against_a_classifier(
    project: Project, tiny_config: Callable[..., RunConfig]
) -> None:
    first, second = list(project.catalog.ids(split="train"))[:2]
    put_split(project, first, "val")
    put_split(project, second, "val")
    project.set_labels(first, (), negative=True)
    project.set_labels(second, ())
    localizer = Localizer.build("cam", tiny_config("classifier").network.choice(), class_count=len(project.classes))
    truth, logits = ClassifierCheck(project, localizer, Pictures(project, 1024))._predictions()
    assert len(truth) == len(logits) == len(list(project.catalog.ids(split="val"))) - 1
    assert sum(not row.any() for row in truth) == 1


def test_images_of_which_a_class_is_unknown_do_not_count_for_it() -> None:
    generator = np.random.default_rng(1)
    truth, logits = (
        (generator.random((20, 2)) < 0.4).astype(np.float32),
        generator.normal(size=(20, 2)).astype(np.float32),
    )
    truth[:7, 1] = np.nan
    rows, without = label_rows(truth, logits, ["cat", "dog"]), label_rows(truth[7:] > 0, logits[7:], ["cat", "dog"])
    assert rows[2] == without[2]
    assert rows[1] == label_rows(np.nan_to_num(truth) > 0, logits, ["cat", "dog"])[1]
