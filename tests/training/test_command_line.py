"""What is typed after `python -m training.run`: options from files, exit codes."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from napari_wsss.core.errors import ProjectError
from training.command_line import guarded, parsed


def test_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    def fails(error: BaseException) -> int:
        def stage() -> int:
            raise error

        return guarded(stage)

    assert guarded(lambda: 0) == 0
    assert fails(ProjectError("bad folder")) == 4
    assert fails(KeyboardInterrupt()) == 3
    assert fails(MemoryError()) == 5
    assert fails(RuntimeError("CUDA out of memory. Tried to allocate 3 GiB")) == 5
    assert "smaller" in capsys.readouterr().err
    with pytest.raises(RuntimeError, match="a bug"):
        fails(RuntimeError("a bug"))
    for code, advice in ((errno.EACCES, "permissions"), (errno.EROFS, "permissions"), (errno.ENOSPC, "--resume")):
        assert fails(OSError(code, os.strerror(code), "training")) == 4
        said = capsys.readouterr().err
        assert said.startswith("training: ")
        assert advice in said
    with pytest.raises(OSError, match="input/output"):
        fails(OSError(errno.EIO, "input/output"))


def test_a_file_gives_the_options_of_any_stage(tmp_path: Path) -> None:
    told = tmp_path / "c.json"
    told.write_text(
        json.dumps({"model": "m.onnx", "folder": "photos", "out": "found", "scales": [0.5, 1], "flip": False})
    )
    found = parsed(["predict", "--config", str(told), "--out", "mine"])
    assert (str(found.model), str(found.folder), str(found.out)) == ("m.onnx", "photos", "mine")
    assert (list(found.scales), found.flip, found.config) == ([0.5, 1.0], False, None)


def test_a_trainings_file_holds_options_or_sections(tmp_path: Path) -> None:
    told = tmp_path / "c.json"
    told.write_text(json.dumps({"project": "p", "method": "seam", "equivariance_weight": 0.5, "epochs": 3}))
    found = parsed(["classifier", "--config", str(told), "--epochs", "2"])
    assert (found.method, found.equivariance_weight, found.epochs) == ("seam", 0.5, 2)
    told.write_text(json.dumps({"method": "seam", "optimisation": {"epochs": 3}}))
    found = parsed(["classifier", "--config", str(told), "--project", "p"])
    assert found.config == told
    assert not hasattr(found, "epochs")


def test_a_stages_own_file_is_left_to_it(tmp_path: Path) -> None:
    told = tmp_path / "c.json"
    told.write_text(json.dumps({"plan": {}}))
    assert parsed(["refine", "--project", "p", "--config", str(told)]).config == told
    told.write_text(json.dumps({"project": "p", "refiners": ["power_background"]}))
    found = parsed(["refine", "--config", str(told)])
    assert (str(found.project), found.refiners, found.config) == ("p", ["power_background"], None)
