"""What is painted is a class of the project, and on another image one of its labels."""

from __future__ import annotations


def test_on_another_image_the_brush_has_one_of_its_labels(sync, session):
    sync.choose_value(2)
    session.navigation.next()
    assert sync.mask.selected_label == sync.value == 2  # it has this label too
    session.navigation.next()
    assert session.table.record.labels == {"red"}
    assert sync.mask.selected_label == sync.value == 1
    for kept in (0, 255):  # background and ignore belong to every image
        sync.choose_value(kept)
        session.navigation.previous()
        assert sync.value == kept
        session.navigation.next()


def test_a_class_whose_label_is_removed_is_not_painted_on(sync, session):
    sync.choose_value(2)
    assert session.labels.remove("green")
    assert sync.mask.selected_label == sync.value == 1
    sync.choose_value(2)  # on purpose, without a label
    assert session.labels.remove("red")
    assert sync.value == 2


def test_values_without_a_class_cannot_be_chosen(sync, qtbot):
    with qtbot.waitSignal(sync.notice) as said:
        sync.mask.selected_label = 9
    assert "no class 9" in said.args[0]
    assert sync.mask.selected_label == sync.value == 1
    sync.choose_value(255)
    assert sync.mask.selected_label == 255


def test_choosing_a_class_shows_its_map(sync, viewer):
    viewer.layers.selection.active = viewer.layers["image"]
    sync.choose_value(2)
    assert viewer.layers["cam · green"].visible
    assert not viewer.layers["cam · red"].visible
    assert viewer.layers.selection.active is sync.mask
