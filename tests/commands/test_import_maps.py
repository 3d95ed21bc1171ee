"""Maps made elsewhere, from a terminal."""

from pathlib import Path

import numpy as np
import pytest

from napari_wsss.cli import main
from napari_wsss.commands.base import CORRECTABLE, DONE
from napari_wsss.project.project import Project


def test_looked_at_and_taken(project_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Project.open_to_read(project_folder) as project:
        ids = list(project.catalog.ids())[:3]
    (tmp_path / "cams").mkdir()
    for image_id in ids:
        np.save(tmp_path / "cams" / f"{Path(image_id).stem}.npy", {k: np.ones((24, 24), np.float32) for k in range(4)})
    command = ["import-maps", "--project", str(project_folder), "--maps", str(tmp_path / "cams")]
    assert main([*command, "--dry-run"]) == DONE
    assert "Maps of 3 images can be used" in capsys.readouterr().out
    assert main(command) == DONE
    assert "training/imported-1" in capsys.readouterr().out
    with Project.open_to_read(project_folder) as project:
        assert project.plan.localizer.method == "imported"


def test_nothing_usable_is_no_success(project_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "cams").mkdir()
    command = ["import-maps", "--project", str(project_folder), "--maps", str(tmp_path / "cams")]
    assert main(command) == CORRECTABLE
    np.save(tmp_path / "cams" / "nobody.npy", {0: np.ones((2, 2))})
    assert main(command) == CORRECTABLE
