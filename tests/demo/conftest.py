"""The panel's small projects serve the demonstration too."""

from __future__ import annotations

import pytest

pytest.importorskip("qtpy")
pytest.importorskip("napari")

from tests.widgets.conftest import _colours_on_the_shelf, _no_child_questions, model_folder, project_folder

__all__ = ["_colours_on_the_shelf", "_no_child_questions", "model_folder", "project_folder"]
