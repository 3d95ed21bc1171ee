"""Who may import whom: every import statement against the table of ARCHITECTURE, and two fresh interpreters."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SHELVES = ("localize", "saliency", "affinity", "refine", "segment")
NUMERIC = {"numpy", "scipy", "skimage", "sklearn"}
ON_DISK = {"core", "pixels", "project"}
MADE = {*ON_DISK, "clusters", "pipeline"}
BELOW_SHELVES = {"core", "pixels", "networks", "weights"}
SHELF = ({*BELOW_SHELVES, "trunk_network"}, NUMERIC | {"torch", "pydensecrf"})

# Area -> (areas of ours it may import, third-party packages). An area always may import itself.
TABLE: dict[str, tuple[set[str], set[str]]] = {
    "core": (set(), {"numpy", "PIL"}),
    "pixels": ({"core"}, {"numpy", "scipy", "PIL", "skimage", "tifffile"}),
    "project": ({"core", "pixels"}, {"numpy", "PIL"}),
    "clusters": ({"core", "project"}, {"numpy"}),
    "networks": (set(), {"torch"}),
    "weights": ({"core"}, {"numpy", "torch", "safetensors", "platformdirs"}),
    "trunk_network": (BELOW_SHELVES, {"torch"}),
    **dict.fromkeys(SHELVES, SHELF),
    "exchange": (ON_DISK, {"numpy", "PIL"}),
    "pipeline": ({*ON_DISK, "clusters"}, {"numpy", "PIL"}),
    "published": (BELOW_SHELVES, {"torch"}),
    "session": ({*MADE, "exchange"}, {"numpy", "PIL", "psygnal", "platformdirs"}),
    "widgets": ({*MADE, "session", "sample"}, {"numpy", "qtpy", "magicgui", "superqt", "napari", "pyqtgraph"}),
    "sample": ({"core"}, {"numpy", "PIL", "skimage"}),
    "cli": ({*MADE, "exchange", "session", "sample", "training", "widgets"}, {"numpy", "tqdm"}),
    "training": (
        {*MADE, *BELOW_SHELVES, *SHELVES, "published"},
        {*NUMERIC, "PIL", "torch", "safetensors", "tqdm", "matplotlib"},
    ),
}


def modules() -> dict[str, Path]:
    """Return our modules by dotted name; a package has its `__init__` file."""
    files = sorted([*ROOT.glob("napari_wsss/**/*.py"), *ROOT.glob("training/**/*.py")])
    return {".".join(f.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): f for f in files}


MODULES = modules()


def area(module: str) -> str:
    first, _, rest = module.partition(".")
    return "training" if first == "training" else rest.partition(".")[0]


def imported(module: str, *, at_import_time: bool = False) -> Iterator[str]:
    """Yield the dotted names that `module` imports, anywhere in the file or only while it is being imported."""
    nodes = [ast.parse(MODULES[module].read_text(encoding="utf-8"))]
    package = module if MODULES[module].name == "__init__.py" else module.rpartition(".")[0]
    while nodes:
        node = nodes.pop()
        late = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for_checkers = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        if not (at_import_time and (late or for_checkers)):
            nodes.extend(ast.iter_child_nodes(node))
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.rsplit(".", node.level - 1)[0] + "." if node.level else ""
            start = (above + (node.module or "")).rstrip(".")
            for name in (f"{start}.{alias.name}" for alias in node.names):
                yield name if name in MODULES else start


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
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            wrong += [f"{path.name}: {name}" for name in names if name.partition(".")[0] in bindings]
    assert not wrong


def test_no_import_cycles() -> None:
    graph = {module: {name for name in imported(module, at_import_time=True) if name in MODULES} for module in MODULES}
    TopologicalSorter(graph).prepare()


def test_init_files_hold_a_docstring_only() -> None:
    packages = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in MODULES.items() if is_package(path)}
    bare = [name for name, tree in packages.items() if len(tree.body) != 1 or not ast.get_docstring(tree)]
    assert not bare, f"expected a docstring and nothing else in the __init__ of {bare}"


def is_package(path: Path) -> bool:
    return path.name == "__init__.py"


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
    assert not loaded_after_importing(names, {"torch", "napari", "qtpy"})


@pytest.mark.gui
def test_the_dock_leaves_pyqtgraph_for_the_first_chart_that_is_seen() -> None:
    pytest.importorskip("napari")
    assert not loaded_after_importing(["napari_wsss.widgets.dock"], {"pyqtgraph"})


@pytest.mark.gui
def test_widgets_leave_torch_unloaded() -> None:
    pytest.importorskip("napari")
    names = [module for module in MODULES if area(module) == "widgets"]
    assert not loaded_after_importing(names, {"torch"})
