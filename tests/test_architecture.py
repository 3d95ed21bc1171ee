"""Who may import whom: every import against the table of ARCHITECTURE, no circles, folders of a size to read."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SHELVES = ("localize", "saliency", "affinity", "refine", "segment")
NUMERIC = {"numpy", "scipy", "skimage", "sklearn"}
ON_DISK = {"core", "pixels", "project"}
MADE = {*ON_DISK, "processes", "clusters", "pipeline"}
BELOW_SHELVES = {"core", "pixels", "networks", "weights"}
SHELF = ({*BELOW_SHELVES, "processes", "trunk_network"}, NUMERIC | {"torch", "pydensecrf"})

# Area -> (areas of ours it may import, third-party packages). An area always may import itself.
TABLE: dict[str, tuple[set[str], set[str]]] = {
    "core": (set(), {"numpy", "PIL"}),
    "processes": ({"core"}, {"psutil", "yaml"}),
    "pixels": ({"core"}, {"numpy", "scipy", "PIL", "skimage", "tifffile", "zarr"}),
    "project": ({"core", "processes", "pixels"}, {"numpy", "PIL"}),
    "clusters": ({"core", "project"}, {"numpy"}),
    "networks": (set(), {"torch", "timm"}),
    "weights": ({"core"}, {"numpy", "torch", "safetensors", "platformdirs"}),
    "promptable": ({"core", "pixels"}, {"numpy", "scipy", "PIL", "onnx", "onnxruntime"}),
    "trunk_network": (BELOW_SHELVES, {"numpy", "torch"}),
    **dict.fromkeys(SHELVES, SHELF),
    "exchange": (ON_DISK, {"chardet", "numpy", "PIL", "tifffile", "zarr"}),
    "pipeline": ({*ON_DISK, "clusters"}, {"numpy", "PIL"}),
    "prediction": ({*BELOW_SHELVES, "exchange", "project", "pipeline"}, {"numpy", "PIL", "torch", "onnxruntime"}),
    "published": (BELOW_SHELVES, {"torch"}),
    "session": ({*MADE, "exchange"}, {"numpy", "PIL", "psygnal", "platformdirs"}),
    "widgets": ({*MADE, "session", "sample"}, {"numpy", "qtpy", "magicgui", "superqt", "napari", "pyqtgraph"}),
    "sample": ({"core"}, {"numpy", "PIL", "skimage"}),
    "commands": ({*MADE, "exchange", "session", "sample", "widgets"}, {"numpy", "tqdm", "argcomplete"}),
    "cli": ({"commands", "processes"}, set()),
    "api": ({"core", "project", "pipeline", "session", "commands", "prediction"}, {"numpy"}),
    "training": (
        {*MADE, *BELOW_SHELVES, *SHELVES, "promptable", "published", "exchange", "prediction"},
        {*NUMERIC, "PIL", "torch", "safetensors", "tqdm", "matplotlib", "onnx", "yaml", "wandb", "mlflow"},
    ),
}

SIBLINGS = {
    f"napari_wsss.{name}" for name in (*SHELVES, "networks", "commands", "exchange.readers", "exchange.writers")
}
"""Folders that list things of one kind, each a file: they may grow."""
MOST_FILES = 22


def modules() -> dict[str, Path]:
    """Return our modules by dotted name; a package has its `__init__` file."""
    files = sorted([*ROOT.glob("napari_wsss/**/*.py"), *ROOT.glob("training/**/*.py")])
    return {".".join(f.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): f for f in files}


MODULES = modules()


def area(module: str) -> str:
    first, _, rest = module.partition(".")
    return "training" if first == "training" else rest.partition(".")[0]


@cache
def imported(module: str) -> tuple[str, ...]:
    """Return the dotted names that `module` imports anywhere in its file, for type checkers and in functions too."""
    return tuple(_imported(module))


def _imported(module: str) -> Iterator[str]:
    package = module if is_package(module) else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.rsplit(".", node.level - 1)[0] + "." if node.level else ""
            start = (above + (node.module or "")).rstrip(".")
            for name in (f"{start}.{alias.name}" for alias in node.names):
                yield name if name in MODULES else start


def is_package(module: str) -> bool:
    return MODULES[module].name == "__init__.py"


def violations(module: str) -> list[str]:
    own, foreign = TABLE[area(module)]
    wrong = []
    for name in imported(module):
        top = name.partition(".")[0]
        if top in ("napari_wsss", "training"):
            allowed = area(name) in {*own, area(module)} and name != "napari_wsss"
        else:
            allowed = top in {*foreign, "__future__"} or top in sys.stdlib_module_names
        if not allowed:
            wrong.append(f"{module} imports {name}")
    return wrong


@pytest.mark.parametrize("name", sorted({area(m) for m in MODULES} - {""}))
def test_area_imports_only_what_the_table_allows(name: str) -> None:
    wrong = [line for module in MODULES if area(module) == name for line in violations(module)]
    assert not wrong, f"not allowed for {name}: {wrong}"


def test_no_binding_of_qt_is_named_but_qtpy() -> None:
    """What the window's tests show on PyQt6 (`make test-qt6`) holds for every line, tested or not."""
    bindings = {"PyQt5", "PyQt6", "PySide2", "PySide6", "sip"}
    wrong = []
    for path in [*MODULES.values(), *ROOT.glob("tests/**/*.py")]:
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)) if any(binding in text for binding in bindings) else ():
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            wrong += [f"{path.name}: {name}" for name in names if name.partition(".")[0] in bindings]
    assert not wrong


