"""The Python API: every documented example runs, nothing is loaded before it is used, mistakes are said."""

import doctest
import inspect
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the examples train and compute")

import napari_wsss as wsss
from napari_wsss import api
from napari_wsss.core.errors import ParameterError, ProjectError, StepError, WeightsError
from napari_wsss.sample.project import generate_sample
from tests.prediction.networks import build, exported, picture, saved

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with what the examples name: photos, a new project of them, and one with a trained classifier."""
    folder = tmp_path_factory.mktemp("examples")
    generate_sample(folder / "photos", images=8, size=64, seed=0)
    wsss.create_project(folder / "sample_project", folder / "photos")
    wsss.create_project(folder / "trained_project", folder / "photos")
    tiny = {"trunk": "resnet18", "trunk_weights": "none", "width": 0.0625, "epochs": 1, "batch_size": 2, "crop": 48}
    run = wsss.train(folder / "trained_project", "classifier", apply=True, **tiny)
    shutil.copy(run.folder / "best.safetensors", folder / "trained_project")
    return folder


@pytest.fixture
def examples(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(prepared, tmp_path / "examples")
    monkeypatch.chdir(tmp_path / "examples")
    return tmp_path / "examples"


@pytest.mark.parametrize("name", wsss.__all__)
def test_the_example_of_every_name_runs(name: str, examples: Path) -> None:
    found = doctest.DocTestFinder(recurse=False).find(getattr(wsss, name), name, globs={})
    assert sum(len(one.examples) for one in found) > 0
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    for one in found:
        runner.run(one, out=said.append)
    assert runner.summarize(verbose=False).failed == 0, "".join(said)


@pytest.mark.parametrize("name", wsss.__all__)
def test_every_name_says_what_it_takes(name: str) -> None:
    text = inspect.getdoc(getattr(wsss, name)) or ""
    assert all(f"{section}\n---" in text for section in ("Parameters", "Raises", "Examples"))


def test_importing_loads_nothing() -> None:
    code = "import sys, napari_wsss; print('numpy' in sys.modules, 'napari_wsss.api' in sys.modules, dir(napari_wsss))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.startswith("False False")
    assert all(name in run.stdout for name in wsss.__all__)
    assert "import_module" not in run.stdout


def test_a_script_beside_a_training_of_its_own_uses_ours(tmp_path: Path) -> None:
    (tmp_path / "training.py").write_text("open('CODE_RAN', 'w').write('x')")
    code = (
        f"import sys; sys.path[1:1] = [{str(ROOT)!r}]\n"
        "import napari_wsss as wsss\n"
        "wsss.train(wsss.create_project('p', 'photos'), 'classifier', trunk='nonsense')"
    )
    generate_sample(tmp_path / "photos", images=2, size=64)
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "StepError: classifier: " in run.stderr
    assert "nonsense" in run.stderr
    assert not (tmp_path / "CODE_RAN").exists()


def test_a_name_that_is_none_is_refused() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        wsss.nonsense  # noqa: B018


def test_options_are_those_of_the_command(examples: Path) -> None:
    with pytest.raises(ParameterError, match="napari-wsss create"):
        wsss.create_project("other", "photos", labls="x.csv")
    assert not Path("other").exists()
    with pytest.raises(ParameterError, match="invalid float"):
        wsss.create_project("other", "photos", hold_out="many")


def test_no_project_is_said_before_a_process_starts(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="no project"):
        wsss.train(tmp_path)
    with pytest.raises(ProjectError, match="no project"):
        next(wsss.maps(tmp_path))


def test_a_stage_that_fails_says_why(examples: Path) -> None:
    with pytest.raises(StepError, match="model"):
        list(wsss.maps("sample_project"))
    with pytest.raises(ParameterError, match="classifier"):
        wsss.train("sample_project", "background")


def test_from_a_folder_to_masks(examples: Path) -> None:
    accepted, kept = wsss.accept("trained_project", wsss.proposals("trained_project", refiners=["power_background"]))
    assert (len(accepted), kept) == (8, [])
    report = wsss.export("trained_project", "masks")
    assert sorted(report["written"]) == accepted
    assert len(list(Path("masks", "SegmentationClass").glob("*.png"))) == 8


def test_a_persons_work_is_kept(examples: Path) -> None:
    with wsss.open_project("trained_project", read_only=False) as project:
        first, second = list(project.catalog.ids())[:2]
        project.review.accept(first, np.ones((64, 64), np.uint8))
    machine = {first: np.zeros((64, 64), np.uint8), second: np.zeros((64, 64), np.uint8)}
    assert wsss.accept("trained_project", machine) == ([second], [first])
    assert wsss.accept("trained_project", machine, overwrite=True) == ([first, second], [])
    assert wsss.accept("trained_project", next(wsss.proposals("trained_project", [first]))) == ([], [first])
    with wsss.open_project("trained_project") as project:
        found = project.masks.accepted(second)
        assert found is not None
        assert [source.kind for source in found.sources.table] == ["script"]
        assert not found.sources.person.any()


def test_a_model_says_what_it_cannot_take(examples: Path) -> None:
    model = wsss.load_model("trained_project/best.safetensors", device="cpu")
    with pytest.raises(ParameterError, match="uint8"):
        model(np.zeros((8, 8), np.uint8))
    with pytest.raises(ParameterError, match="unicorn"):
        model(np.zeros((64, 64, 3), np.uint8), labels=["unicorn"])
    with pytest.raises(WeightsError):
        wsss.load_model("photos")


@pytest.mark.parametrize(("file", "extra"), [("x.safetensors", "torch"), ("x.onnx", "onnx")])
def test_a_model_without_its_library_says_what_to_install(
    file: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("checkpoint", "onnx_network"):
        monkeypatch.delitem(sys.modules, f"napari_wsss.prediction.{module}", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    (tmp_path / file).write_bytes(b"")
    with pytest.raises(StepError, match=rf"napari-wsss\[{extra}\]"):
        wsss.load_model(tmp_path / file)


@pytest.mark.parametrize("method", ["deeplab_v3", "cam"])
def test_an_exported_model_gives_the_same_without_torch(method: str, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    network = build(method, "segment" if method == "deeplab_v3" else "localize")
    files = saved(tmp_path, network), exported(tmp_path, network)
    image = picture()
    ours, other = (wsss.load_model(file, device="cpu") for file in files)
    assert (ours.kind, ours.classes) == (other.kind, other.classes)
    for labels in (None, list(ours.classes[:1])):
        found, same = ours(image, labels), other(image, labels)
        assert found.classes == same.classes == tuple(labels or ours.classes)
        np.testing.assert_allclose(found.scores, same.scores, atol=5e-3)
        assert (found.background is None) == (same.background is None) == (method == "cam")
    code = (
        "import sys, numpy as np, napari_wsss as wsss\n"
        f"wsss.load_model({str(files[1])!r})(np.zeros((40, 50, 3), np.uint8))\n"
        "print('torch' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


def test_a_models_maps_become_a_mask() -> None:
    scores = np.array([[[0.9, 0.1]], [[0.2, 0.8]]], np.float32)
    found = api.ImageMaps("", ("a", "b"), scores)
    assert found.mask().tolist() == [[1, 2]]
    assert found.mask(0.85).tolist() == [[1, 0]]


def test_a_damaged_picture_is_left_out_and_named(examples: Path) -> None:
    damaged, whole = "shapes_0004.jpg", "shapes_0005.jpg"
    picture_file = next((examples / "photos").rglob(damaged))
    picture_file.write_bytes(picture_file.read_bytes()[:600])
    with pytest.warns(UserWarning, match=f"1 image: {damaged}: .*cannot be read"):
        found = list(wsss.proposals("trained_project", [damaged, whole], refiners=["power_background"]))
    assert [one.image_id for one in found] == [whole]
    with pytest.raises(StepError, match="cannot be read"):
        next(wsss.maps("trained_project", [damaged]))
