from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.localize.base import Localizer, LocalizerBatch
from napari_wsss.localize.sub_category import SubCategory

CLASSES, COUNT = 3, 4


def build(**parameters: object) -> SubCategory:
    torch.manual_seed(0)
    chosen = {"cluster_count": COUNT, "dropout": 0.0, **parameters}
    localizer = Localizer.build("sub_category", TrunkChoice(width=1 / 16), chosen, class_count=CLASSES)
    assert isinstance(localizer, SubCategory)
    localizer.trunk.freeze_batch_norm()
    return localizer


def batch() -> LocalizerBatch:
    """Return three images: of class 0 in cluster 1, of classes 1 and 2 in clusters 3 and 0, of none."""
    labels, sub_labels = torch.zeros(3, CLASSES), torch.zeros(3, CLASSES * COUNT)
    labels[0, 0] = labels[1, 1:] = 1
    sub_labels[0, 1] = sub_labels[1, COUNT + 3] = sub_labels[1, 2 * COUNT] = 1
    images = torch.randn(3, 3, 48, 64, generator=torch.Generator().manual_seed(1))
    return LocalizerBatch(images, labels, sub_labels)


def test_the_loss_is_the_papers_where_every_column_counts() -> None:
    localizer, given = build(sub_weight=2.0), batch()

    losses = localizer.loss(given)
    logits, sub_logits = localizer.logits(given.images)

    torch.testing.assert_close(losses["classification"], F.multilabel_soft_margin_loss(logits, given.labels))
    expected = 2 * F.multilabel_soft_margin_loss(sub_logits, given.sub_labels)
    torch.testing.assert_close(losses["sub_category"], expected)


def test_unused_columns_teach_nothing() -> None:
    localizer = build()
    columns = torch.ones(CLASSES * COUNT, dtype=torch.bool)
    columns[2:COUNT] = False  # class 0 has two clusters
    localizer.explore(columns)

    localizer.loss(batch())["sub_category"].backward()

    rows = localizer.sub_classifier.weight.grad.flatten(1).abs().amax(1) > 0
    assert rows.tolist() == columns.tolist()


def test_a_class_of_unknown_cluster_teaches_nothing_about_its_clusters() -> None:
    localizer, given = build(), batch()
    localizer.explore(torch.ones(CLASSES * COUNT, dtype=torch.bool))
    given.sub_labels[:, COUNT : 2 * COUNT] = 0  # class 1, which the second image shows

    localizer.loss(LocalizerBatch(given.images[1:2], given.labels[1:2], given.sub_labels[1:2]))[
        "sub_category"
    ].backward()

    rows = localizer.sub_classifier.weight.grad.flatten(1).abs().amax(1).view(CLASSES, COUNT) > 0
    assert rows.all(1).tolist() == [True, False, True]


def test_a_crop_without_the_class_has_none_of_its_sub_categories() -> None:
    localizer, given = build(), batch()
    absent = LocalizerBatch(given.images, torch.zeros_like(given.labels), given.sub_labels)
    plain = LocalizerBatch(given.images, absent.labels, torch.zeros_like(given.sub_labels))

    assert torch.equal(localizer.loss(absent)["sub_category"], localizer.loss(plain)["sub_category"])


def test_sub_categories_learn_only_once_there_are_some() -> None:
    localizer = build()
    learning = {id(weight) for weight in localizer.head_parameters()}
    assert learning == {id(localizer.classifier.weight)}

    localizer.explore(torch.ones(CLASSES * COUNT, dtype=torch.bool))

    assert id(localizer.sub_classifier.weight) in {id(weight) for weight in localizer.head_parameters()}
    assert set(localizer.state_dict()) == set(build().state_dict())


def test_the_pooled_features_are_the_trunks_without_dropout() -> None:
    localizer, images = build(dropout=0.5), batch().images
    with torch.no_grad():
        evaluated = localizer.eval().features(images)
        torch.testing.assert_close(evaluated, localizer.trunk(images).mean((2, 3)))
        localizer.train()
        assert (localizer.features(images) == 0).any()


@pytest.mark.parametrize("source", ["parent", "merged"])
def test_maps_of_classes_or_of_their_strongest_sub_category(source: str) -> None:
    localizer, images = build(map_source=source).eval(), batch().images
    labels = torch.ones(3, CLASSES, dtype=torch.bool)
    with torch.no_grad():
        maps, features = localizer.localize(images, labels), localizer.trunk(images)
        if source == "parent":
            expected = localizer.classifier(features).relu()
        else:
            expected = torch.stack([part.amax(1) for part in localizer.sub_classifier(features).relu().split(COUNT, 1)])
            expected = expected.transpose(0, 1)

    torch.testing.assert_close(maps, expected)