def arrows(room: Callable[[str], str] = str) -> dict[str, set[str]]:
    """Return who imports whom of ours, for single modules or for the rooms that they lie in."""
    graph: dict[str, set[str]] = {room(module): set() for module in MODULES}
    for module in MODULES:
        ours = {room(name) for name in imported(module) if name in MODULES}
        graph[room(module)] |= ours - {room(module)}
    return graph


def folder(module: str) -> str:
    return module if is_package(module) else module.rpartition(".")[0]


def room_of(module: str) -> str:
    """Return the folder of a module; a file that lies beside folders, as `session.py` does, is a room of its own."""
    found = folder(module)
    has_folders = any(is_package(name) and name.startswith(found + ".") for name in MODULES)
    return module if has_folders else found


@pytest.mark.parametrize("room", [str, room_of], ids=["modules", "folders"])
def test_imports_run_in_no_circle(room: Callable[[str], str]) -> None:
    """Late imports and those for type checkers count: they hide a circle, they do not open it.

    Between folders this also means that no two of them import each other.
    """
    try:
        TopologicalSorter(arrows(room)).prepare()
    except CycleError as error:
        circle = list(reversed(error.args[1]))  # each imports the next
        wrong = [
            f"{module} imports {name}"
            for one, other in pairwise(circle)
            for module in MODULES
            for name in imported(module)
            if name in MODULES and (room(module), room(name)) == (one, other)
        ]
        pytest.fail(f"a circle, {' -> '.join(circle)}: {wrong}")


def test_imports_in_functions_are_seen() -> None:
    late = "napari_wsss.widgets.reader", "napari_wsss.widgets.dock"  # napari reads a project before there is a window
    assert late[1] in arrows()[late[0]]


def test_folders_can_be_read_through() -> None:
    files = Counter(folder(module) for module in MODULES if not is_package(module))
    large = {name: count for name, count in files.items() if count > MOST_FILES and name not in SIBLINGS}
    assert not large, f"more than {MOST_FILES} files that are no siblings; divide by subject: {large}"


def test_child_processes_are_started_in_one_place() -> None:
    """Else one of them opens a window on Windows, or imports a person's `training.py` from the current folder."""
    starts = {"Popen", "run", "call", "check_call", "check_output"}
    found = {
        module
        for module, path in MODULES.items()
        if "subprocess" in (text := path.read_text(encoding="utf-8"))
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in starts
        if isinstance(node.func.value, ast.Name) and node.func.value.id == "subprocess"
    }
    assert found == {"napari_wsss.processes.children"}


def test_init_files_hold_a_docstring_only() -> None:
    """That of `napari_wsss` itself hands on the Python API besides; tests/test_api.py shows that it loads nothing."""
    packages = {name: ast.parse(path.read_text("utf-8")) for name, path in MODULES.items() if is_package(name)}
    del packages["napari_wsss"]
    bare = [name for name, tree in packages.items() if len(tree.body) != 1 or not ast.get_docstring(tree)]
    assert not bare, f"expected a docstring and nothing else in the __init__ of {bare}"


def loaded_after_importing(names: list[str], suspects: set[str]) -> set[str]:
    """Return which top-level packages of `suspects` a fresh interpreter has loaded after importing `names`."""
    code = (
        f"import importlib, sys\nfor name in {names}: importlib.import_module(name)\n"
        f"print('LOADED', *({suspects} & {{name.partition('.')[0] for name in sys.modules}}))"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=110)
    assert run.returncode == 0, run.stderr
    return set(run.stdout.rpartition("LOADED")[2].split())


def test_everything_but_widgets_leaves_qt_and_napari_unloaded() -> None:
    pytest.importorskip("torch", reason="most of our modules need torch")
    names = [module for module in MODULES if area(module) != "widgets"]
    assert not loaded_after_importing(names, {"napari", "qtpy", "PyQt5", "PyQt6", "PySide6", "magicgui", "superqt"})


def test_what_reviews_results_leaves_torch_unloaded() -> None:
    light = {*MADE, "exchange", "session", "sample"}
    names = [module for module in MODULES if area(module) in light]
    assert not loaded_after_importing(names, {"torch", "onnxruntime", "napari", "qtpy"})


def test_stages_that_may_ask_no_network_leave_torch_unloaded() -> None:
    """Maps made elsewhere are computed with, refined and evaluated where there is no torch."""
    assert not loaded_after_importing(
        ["training.command_line", "training.stages.maps", "training.stages.evaluate"], {"torch"}
    )


@pytest.mark.gui
def test_the_dock_leaves_pyqtgraph_for_the_first_chart_that_is_seen() -> None:
    pytest.importorskip("napari")
    assert not loaded_after_importing(["napari_wsss.widgets.dock"], {"pyqtgraph"})


@pytest.mark.gui
def test_widgets_leave_torch_unloaded() -> None:
    pytest.importorskip("napari")
    names = [module for module in MODULES if area(module) == "widgets"]
    assert not loaded_after_importing(names, {"torch"})
