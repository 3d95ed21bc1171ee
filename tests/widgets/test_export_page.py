"""The Export page offers what fits, looks first, exports and shows where."""

import pytest

from napari_wsss.session.export_choices import WHAT
from napari_wsss.widgets import export_page
from napari_wsss.widgets.controls.basic import choose
from napari_wsss.widgets.controls.listening import let_go
from napari_wsss.widgets.export_page import ExportPage


@pytest.fixture
def page(session, qtbot):
    made = ExportPage(session)
    qtbot.addWidget(made)
    yield made
    let_go(made)


def pick(box, value: str) -> None:
    """Choose an entry as a person does."""
    choose(box, value)
    box.activated.emit(box.currentIndex())


def test_look_first_then_export_then_open(page, session, settle, monkeypatch, tmp_path):
    session.decisions.accept()
    page.folder.setText(str(tmp_path / "out"))
    page.look.click()
    settle(session)
    assert "Masks of 1 image would be written" in page.report.text()
    assert not (tmp_path / "out").exists()
    assert not page.show_folder.isEnabled()
    page.write.click()
    settle(session)
    assert "Masks of 1 image written" in page.report.text()
    opened = []
    monkeypatch.setattr(export_page.QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()) or True)
    page.show_folder.click()
    assert opened == [str(tmp_path / "out")]


def test_every_format_has_a_folder_of_its_own_unless_a_person_chose_one(page, session, tmp_path):
    """What lies in a folder is of one choice, so a second format would be refused there."""
    first = page.folder.text()
    pick(page.format, "coco")
    assert page.folder.text() == f"{session.project.folder}-coco" != first
    pick(page.what, "maps")
    assert page.folder.text().endswith("-maps_irn")
    page.folder.setText(str(tmp_path))
    pick(page.what, "masks")
    assert page.folder.text() == str(tmp_path)


def test_why_nothing_was_exported_stands_on_the_page(page, session, settle, tmp_path):
    page.folder.setText(str(tmp_path))
    page.write.click()
    settle(session)
    assert "No image is accepted" in page.report.text()
    session.decisions.accept()
    page.write.click()
    settle(session)
    page.beside["grey"].setChecked(True)
    page.write.click()
    settle(session)
    assert "another choice" in page.report.text()


def test_every_choice_counts(page, tmp_path):
    page.beside["grey"].setChecked(True)
    page.search.setText(" split:val ")
    page.replaced.setChecked(True)
    page.overwrite.setChecked(True)
    pick(page.format, "coco")
    pick(page.images, "link")
    pick(page.states, "accepted draft")
    choice = page.choice
    assert (choice.formats, choice.images, choice.states) == (("coco", "grey"), "link", ("accepted", "draft"))
    assert (choice.search, choice.replaced, choice.overwrite) == ("split:val", True, True)


@pytest.mark.parametrize("what", WHAT)
def test_formats_fit_what_is_handed_out(page, what):
    pick(page.what, what)
    names = {page.format.itemData(place) for place in range(page.format.count())}
    assert ("coco" in names) == (what in ("masks", "proposals"))
    assert page.replaced.isEnabled() == (what == "masks")
    assert page.choice.wanted == (("accepted",) if what == "masks" else page.choice.wanted)
    page.beside["preview"].setChecked(True)
    assert ("preview" in page.choice.formats) == (what in ("masks", "proposals"))


def test_a_long_report_is_cut_and_a_missing_folder_asked_for(page, session):
    page.folder.setText("")
    page.write.click()
    assert page.report.text() == "Choose a folder to write into."

    class Report:
        dry_run = True

        def summary(self) -> str:
            return "\n".join(f"line {k}" for k in range(40))

    session.exports.told.emit(Report())
    lines = page.report.text().splitlines()
    assert len(lines) == export_page.MOST_LINES + 1
    assert lines[-1].startswith("… and 28 lines more")


def test_without_a_project_nothing_can_be_begun(page, session):
    assert page.folder.text().endswith("-voc")
    session.close_project()
    assert not page.write.isEnabled()
    assert page.report.text() == "Open a project first."
