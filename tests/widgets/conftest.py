"""Small projects for the panel: the session tests' pictures and torch-free localizer, brought into the Qt thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("qtpy")
pytest.importorskip("napari")

from napari.components import ViewerModel

from napari_wsss.core.plan import Step
from napari_wsss.core.progress import Progress
from napari_wsss.project.project import Project
from napari_wsss.session.runs import trunk_weights
from napari_wsss.session.session import Session
from napari_wsss.widgets.keys.actions import Actions
from napari_wsss.widgets.layers.viewer_sync import ViewerSync
from napari_wsss.widgets.project import page as project_page
from napari_wsss.widgets.relay import QtRelay
from napari_wsss.widgets.train import page as train_page
from napari_wsss.widgets.train import stage_options
from tests.session.conftest import _colours_on_the_shelf, build_project, colours_plan, write_checkpoint

__all__ = ["_colours_on_the_shelf"]

OPTIONS = [
    {"section": "network", "name": "trunk_weights", "default": "imagenet", "title": "Encoder weights (trunk)"},
    {"section": "optimisation", "name": "epochs", "default": 5, "title": "Epochs", "minimum": 1},
    {"section": "optimisation", "name": "preset", "default": "auto", "choices": ["auto", "paper"]},
    {"section": "augmentation", "name": "crop", "default": 321, "title": "Crop"},
    {"section": "augmentation", "name": "scale_low", "default": 0.9},
    {"section": "augmentation", "name": "scale_high", "default": 1.5},
    {"section": "augmentation", "name": "scale_of", "default": "crop", "choices": ["crop", "image"]},
    {"section": "hardware", "name": "threads", "default": 0, "title": "Threads", "advanced": True},
]
"""What `describe_stage` says here: asking the real program would load torch in a child process for every window."""


def _answered(answer):
    yield Progress("describe", 0, 1)
    return answer


@pytest.fixture(autouse=True)
def _no_child_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage_options, "describe_stage", lambda stage, chosen: _answered(OPTIONS))
    monkeypatch.setattr(trunk_weights, "find_missing_weights", lambda trunk, source: _answered(""))
    for page in (project_page, train_page):
        monkeypatch.setattr(page, "describe_device", lambda: _answered("CPU · test"))


BACKGROUND_STEP = Step("constant_background", {"background_threshold": 0.5})


@pytest.fixture
def project_folder(tmp_path: Path) -> Path:
    """Return a closed project of six pictures of 24 x 32 pixels (classes red, green, blue), without a model."""
    return build_project(tmp_path)


@pytest.fixture
def model_folder(project_folder: Path) -> Path:
    """Return the project with a localizer applied whose maps are the colour channels."""
    write_checkpoint(project_folder)
    with Project.open(project_folder) as project:
        project.set_plan(colours_plan(BACKGROUND_STEP))
    return project_folder


@pytest.fixture
def relay(qapp: object) -> Iterator[QtRelay]:
    made = QtRelay()
    yield made
    made.close()


@pytest.fixture
def empty_session(relay: QtRelay, tmp_path: Path) -> Iterator[Session]:
    """Return a session without a project; it is closed in the end."""
    session = Session(relay, tmp_path / "config")
    yield session
    session.close_project(discard_unsaved=True)


@pytest.fixture
def settle(qtbot: object) -> Callable[[Session], None]:
    """Return a function that lets Qt work until no job of a session is left."""

    def wait(session: Session) -> None:
        qtbot.waitUntil(lambda: not session.jobs.all, timeout=60000)

    return wait


@pytest.fixture
def session(empty_session: Session, model_folder: Path, settle: Callable[[Session], None]) -> Session:
    """Return a session on a project whose maps and proposals are computed; p0.png (red, green) is shown."""
    empty_session.open_project(model_folder)
    empty_session.inference.start()
    settle(empty_session)
    return empty_session


@pytest.fixture
def viewer(qapp: object) -> ViewerModel:
    """Return a viewer without a window."""
    return ViewerModel()


@pytest.fixture
def sync(viewer: ViewerModel, session: Session) -> Iterator[ViewerSync]:
    made = ViewerSync(viewer, session)
    yield made
    made.close()


@pytest.fixture
def actions(session: Session, sync: ViewerSync) -> Actions:
    return Actions(session, sync)
