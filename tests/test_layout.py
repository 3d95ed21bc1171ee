"""The tests repeat the tree: every module has its test file where a reader looks for it, and none is orphaned."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Folders of tests that belong to no single module.
FREE = {"contracts", "parity", "benchmarks", "e2e", "reliability"}
# Tests at the top that are about the repository as a whole.
ABOUT_THE_REPOSITORY = {
    "test_architecture.py",
    "test_docs.py",
    "test_layout.py",
    "test_manifest.py",
    "test_packaging.py",
}
# Modules without a test file of their own, each with the reason.
EXCEPTIONS: dict[str, str] = {}


def mirror(module: Path) -> Path:
    """Return the test file of a module, both relative to the repository root."""
    inside = module.relative_to("napari_wsss") if module.parts[0] == "napari_wsss" else module
    return Path("tests", *inside.parent.parts, f"test_{inside.name}")


def modules() -> list[Path]:
    found = [path for folder in ("napari_wsss", "training", "demo") for path in ROOT.glob(f"{folder}/**/*.py")]
    return sorted(path.relative_to(ROOT) for path in found if path.name != "__init__.py")


@pytest.mark.parametrize(
    ("module", "test"),
    [
        ("napari_wsss/core/maps.py", "tests/core/test_maps.py"),
        ("napari_wsss/cli.py", "tests/test_cli.py"),
        ("training/data/pictures.py", "tests/training/data/test_pictures.py"),
        ("training/recipes/classifier.py", "tests/training/recipes/test_classifier.py"),
    ],
)
def test_mirror_names_the_test_file(module: str, test: str) -> None:
    assert mirror(Path(module)) == Path(test)


def test_every_module_has_its_test_file() -> None:
    wanted = {module.as_posix(): mirror(module) for module in modules() if module.as_posix() not in EXCEPTIONS}
    missing = [f"{module} -> {test.as_posix()}" for module, test in wanted.items() if not (ROOT / test).is_file()]
    assert not missing, "modules without their test file:\n" + "\n".join(missing)


def test_every_test_file_mirrors_a_module() -> None:
    known = {mirror(module) for module in modules()} | {Path("tests", name) for name in ABOUT_THE_REPOSITORY}
    found = [path.relative_to(ROOT) for path in ROOT.glob("tests/**/test_*.py")]
    orphans = [path.as_posix() for path in found if path.parts[1] not in FREE and path not in known]
    assert not orphans, f"test files of no module: {orphans}"


def test_exceptions_are_modules_without_a_test_file() -> None:
    stale = [name for name in EXCEPTIONS if not (ROOT / name).is_file() or (ROOT / mirror(Path(name))).is_file()]
    assert not stale
