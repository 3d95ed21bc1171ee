"""Labels, masks and maps of other tools, by a form: nothing is changed before Import."""

import json

import numpy as np
import pytest
from PIL import Image

from napari_wsss.widgets.project.import_form import ImportForm


@pytest.fixture
def form(session, qtbot):
    made = ImportForm(session, lambda: ("mine", np.ones((24, 32), np.int64)))
    qtbot.addWidget(made)
    made.show()
    return made


def pick(box, value):
    box.setCurrentIndex(box.findData(value))
    box.activated.emit(box.currentIndex())


def wait_for_report(form, qtbot):
    qtbot.waitUntil(lambda: form.report is not None, timeout=20000)


def test_labels_are_shown_taken_and_taken_back(form, session, tmp_path, qtbot, settle):
    (tmp_path / "new.json").write_text(json.dumps({"p0.png": ["blue"], "gone.png": ["blue"]}))
    form.open_source("labels", tmp_path / "new.json")
    wait_for_report(form, qtbot)
    assert "p0.png: green, red -> blue" in form.summary.text()
    assert session.project.catalog.get("p0.png").labels == {"red", "green"}
    assert not form.back_button.isVisible()
    form.take_button.click()
    settle(session)
    assert session.project.catalog.get("p0.png").labels == {"blue"}
    assert form.back_button.isVisible()
    form.back_button.click()
    settle(session)
    assert session.project.catalog.get("p0.png").labels == {"red", "green"}


def test_masks_are_taken(form, session, tmp_path, qtbot, settle):
    (tmp_path / "masks").mkdir()
    for name in ("p0", "nobody"):
        Image.fromarray(np.full((24, 32), 2, np.uint8)).save(tmp_path / "masks" / f"{name}.png")
    form.open_source("masks", tmp_path / "masks")
    assert form.what.currentData() == "masks"
    wait_for_report(form, qtbot)
    assert "nobody.png" in form.summary.text()
    assert form.take_button.isEnabled()
    form.take_button.click()
    settle(session)
    assert (session.table.mask == 2).all()


@pytest.mark.parametrize("drawn", ["nothing", "a box", "a polygon", "of no class"])
def test_dropped_annotations_are_masks_or_else_labels(form, tmp_path, qtbot, drawn):
    """As `napari-wsss import` takes them; a mask that cannot be used is said, not hidden behind labels."""
    ring = [1, 1, 9, 1, 9, 9, 1, 9]
    one = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 8, 8], "area": 64, "iscrowd": 0}
    more = {"a polygon": {"segmentation": [ring]}, "of no class": {"segmentation": [ring], "category_id": 2}}
    content = {
        "images": [{"id": 1, "file_name": "p0.png", "height": 24, "width": 32}],
        "categories": [{"id": 1, "name": "blue"}, {"id": 2, "name": "horse"}],
        "annotations": [one | more.get(drawn, {})],
    }
    path = tmp_path / "dropped.json"
    path.write_text(json.dumps({"p0.png": ["blue"]} if drawn == "nothing" else content))
    form.open_source("masks", path)
    wait_for_report(form, qtbot)
    assert form.what.currentData() == ("labels" if drawn in ("nothing", "a box") else "masks")
    assert form.take_button.isEnabled() == (drawn != "of no class")


def test_what_cannot_be_used_cannot_be_taken(form, tmp_path, qtbot):
    (tmp_path / "nothing.json").write_text("[]")
    form.open_source("labels", tmp_path / "nothing.json")
    qtbot.waitUntil(lambda: "no label source" in form.summary.text(), timeout=20000)
    assert not form.take_button.isEnabled()


def test_only_what_matters_is_asked(form):
    pick(form.what, "masks")
    assert form.instances.isVisible()
    pick(form.what, "maps")
    assert not form.instances.isVisible()
    assert not form.overwrite.isVisible()
    assert form.kind.findData("map_tiff") >= 0


def test_another_layer_becomes_the_mask(form, session):
    form.layer_button.click()
    assert (session.table.mask == 1).all()


def test_without_a_project_nothing_is_read(form, session):
    session.close_project()
    assert not form.take_button.isEnabled()
    assert not form.layer_button.isEnabled()


def test_labels_in_another_encoding_are_shown_and_can_be_chosen(form, session, tmp_path, qtbot):
    name = session.project.classes.names[0]
    image = next(iter(session.project.catalog.ids()))
    path = tmp_path / "labels.csv"
    path.write_bytes(f"image,labels,Größe\n{image},{name},ü\n".encode("cp1252"))
    form.open_source("labels", path)
    wait_for_report(form, qtbot)
    assert form.encoding.itemText(0) == "found: Western (Windows-1252)"
    path.write_bytes(f"image,labels\n{image},{name}\n".encode("utf-16-le"))
    pick(form.encoding, "utf-16")
    wait_for_report(form, qtbot)
    assert len(form.report.labels.labels) == 1
    assert form.report.labels.encoding == "utf-16"


def test_an_encoding_is_asked_of_labels_alone(form):
    pick(form.what, "masks")
    assert form.encoding_row.isHidden()
    pick(form.what, "labels")
    assert not form.encoding_row.isHidden()
