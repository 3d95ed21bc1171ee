"""What parts of the images came to, left in a folder by their workers and added up afterwards.

All counts are whole numbers, so that their sums are the same in whichever order and parts they are added.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.errors import StepError
from napari_wsss.core.files import parsed_object, publish_bytes, read_regular, text
from napari_wsss.project.sharing.share import Part
from training.scoring.left_out import LeftOut
from training.scoring.metrics import Scores, Sweep
from training.scoring.missing import Missing

Sums = Scores | Sweep
_NAME = "sums-{number}-of-{count}.npz"


def leave(folder: Path, part: Part, key: str, sums: Sums, left_out: LeftOut) -> None:
    """Publish what a part of the images came to.

    Parameters
    ----------
    folder : Path
        For the parts of one run.
    part : Part
    key : str
        Of all that decides figures: only sums of the same key are added up.
    sums : Scores or Sweep
        With what is missing.
    left_out : LeftOut
        Images of the part that are not counted.
    """
    record = json.dumps({"key": key, "left_out": left_out}).encode()
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **_arrays(sums), record=np.frombuffer(record, np.uint8))  # type: ignore[arg-type]
    publish_bytes(_path(folder, part), buffer.getvalue())


def added_up(folder: Path, parts: Iterable[Part], key: str, nothing: Sums, left_out: LeftOut) -> Sums:
    """Return what all images came to.

    Parameters
    ----------
    folder : Path
    parts : iterable of Part
        All of a whole.
    key : str
        As `leave` was given it.
    nothing : Scores or Sweep
        The figures of no image.
    left_out : LeftOut
        Receives the images that are not counted.

    Raises
    ------
    StepError
        When parts are missing, damaged, or of another run.
    """
    sums, parts = nothing, list(parts)
    missing = [str(part) for part in parts if not _path(folder, part).is_file()]
    if missing:
        raise StepError(
            f"{folder} lacks what {len(missing)} of {len(parts)} parts came to, first part {missing[0]}. Run these "
            f"with --shard and --parts {folder} first."
        )
    for part in parts:
        path = _path(folder, part)
        try:
            found, record = _read(path, nothing)
        except (OSError, ValueError, KeyError, zipfile.BadZipFile, EOFError) as reason:
            raise StepError(f"{path} is damaged ({reason}). Run the part {part} again.") from reason
        if text(record, "key") != key:
            raise StepError(
                f"{path} is of another run: other options, another model or plan. Give every run a folder of its own, "
                f"or run the part {part} again."
            )
        sums = _plus(sums, found)
        left_out.update({str(name): str(why) for name, why in dict(record["left_out"]).items()})
    return sums


def parts_in(folder: Path) -> list[Part]:
    """Return the parts of the whole that the files of a folder belong to, all of them.

    Raises
    ------
    StepError
        When there is none, or they are of wholes that were divided differently.
    """
    counts = {int(path.stem.rpartition("-")[2]) for path in folder.glob(_NAME.format(number="[0-9]*", count="[0-9]*"))}
    if len(counts) == 1:
        return Part().split(counts.pop())
    found = f"parts of {' and of '.join(map(str, sorted(counts)))}" if counts else "none"
    raise StepError(f"{folder} should hold what the parts of one run came to; found {found}. Choose another --parts.")


def _plus(sums: Sums, more: Sums) -> Sums:
    if isinstance(sums, Sweep):
        assert isinstance(more, Sweep)
        return sums + more
    assert isinstance(more, Scores)
    return sums + more


def _path(folder: Path, part: Part) -> Path:
    return folder / _NAME.format(number=part.number, count=part.count)


def _arrays(sums: Sums) -> dict[str, NDArray[np.int64]]:
    assert sums.missing is not None
    if isinstance(sums, Sweep):
        return {"matrices": sums.matrices, "missing": sums.missing}
    missing = np.stack(list(vars(sums.missing).values()))
    return {"matrices": sums.matrix, "missing": missing, "undecided": np.asarray(sums.undecided, np.int64)}


def _read(path: Path, nothing: Sums) -> tuple[Sums, dict[str, Any]]:
    with np.load(io.BytesIO(read_regular(path)), allow_pickle=False) as file:
        found = {name: file[name] for name in _arrays(nothing)}
        record = parsed_object(file["record"].tobytes())
    for name, array in _arrays(nothing).items():
        if found[name].shape != array.shape or found[name].dtype != array.dtype:
            raise ValueError(f"{name} is {found[name].dtype} {found[name].shape}, expected {array.dtype} {array.shape}")
    if isinstance(nothing, Sweep):
        return Sweep(nothing.thresholds, found["matrices"], nothing.names, found["missing"]), record
    missing = Missing(*found["missing"])
    return Scores(found["matrices"], nothing.names, int(found["undecided"]), missing), record
