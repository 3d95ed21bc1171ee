"""What every test may use: a small generated data set, the real data where it is, and a screen only where needed."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import settings

from tests.tiny_project import images_root, mask, project

__all__ = ["images_root", "mask", "project"]

# Before anything loads torch: waiting threads that spin slow a busy machine down by an order of magnitude.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # the workers share the cores

settings.register_profile("any machine", settings(), deadline=None)  # how fast it is, is no property
settings.load_profile("any machine")

ROOT = Path(__file__).parents[1]
HAS_SCREEN = sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
if not HAS_SCREEN:
    # Without it Qt would abort the whole run at the first widget; panels without a canvas work this way.
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


def _screen_of_this_worker() -> subprocess.Popen[bytes] | None:
    """Start a screen for one of several workers: two windows on one screen would take the keyboard from each other."""
    several = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")) > 1
    if not (several and os.environ.get("DISPLAY") and shutil.which("Xvfb")) or os.environ.get("WSSS_DISPLAY") == "real":
        return None
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1600x1000x24", "-noreset", "-nolisten", "tcp"]
    started = subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL)
    os.close(writing)
    with os.fdopen(reading) as told:
        os.environ["DISPLAY"] = f":{told.readline().strip()}"
    return started


SCREEN = _screen_of_this_worker()
at_file = ""


def pytest_unconfigure() -> None:
    """Take the worker's screen away."""
    if SCREEN is not None:
        SCREEN.terminate()
        SCREEN.wait()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the longest tests begin first, so that no worker waits for them; skip a viewer's where it could not draw."""
    items.sort(key=lambda item: "e2e" not in item.path.parts)
    if HAS_SCREEN:
        return
    skip = pytest.mark.skip(reason="a napari viewer needs a display; `make test` brings a virtual one")
    for item in items:
        if item.get_closest_marker("gui"):
            item.add_marker(skip)


def pytest_runtest_logstart(nodeid: str) -> None:
    """Let the garbage collector pass over what is there before each file: a million objects in the end.

    Those are of the packages that were loaded; closing a window makes it look at all of them.
    """
    global at_file
    file = nodeid.partition("::")[0]
    if file != at_file:
        at_file = file
        gc.collect()  # what nobody has any more would else stay for good
        gc.freeze()


@pytest.fixture
def make_napari_viewer(make_napari_viewer: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Return napari's own fixture; the window does without what napari does for drivers of Windows.

    Whenever a layer is taken away there, the garbage collector looks at every object there is.
    """
    if sys.platform != "win32":
        monkeypatch.setattr("napari._vispy.canvas.gc", SimpleNamespace(collect=lambda: 0), raising=False)
    return make_napari_viewer


def _folder(variable: str, default: str) -> Path:
    folder = Path(os.environ.get(variable) or ROOT / default)
    if not folder.is_dir():
        pytest.skip(f"no folder {folder}; name it with {variable}")
    return folder


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """Return the folder of real photographs (`WSSS_DATA`), or skip."""
    return _folder("WSSS_DATA", "../shared/data")


@pytest.fixture(scope="session")
def weights_folder() -> Path:
    """Return the folder of published weights (`WSSS_WEIGHTS`), or skip."""
    return _folder("WSSS_WEIGHTS", "../shared/weights")


@pytest.fixture(scope="session")
def cases_folder() -> Path:
    """Return the folder of inputs that once failed (`WSSS_CASES`), or skip."""
    return _folder("WSSS_CASES", "../shared/cases")


@pytest.fixture(scope="session")
def sample_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a generated VOC-style folder of 10 pictures of 96 pixels; do not write into it."""
    from napari_wsss.sample.project import generate_sample

    return generate_sample(tmp_path_factory.mktemp("sample"), images=10, size=96).folder
