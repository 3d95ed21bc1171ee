"""The order and the colours of classes in lists."""

from __future__ import annotations

from qtpy.QtGui import QIcon

from napari_wsss.widgets.controls.class_entries import hex_colour, paintable, swatch, value_colour


def test_the_images_own_classes_come_first(session):
    assert paintable(session) == [(1, "red"), (2, "green"), (0, "background"), (255, "ignore"), (3, "blue")]
    session.navigation.go_to("p2.png")  # red only
    assert [name for _, name in paintable(session)] == ["red", "background", "ignore", "green", "blue"]
    session.close_project()
    assert paintable(session) == []


def test_colours_are_those_of_the_screen(session):
    classes = session.table.classes
    assert hex_colour(classes, "red") == value_colour(classes, 1).name() == "#e69f00"
    assert swatch(classes, 255, 9).pixmap(9, 9).toImage().pixelColor(4, 4).name() == "#e0e0c0"
    disabled = swatch(classes, 255, 9).pixmap(9, 9, QIcon.Mode.Disabled).toImage()
    assert disabled.pixelColor(4, 4).name() == "#e0e0c0", "as in a project that is only read"
