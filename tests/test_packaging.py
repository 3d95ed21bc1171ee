"""What is installed: the lists in pyproject.toml against the tree, and the built distributions."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
MANIFEST_PACKAGE = "napari_wsss_manifest"
CARRIED = ("training/options.json", "training/presets/*/*.json", "napari_wsss/py.typed", "training/py.typed")
"""What is installed beside modules and the manifest."""
FOUND_FROM_OUTSIDE = """
import sys
sys.path[:0] = {path!r}
from importlib.metadata import distribution
from npe2 import PluginManifest
where = str(distribution("napari-wsss").locate_file(""))
assert where == sys.path[0], where
manifest = PluginManifest.from_distribution("napari-wsss")
import napari_wsss, training
assert napari_wsss.__file__.startswith(where) and training.__file__.startswith(where)
print(manifest.display_name, [w.display_name for w in manifest.contributions.widgets])
"""


def requirements(extra: str | None = None) -> dict[str, Requirement]:
    project = PROJECT["project"]
    lines = project["dependencies"] if extra is None else project["optional-dependencies"][extra]
    return {canonicalize_name(r.name): r for r in map(Requirement, lines)}


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {canonicalize_name(name): version for name, version in pairs}


def test_every_package_is_listed() -> None:
    files = [*ROOT.glob("napari_wsss/**/__init__.py"), *ROOT.glob("training/**/__init__.py")]
    there = {".".join(file.parent.relative_to(ROOT).parts) for file in files}
    assert {*there, MANIFEST_PACKAGE} == set(PROJECT["tool"]["setuptools"]["packages"])


@pytest.mark.parametrize("package", ["napari_wsss", "training"])
def test_type_checkers_read_our_annotations(package: str) -> None:
    """The marker of PEP 561: without it whoever imports us is told that we have no types."""
    assert (ROOT / package / "py.typed").is_file()
    assert "py.typed" in PROJECT["tool"]["setuptools"]["package-data"][package]


def test_the_root_holds_no_module() -> None:
    """The root is the package of the manifest, so a module there would be installed with it."""
    assert not list(ROOT.glob("*.py"))


def test_base_install_has_no_gui_and_no_torch() -> None:
    heavy = {"napari", "qtpy", "pyqt5", "pyqt6", "pyside6", "magicgui", "superqt", "torch", "pydensecrf2"}
    assert not heavy & set(requirements())


def with_extras(extra: str) -> set[str]:
    """Return the names of what an extra brings, those of extras it names too."""
    found = requirements(extra)
    inner = found.pop("napari-wsss").extras if "napari-wsss" in found else set()
    return set(found).union(*map(with_extras, inner))


def test_all_needs_no_compiler_and_brings_no_binding() -> None:
    names = with_extras("all")
    assert {"napari", "torch"} <= names
    assert not {"pydensecrf2", "pyqt5", "pyqt6", "pyside6"} & names


@pytest.mark.parametrize("binding", ["pyqt5", "pyqt6", "pyside6"])
def test_a_binding_is_an_extra_of_its_own(binding: str) -> None:
    """Which releases of it work is what napari says; the window without one brings none."""
    assert not requirements("gui")["napari"].extras
    assert requirements(binding)["napari"].extras == {binding}
    assert requirements(binding)["napari-wsss"].extras == {"gui"}


def test_what_readme_and_make_install_is_everything() -> None:
    line = re.search(r'^pip install "\.\[([\w,]+)\]"$', (ROOT / "README.md").read_text(), re.MULTILINE)
    made = re.search(r'--editable "\.\[([\w,]+)\]"', (ROOT / ".ci" / "environment").read_text())
    assert line is not None
    assert made is not None
    assert set(line[1].split(",")) == {"all", "pyqt5", "crf"}
    assert set(made[1].split(",")) == {"all", "pyqt5", "crf", "test"}


@pytest.mark.parametrize(
    "extra", [None, "gui", "torch", "crf", "onnx", "timm", "formats", "shell", "tensorboard", "docs", "test"]
)
def test_every_dependency_is_pinned_within_its_range(extra: str | None) -> None:
    for name, requirement in requirements(extra).items():
        assert name in pins(), f"{name} is not in constraints.txt"
        assert requirement.specifier.contains(pins()[name], prereleases=True), f"{name}=={pins()[name]}"


def test_licence_and_classifier() -> None:
    assert PROJECT["project"]["license"] == "MIT"
    assert "Framework :: napari" in PROJECT["project"]["classifiers"]
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").startswith("MIT License")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the wheel made from the sdist and the wheel made from the tree, built beside the checkout."""
    # A copy, because setuptools packs what earlier builds left in build/lib, and so that nothing is left here.
    tree = tmp_path_factory.mktemp("copy") / "tree"
    for name in tracked():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tree / name)
    built_from: dict[str, Path] = {}
    for name, arguments in {"from_sdist": [], "from_tree": ["--wheel"]}.items():
        out = tmp_path_factory.mktemp(name)
        command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), *arguments, str(tree)]
        run = subprocess.run(command, capture_output=True, text=True)
        assert run.returncode == 0, run.stdout + run.stderr
        built_from[name] = next(out.glob("*.whl"))
        if not arguments:
            built_from["sdist"] = next(out.glob("*.tar.gz"))
    return built_from


