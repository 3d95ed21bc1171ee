"""Questions only a process with torch can answer (a stage's options, the device), asked in a short child process."""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from napari_wsss.core.errors import StepError
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.processes.children import Followed, python

LONGEST_SECONDS = 120
_DEVICE = """
import json
import torch
from napari_wsss.networks.device import choose_device
device = choose_device("auto")
if device.type == "cuda":
    free, _ = torch.cuda.mem_get_info(device)
    text = f"{device} · {torch.cuda.get_device_name(device)} · {free / 2**30:.0f} GiB free"
else:
    text = f"{str(device).upper()} · torch {torch.__version__}"
print(json.dumps([text]))
"""

_WEIGHTS = """
import json
import sys
from napari_wsss.weights.at_hand import missing_weights
print(json.dumps([missing_weights(*sys.argv[1:])]))
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
    typed = [word for name, value in (chosen or {}).items() for word in (f"--{name}", value)]
    described: list[dict[str, Any]] = yield from _answer(python("-m", "training.run", stage, *typed, "--describe"))
    return described


def describe_device() -> Steps[str]:
    """Return one line about the device that inference and training use; raises `StepError` without torch."""
    found = yield from _answer(python("-c", _DEVICE))
    return str(found[0])


def find_missing_weights(trunk: str, source: str) -> Steps[str]:
    """Return what keeps a training from its trunk's weights, "" where nothing does; see `weights.at_hand`.

    The child loads no torch, but may wait for the network.
    """
    found = yield from _answer(python("-c", _WEIGHTS, trunk, source))
    return str(found[0])


def _answer(command: Sequence[str]) -> Steps[list[Any]]:
    """Return the last list in JSON that a command writes."""
    asked = Progress("describe", 0, 1)
    yield asked
    answer, last_text, deadline = None, "no message", time.monotonic() + LONGEST_SECONDS
    try:
        child = Followed(command)
    except OSError as reason:
        raise StepError(f"The computing program did not answer ({reason}).", missing=("torch",)) from reason
    with child:
        for line in child:
            found = _list_in(line)
            answer = answer if found is None else found
            last_text = line or last_text
            if time.monotonic() > deadline:
                raise StepError(f"The computing program did not answer within {LONGEST_SECONDS} s.", missing=("torch",))
            yield asked  # a moment at which the job can be cancelled
    if child.code or answer is None:
        hint = ' Install it with: pip install "napari-wsss[torch]".' if "torch" in last_text else ""
        raise StepError(f"Computing is not possible here: {last_text}.{hint}", missing=("torch",))
    return answer


def _list_in(line: str) -> list[Any] | None:
    """Return the JSON list in a line, None when it is something else (torch too writes lines that begin with ``[``)."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, list) else None
