"""Questions only a process with torch can answer (a stage's options, the device), asked in a short child process."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from napari_wsss.core.errors import StepError
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.session.runs.process import environment

LONGEST_SECONDS = 120
_DEVICE = """
import torch
from napari_wsss.networks.device import choose_device
device = choose_device("auto")
if device.type == "cuda":
    free, _ = torch.cuda.mem_get_info(device)
    print(f"{device} · {torch.cuda.get_device_name(device)} · {free / 2**30:.0f} GiB free")
else:
    print(f"{str(device).upper()} · torch {torch.__version__}")
"""


def describe_stage(stage: str, chosen: Mapping[str, str] | None = None) -> Steps[list[dict[str, Any]]]:
    """Return the options of ``python -m training.run <stage>`` as plain JSON types, one entry per option.

    Parameters
    ----------
    stage : str
    chosen : mapping, optional
        Options that decide which others there are and their values: ``method``, ``preset``.

    Raises
    ------
    StepError
        When the stage cannot run here (torch is missing), with what it said.
    """
    yield Progress("describe", 0, 1, stage)
    typed = [word for name, value in (chosen or {}).items() for word in (f"--{name}", value)]
    lines = _answer(["-m", "training.run", stage, *typed, "--describe"])
    described: list[dict[str, Any]] = json.loads(next(line for line in reversed(lines) if line.startswith("[")))
    return described


def describe_device() -> Steps[str]:
    """Return one line about the device that inference and training use; raises `StepError` without torch."""
    yield Progress("describe", 0, 1, "device")
    return _answer(["-c", _DEVICE])[-1]


def _answer(arguments: list[str]) -> list[str]:
    try:
        ended = subprocess.run(
            [sys.executable, *arguments],
            capture_output=True,
            text=True,
            timeout=LONGEST_SECONDS,
            env=environment(),
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as reason:
        raise StepError(f"The computing program did not answer ({reason}).", missing=("torch",)) from reason
    lines = ended.stdout.strip().splitlines()
    if ended.returncode or not lines:
        said = (ended.stderr.strip().splitlines() or ["no message"])[-1]
        hint = ' Install it with: pip install "napari-wsss[torch]".' if "torch" in said else ""
        raise StepError(f"Computing is not possible here: {said}.{hint}", missing=("torch",))
    return lines
