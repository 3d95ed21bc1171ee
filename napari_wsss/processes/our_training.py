"""Whether `training` is ours: the name is a common one, and another package of this name may lie before or over it."""

from collections.abc import Sequence
from importlib.machinery import PathFinder
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from pathlib import Path

OUR_NAME = "napari-wsss"
ROOT = Path(__file__).resolve().parents[2]
"""Where `training` lies beside `napari_wsss`, in a checkout as where packages are installed."""
_OURS = {"__init__.py": b"napari-wsss", "run.py": b"napari_wsss"}
"""File -> what stands in ours and hardly in anybody else's."""


def foreign_training(path: Sequence[str]) -> str:
    """Return a sentence about a `training` that is not ours and what to do, "" when it is ours; nothing is imported.

    Parameters
    ----------
    path : sequence of str
        Where a child looks for modules, in order. Where it finds none there, an import hook of ours does (an editable
        install).
    """
    found = PathFinder.find_spec("training", path)
    places = [Path(place).resolve() for place in (found.submodule_search_locations or ())] if found else []
    if found and ROOT / "training" not in places:
        where = found.origin or ", ".join(map(str, places))
        return f"Python finds the package `training` in {where}, not ours in {ROOT / 'training'}. {_advice()}"
    for name, mark in _OURS.items():
        file = ROOT / "training" / name
        if not file.is_file() or mark not in file.read_bytes():
            return f"Another package has written over our {file}. {_advice()}"
    changed = _changed_since_installed()
    return f"Our {changed} is not the file that was installed. {_advice()}" if changed else ""


def _changed_since_installed() -> str:
    """Return the first module of ours whose size is not the one noted at installation, "" where all are, or none is.

    Another package may bring a file of a name that one of ours has (``training/config.py``) and leave the rest. In a
    checkout nothing is noted.
    """
    try:
        installed = distribution(OUR_NAME)
    except PackageNotFoundError:
        return ""
    for file in installed.files or ():
        if file.parts[0] != "training" or file.size is None:
            continue
        place = Path(str(file.locate()))
        if place.is_relative_to(ROOT) and place.is_file() and place.stat().st_size != file.size:
            return str(place)
    return ""


def _advice() -> str:
    others = [name for name in packages_distributions().get("training", []) if name != OUR_NAME]
    who = f"It belongs to {', '.join(sorted(set(others)))}. " if others else ""
    return (
        f"{who}Install napari-wsss into an environment of its own, or uninstall the other one and then run: "
        "pip install --force-reinstall --no-deps napari-wsss"
    )
