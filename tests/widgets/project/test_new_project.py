"""A project is made only after its labels were read, reported and agreed to."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile
from qtpy.QtWidgets import QWidget

from napari_wsss.exchange import labels
from napari_wsss.project.project import Project
from napari_wsss.session.next_step import CREATE
from napari_wsss.widgets.controls.basic import PageArea, column
from napari_wsss.widgets.project.new_project import KINDS, NewProject
from tests.session.conftest import write_picture


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / "photos"
    for index in range(4):
        write_picture(folder / f"a{index}.png", index)
    (folder / "broken.png").write_bytes(b"no picture")
    (folder / "labels.csv").write_text(
        "image,labels\na0.png,cat\na1.png,cat;dog\na2.png,dog\na2.png,cat\nnowhere.png,dog\nbroken.png,cat\n"
    )
    return folder


@pytest.fixture
def form(empty_session, qtbot):
    made = NewProject(empty_session)
    qtbot.addWidget(made)
    return made


def entries(tree):
    tops = [tree.topLevelItem(row) for row in range(tree.topLevelItemCount())]
    return {top.text(0): [top.child(row).text(0) for row in range(top.childCount())] for top in tops}


def test_every_kind_of_labels_can_be_chosen():
    assert tuple(kind for kind, _ in KINDS) == labels.KINDS


def previewed(form, images, qtbot):
    form.open_images(images)
    qtbot.waitUntil(lambda: form.report is not None, timeout=20000)


def test_names_can_be_read_in_another_encoding(form, tmp_path, qtbot):
    write_picture(tmp_path / "photos" / "a.png", 1)
    # Guessed wrong: the kana of EUC-JP are usual characters of Big5.
    (tmp_path / "photos" / "labels.csv").write_bytes("image,label\na.png,ねこ\n".encode("euc_jp"))
    previewed(form, tmp_path / "photos", qtbot)
    assert form.class_names() != ["ねこ"]
    assert form.encoding.itemText(0).startswith("found: ")
    form.classes.clear()
    form.encoding.setCurrentIndex(form.encoding.findData("euc_jp"))
    form.encoding.activated.emit(form.encoding.currentIndex())
    qtbot.waitUntil(lambda: form.report is not None, timeout=20000)
    assert form.class_names() == ["ねこ"]
    assert form.encoding.currentText() == "Japanese (EUC-JP)"
    assert form.encoding.itemText(0) == "find out"  # nothing was found out: it was chosen


def test_what_was_guessed_is_read_without_unfolding_anything(form, tmp_path, qtbot):
    write_picture(tmp_path / "photos" / "a.png", 1)
    (tmp_path / "photos" / "labels.csv").write_bytes("image,label\na.png,猫\n".encode("gb18030"))
    previewed(form, tmp_path / "photos", qtbot)
    assert "猫 in Chinese (GB18030)" in form.summary.text()
    assert len(entries(form.tree)["notes"]) == 1


def test_a_typed_class_name_means_itself(form, tmp_path, qtbot):
    for number, name in enumerate("ab"):
        write_picture(tmp_path / "photos" / f"{name}.png", number)
    (tmp_path / "photos" / "labels.csv").write_text("image,label\na.png,NA\nb.png,K\n")
    previewed(form, tmp_path / "photos", qtbot)
    assert form.class_names() == ["K"]
    form.classes.setText("NA, K")
    form.preview()
    qtbot.waitUntil(lambda: form.report is not None, timeout=20000)
    assert form.class_names() == ["K", "NA"]


def test_the_report_names_what_does_not_fit(form, images, qtbot):
    previewed(form, images, qtbot)
    found = entries(form.tree)
    assert any("nowhere.png" in text for text in found["⚠ unmatched entries (no such image)"])
    assert any("a2.png" in text for text in found["⚠ duplicate or ambiguous entries"])
    assert any("broken.png" in text for text in found["⚠ unreadable files and lines"])
    assert any("a3.png" in text for text in found["images without an entry"])
    assert "listed below" in form.summary.text()
    assert form.classes.text() == "cat, dog"
    assert not (images.parent / "photos_wsss").exists()  # nothing is written before Create


@pytest.mark.parametrize("name", ["report.txt", "report.json"])
def test_the_whole_report_can_be_kept(form, images, tmp_path, qtbot, name):
    assert not form.keep_button.isEnabled()
    previewed(form, images, qtbot)
    form.save_report(tmp_path / name)
    kept = (tmp_path / name).read_text()
    assert all(word in kept for word in ("nowhere.png", "broken.png", "a0.png"))
    assert name.endswith("txt") or json.loads(kept)["classes"] == ["cat", "dog"]


def test_create_makes_and_opens_the_project(form, images, qtbot, empty_session):
    previewed(form, images, qtbot)
    assert form.create_button.isEnabled()
    assert empty_session.next_steps.step == CREATE
    form.create_button.click()
    assert not form.create_button.isEnabled()
    assert empty_session.project.folder == images.parent / "photos_wsss"
    assert empty_session.table.classes.names == ("cat", "dog")
    assert empty_session.project.catalog.get("a1.png").labels == {"cat", "dog"}
    assert len(empty_session.project.catalog) == 4


def test_without_labels_the_names_of_the_classes_are_asked_for(form, tmp_path, qtbot):
    write_picture(tmp_path / "photos" / "a.png", 1)
    previewed(form, tmp_path / "photos", qtbot)
    assert "Write the names of the classes" in form.summary.text()
    assert not form.create_button.isEnabled()
    assert "names of classes" in form.create_button.toolTip()
    qtbot.keyClicks(form.classes, "cell")
    assert form.create_button.isEnabled()
    assert "stay as they are" in form.create_button.toolTip()


def test_what_is_left_out_is_said_where_there_are_no_labels(form, tmp_path, qtbot):
    (tmp_path / "stacks").mkdir()
    tifffile.imwrite(
        tmp_path / "stacks" / "a.ome.tif", np.zeros((3, 20, 24), np.uint16), ome=True, metadata={"axes": "ZYX"}
    )
    previewed(form, tmp_path / "stacks", qtbot)
    assert "volumes are not shown as such" in form.summary.text()
    assert form.summary.text().endswith("Write the names of the classes into the line below, then create the project.")


def test_what_is_asked_is_scrolled_into_view_from_below(form, tmp_path, qtbot):
    write_picture(tmp_path / "photos" / "a.png", 1)
    area, page, below = PageArea(), QWidget(), QWidget()
    below.setMinimumHeight(2000)
    page.setLayout(column(form, below))
    area.setWidget(page)
    qtbot.addWidget(area)
    area.resize(340, 420)
    area.show()
    area.verticalScrollBar().setValue(area.verticalScrollBar().maximum())
    previewed(form, tmp_path / "photos", qtbot)
    for part in (form.summary, form.classes, form.create_button):
        qtbot.waitUntil(lambda part=part: part.visibleRegion().boundingRect() == part.rect())
    form.setParent(None)  # both are closed by qtbot


def test_other_pictures_get_a_target_and_labels_of_their_own(form, images, tmp_path, qtbot):
    previewed(form, images, qtbot)
    form.source.text.setText(str(images / "labels.csv"))
    form.folder.text.setText(str(tmp_path / "mine"))
    write_picture(tmp_path / "others" / "a0.png", 1)
    form.open_images(tmp_path / "others")
    assert form.folder.path == tmp_path / "others_wsss"
    assert form.source.path is None


def test_a_dropped_table_is_for_the_pictures_around_it(form, images, qtbot):
    form.open_labels(images / "labels.csv")
    qtbot.waitUntil(lambda: form.report is not None, timeout=20000)
    assert form.images.path == images
    assert form.folder.path == images.parent / "photos_wsss"


def test_pages_and_channels_of_microscopes_are_chosen(form, tmp_path, qtbot, empty_session):
    said = {"axes": "TCYX", "Channel": {"Name": ["DAPI", "GFP"]}}
    (tmp_path / "slides" / "cell").mkdir(parents=True)
    stack = np.arange(3 * 2 * 16 * 20, dtype=np.uint16).reshape(3, 2, 16, 20)
    tifffile.imwrite(tmp_path / "slides" / "cell" / "s.ome.tif", stack, ome=True, metadata=said)
    previewed(form, tmp_path / "slides", qtbot)
    assert any("first of 3 pages" in note for note in form.report.notes)
    form.pages.click()
    form.channels.setText("3")
    form.channels.editingFinished.emit()
    qtbot.waitUntil(lambda: form.report is not None, timeout=20000)
    assert len(form.report.images) == 0, "a channel that is not there"
    assert len(form.report.unreadable) == 3
    form.channels.setText("4,x")
    form.channels.editingFinished.emit()
    assert "expected one channel" in form.summary.text()
    form.channels.setText("2")
    form.channels.editingFinished.emit()
    qtbot.waitUntil(lambda: form.report is not None, timeout=20000)
    form.create_button.click()
    project = empty_session.project
    assert list(project.catalog.ids()) == [f"cell/s.ome.tif/page-000{number}.png" for number in (1, 2, 3)]
    assert project.channels == (2,)
    assert "2 (GFP) in grey" in empty_session.table.image_note


def test_without_classes_nothing_can_be_created(form, images, qtbot):
    previewed(form, images, qtbot)
    form.classes.clear()
    form._allow()
    assert not form.create_button.isEnabled()


def test_images_alone_are_enough_with_a_class_list(form, images, qtbot, empty_session):
    form.kind.setCurrentIndex(form.kind.findData("none"))
    previewed(form, images, qtbot)
    assert not form.create_button.isEnabled()
    form.classes.setText("cat, dog , bird")
    form._allow()
    form.create_button.click()
    assert empty_session.table.classes.names == ("cat", "dog", "bird")
    assert empty_session.table.record.labels == frozenset()


def test_a_wrong_folder_is_said(form, tmp_path, qtbot):
    form.open_images(tmp_path / "missing")
    qtbot.waitUntil(lambda: "missing" in form.summary.text(), timeout=20000)
    assert not form.create_button.isEnabled()


def test_an_existing_project_is_never_overwritten(form, images, qtbot, empty_session):
    previewed(form, images, qtbot)
    form.create_button.click()
    empty_session.close_project()
    failures = []
    empty_session.signals.failed.connect(failures.append)
    previewed(form, images, qtbot)
    form.create_button.click()
    assert failures
    with Project.open(images.parent / "photos_wsss", read_only=True) as project:
        assert len(project.catalog) == 4


def test_the_names_of_a_wrong_encoding_are_forgotten_with_it(form, images, qtbot):
    table = images / "labels.csv"
    words = "image,label\na0.png,кошка\na1.png,собака\n"
    table.write_bytes(words.encode("koi8-r"))
    previewed(form, images, qtbot)
    assert form.report.classes == ("кошка", "собака")
    for chosen, names in (("cp1252", ("ËÏÛËÁ", "ÓÏÂÁËÁ")), ("", ("кошка", "собака"))):
        form.encoding.setCurrentIndex(form.encoding.findData(chosen))
        form.preview()
        qtbot.waitUntil(lambda: form.report is not None, timeout=20000)
        assert form.report.classes == names
