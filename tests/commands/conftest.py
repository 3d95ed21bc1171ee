"""A project to type commands about."""

from pathlib import Path

import pytest

from napari_wsss.cli import main
from napari_wsss.commands.base import DONE


@pytest.fixture
def project_folder(tmp_path: Path, sample_folder: Path) -> Path:
    """Return a project on ten generated pictures (8 train, 2 val)."""
    folder = tmp_path / "project"
    assert main(["create", "--images", str(sample_folder), "--project", str(folder)]) == DONE
    return folder


@pytest.fixture
def sample_masks(sample_folder: Path) -> str:
    """Return the folder of the generated pictures' true masks."""
    return str(sample_folder / "SegmentationClass")
