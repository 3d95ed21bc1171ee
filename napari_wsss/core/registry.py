"""Lists a shelf of methods from its folder without importing it, and imports one method on demand.

Third parties add a method through the entry-point group named like the shelf (``napari_wsss.localize`` ...).
"""

import ast
import importlib
import inspect
import os
import pkgutil
import sys
from functools import cache, lru_cache
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from napari_wsss.core.errors import StepError

Shelf = Literal["localize", "saliency", "affinity", "refine", "segment", "exchange.readers", "exchange.writers"]
SHELVES: tuple[Shelf, ...] = ("localize", "saliency", "affinity", "refine", "segment")
"""Those of methods that a plan names."""
CONTRACTS: dict[Shelf, str] = {
    "localize": "Localizer",
    "saliency": "SaliencyModel",
    "affinity": "AffinityModel",
    "refine": "Refiner",
    "segment": "Segmenter",
    "exchange.readers": "Reader",
    "exchange.writers": "Writer",
}
NOT_METHODS = ("base",)


def method_names(shelf: Shelf) -> tuple[str, ...]:
    """Return the method names of a shelf, ours first, each a file name or an entry-point name; imports nothing."""
    return tuple(dict.fromkeys([*_own_names(shelf), *sorted(_foreign(shelf))]))


def own_method_names(shelf: Shelf) -> tuple[str, ...]:
    """Return the names of the methods that are ours; imports nothing."""
    return _own_names(shelf)


def load_method(shelf: Shelf, name: str) -> type[Any]:
    """Import and return the class that implements method `name` of `shelf`.

    Raises
    ------
    StepError
        When there is no such method, or what it needs is not installed.
    """
    is_ours = name in _own_names(shelf)
    if not is_ours and name not in method_names(shelf):
        known = ", ".join(method_names(shelf)) or "none"
        raise StepError(f"There is no {shelf} method {name!r}; the known ones are: {known}.")
    try:
        if is_ours:
            return _contract_class(shelf, f"napari_wsss.{shelf}.{name}")
        loaded: type[Any] = _foreign(shelf)[name].load()
        return loaded
    except ModuleNotFoundError as missing:
        raise StepError(
            f"The {shelf} method {name!r} needs the package {missing.name!r}, which is not installed. "
            f'Install it, for example with: pip install "napari-wsss[{"formats" if "." in shelf else "torch"}]".',
            missing=(missing.name or "",),
        ) from missing


def method_title(shelf: Shelf, name: str) -> str:
    """Return the title of a method for menus, read from its source without importing it; its name where that fails."""
    return declared(shelf, name, "title") or name.replace("_", " ")


def declared(shelf: Shelf, name: str, attribute: str) -> str:
    """Return the text that a method of ours declares for an attribute of its class, without importing it; else ""."""
    found = find_spec(f"napari_wsss.{shelf}.{name}") if name in _own_names(shelf) else None
    if found is None or found.origin is None:
        return ""
    return _assigned(found.origin).get(attribute, "")


def said_of(shelf: Shelf, name: str) -> str:
    """Return the first line of the docstring of a method's file, without importing it; "" for one that is not ours."""
    found = find_spec(f"napari_wsss.{shelf}.{name}") if name in _own_names(shelf) else None
    if found is None or found.origin is None:
        return ""
    return (ast.get_docstring(ast.parse(Path(found.origin).read_text(encoding="utf-8"))) or "").partition("\n")[0]


@cache
def _assigned(source: str) -> dict[str, str]:
    """Return the constants that a source file assigns to names, the outermost and first one of each name."""
    found: dict[str, str] = {}
    for node in ast.walk(ast.parse(Path(source).read_text(encoding="utf-8"))):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        value = getattr(node, "value", None)
        if isinstance(value, ast.Constant) and len(targets) == 1:
            found.setdefault(getattr(targets[0], "id", ""), str(value.value))
    return found


def _own_names(shelf: Shelf) -> tuple[str, ...]:
    spec = find_spec(f"napari_wsss.{shelf}")
    folders = tuple(spec.submodule_search_locations or ()) if spec else ()
    # A folder's time changes with the files in it; every proposal asks for several methods.
    return _modules_in(folders, tuple(os.stat(folder).st_mtime_ns for folder in folders))


@lru_cache(maxsize=2 * len(CONTRACTS))
def _modules_in(folders: tuple[str, ...], _changed: tuple[int, ...]) -> tuple[str, ...]:
    found = sorted(module.name for module in pkgutil.iter_modules(folders))
    return tuple(name for name in found if name not in NOT_METHODS and not name.startswith("_"))


def _foreign(shelf: Shelf) -> dict[str, EntryPoint]:
    return {point.name: point for point in _installed(f"napari_wsss.{shelf}", tuple(sys.path))}


@lru_cache(maxsize=2 * len(CONTRACTS))
def _installed(group: str, path: tuple[str, ...]) -> EntryPoints:
    """Return the entry points of a group; kept as long as the import path is `path`, as finding them takes 10 ms."""
    return entry_points(group=group)


def _contract_class(shelf: Shelf, module_name: str) -> type[Any]:
    contract = getattr(importlib.import_module(f"napari_wsss.{shelf}.base"), CONTRACTS[shelf])
    module = importlib.import_module(module_name)
    found = [
        member
        for _, member in inspect.getmembers(module, inspect.isclass)
        if issubclass(member, contract) and member.__module__ == module_name
    ]
    if len(found) != 1:
        raise StepError(
            f"{module_name} holds {len(found)} {contract.__name__} classes; a method file holds exactly one."
        )
    return found[0]
