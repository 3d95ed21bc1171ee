"""The answers to *mask and labels differ*: each accepts, and changes what it says and nothing else."""

from napari_wsss.session.review.answers import Answers
from tests.session.conftest import Sitting


def asked(sitting: Sitting) -> Answers:
    """Paint blue, which is no label of the image, and nothing else; accepting is held back."""
    answers = sitting.session.mismatch
    sitting.session.table.mask[:] = 0
    sitting.session.table.mask[2:6, 2:6] = 3
    sitting.session.table.record_change(sitting.session.table.mask)
    assert not sitting.session.decisions.accept()
    assert answers.asked.extra == ("blue",)
    assert set(answers.asked.missing) == set(sitting.session.table.record.labels)
    return answers


def test_painted_classes_become_labels(computed: Sitting) -> None:
    image_id, labels = computed.session.table.image_id, computed.session.table.record.labels
    asked(computed).add_labels()
    assert computed.session.table.project.catalog.get(image_id).labels == labels | {"blue"}


def test_labels_without_a_pixel_are_taken_away(computed: Sitting) -> None:
    image_id = computed.session.table.image_id
    asked(computed).take_labels_away()
    assert not computed.session.table.project.catalog.get(image_id).labels


def test_accepting_all_the_same_is_remembered(computed: Sitting) -> None:
    catalog, image_id = computed.session.table.project.catalog, computed.session.table.image_id
    answers = asked(computed)
    assert answers.accept_all_the_same()
    assert catalog.state(image_id) == "accepted"
    assert "blue" not in catalog.get(image_id).labels