def tracked() -> list[str]:
    """Return the files of the repository, those not committed yet too."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [name for name in listed if (ROOT / name).is_file()]


@pytest.mark.slow
def test_the_sdist_is_the_whole_repository(built: dict[str, Path]) -> None:
    """Who builds, tests or packages it elsewhere has no other source."""
    with tarfile.open(built["sdist"]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert not set(tracked()) - names


@pytest.mark.slow
@pytest.mark.parametrize("source", ["from_sdist", "from_tree"])
def test_wheel_holds_the_manifest_once_and_no_stray_module(built: dict[str, Path], source: str) -> None:
    names = [name for name in zipfile.ZipFile(built[source]).namelist() if ".dist-info/" not in name]
    assert [name for name in names if name.endswith("napari.yaml")] == [f"{MANIFEST_PACKAGE}/napari.yaml"]
    wanted = [path for where in ("napari_wsss/**/*.py", "training/**/*.py", *CARRIED) for path in ROOT.glob(where)]
    expected = {path.relative_to(ROOT).as_posix() for path in wanted} | {f"{MANIFEST_PACKAGE}/napari.yaml"}
    assert set(names) == expected


@pytest.mark.slow
@pytest.mark.parametrize("source", ["from_sdist", "from_tree"])
def test_installed_wheel_is_found_from_outside_the_checkout(
    built: dict[str, Path], source: str, tmp_path: Path
) -> None:
    pytest.importorskip("npe2")
    target = tmp_path / "site"
    zipfile.ZipFile(built[source]).extractall(target)
    site = [path for path in sys.path if path.endswith("site-packages")]
    code = FOUND_FROM_OUTSIDE.format(path=[str(target), *site])
    # Without `site`, so that the editable install of this environment stays out of the way.
    run = subprocess.run([sys.executable, "-I", "-S", "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert "['WSSS', 'Filmstrip']" in run.stdout


def test_citation_and_project_say_the_same() -> None:
    yaml = pytest.importorskip("yaml")
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = PROJECT["project"]
    assert (cited["version"], cited["license"]) == (project["version"], project["license"])
    assert cited["repository-code"] == project["urls"]["Repository"]
    assert all(paper["authors"] and paper["year"] and paper["title"] for paper in cited["references"])


def test_every_method_of_a_paper_is_cited() -> None:
    """The names that README gives the methods stand in the notes of the papers."""
    cited = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    methods = ("CAM", "SEAM", "SC-CAM", "EDAM", "MCIS", "LPCAM", "PSA", "IRNet", "LDF", "Dense CRF", "DeepLab v2")
    assert not [name for name in methods if not re.search(rf"notes: [^,}}]*\b{name}\b", cited)]


@pytest.mark.parametrize("path", sorted((ROOT / ".github").rglob("*.yml")), ids=lambda path: path.name)
def test_forms_and_workflows_are_read(path: Path) -> None:
    yaml = pytest.importorskip("yaml")
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    for one in content.get("body", ()):
        assert one["type"] in ("textarea", "input", "dropdown")
        assert one["attributes"]["label"]


def test_ci_tries_every_system_python_and_binding() -> None:
    yaml = pytest.importorskip("yaml")
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "tests.yml").read_text())["jobs"]
    matrix = jobs["tests"]["strategy"]["matrix"]
    assert [len(matrix[axis]) for axis in ("os", "python", "binding")] == [3, 3, 3]
    lines = PROJECT["project"]["classifiers"]
    assert set(matrix["python"]) == {line.rpartition(" ")[2] for line in lines if " :: 3." in line}
