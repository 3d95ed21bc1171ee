"""The lines that tell of new photographs and add them."""

import pytest

from napari_wsss.widgets.controls.listening import let_go
from napari_wsss.widgets.project.new_pictures import NewPictures
from tests.session.conftest import write_picture


@pytest.fixture
def made(empty_session, qtbot):
    made = NewPictures(empty_session)
    qtbot.addWidget(made)
    yield made
    let_go(made)


def test_what_is_noticed_is_looked_at_before_it_is_added(made, empty_session, project_folder, settle):
    assert not made.look.isEnabled()
    write_picture(project_folder.parent / "images/new.png", 9)
    empty_session.open_project(project_folder)
    settle(empty_session)
    assert "1 picture of the image folder is not in this project" in made.text.text()
    assert not made.add.isEnabled()
    made.look.click()
    settle(empty_session)
    assert "1 new image" in made.text.text()
    made.add.click()
    settle(empty_session)
    assert "new.png" in empty_session.project.catalog
    assert made.text.text() == ""
    assert not made.add.isEnabled()
