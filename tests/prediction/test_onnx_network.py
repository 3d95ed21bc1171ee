"""An exported network gives what its checkpoint gives, at any size, scale and tiling, and needs no torch for it."""

import subprocess
import sys
from collections.abc import Callable
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_wsss.core.errors import ParameterError, WeightsError
from napari_wsss.prediction.checkpoint import Checkpoint
from napari_wsss.prediction.onnx_network import OnnxNetwork
from napari_wsss.weights.normalisation import CAFFE, TENSORFLOW
from tests.prediction.networks import build, exported, picture, saved

ROOT = Path(__file__).parents[2]
Written = Callable[[str], tuple[Path, Path]]
TURNS = {"preset": "fast", "pixel_budget": 30_000, "tile_overlap": 64}
VIEWS: list[dict[str, Any]] = [{}, {"scales": [0.5, 1.3], "flip": True, "pixel_budget": 30_000, "tile_overlap": 64}]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """Return a function: a method -> checkpoint and exported file of a network of it; only to be read."""

    @cache
    def write(method: str) -> tuple[Path, Path]:
        network = build(method, "localize" if method in ("cam", "seam") else "segment")
        if method == "pixel_classifier":
            network.known[2] = False
            network.enlarge(1.5)
        network.side = 240
        folder = tmp_path_factory.mktemp(method)
        return saved(folder, network), exported(folder, network)

    return write


def both(files: tuple[Path, Path], options: dict[str, Any]) -> tuple[Checkpoint, OnnxNetwork]:
    own = {**options, "precision": "float32"}
    return Checkpoint.open(files[0], "cpu", 1, own), OnnxNetwork.open(files[1], 1, own)


@pytest.mark.parametrize(
    ("method", "options"),
    [*product(["deeplab_v3", "pixel_classifier", "cam", "seam"], VIEWS), ("cam", TURNS), ("seam", TURNS)],
)
def test_it_gives_what_its_checkpoint_gives(written: Written, method: str, options: dict[str, Any]) -> None:
    original, found = both(written(method), options)

    for present in (None, (0,), (1, 2), ()):
        wanted, maps = original.predict(picture(), present), found.predict(picture(), present)

        assert maps.classes == wanted.classes
        np.testing.assert_allclose(maps.scores, wanted.scores, atol=1e-4)
        if wanted.background is not None:
            np.testing.assert_allclose(maps.background, wanted.background, atol=1e-4)


@pytest.mark.parametrize("normalisation", [CAFFE, TENSORFLOW], ids=["BGR", "32k+1"])
def test_the_input_is_what_the_weights_want(tmp_path: Path, normalisation: Any) -> None:
    network = build("deeplab_v3")
    network.normalisation = normalisation
    original, found = both((saved(tmp_path, network), exported(tmp_path, network)), {})
    np.testing.assert_allclose(
        found.predict(picture(), None).scores, original.predict(picture(), None).scores, atol=1e-4
    )


def test_a_class_nobody_has_shown_is_none_without_labels_and_one_with_them(written: Written) -> None:
    found = OnnxNetwork.open(written("pixel_classifier")[1], 1, {})
    assert found.predict(picture(), None).scores[1].max() == 0
    assert found.predict(picture(), (1,)).scores[0].min() > 0


def test_labels_need_not_be_given_to_the_file(written: Written) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(written("deeplab_v3")[1]))
    found = session.run(None, {"images": np.stack([picture(), picture(seed=1)])})[0]
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-5)
    assert found.shape == (2, 4, 130, 171)


def test_torch_is_not_loaded(written: Written) -> None:
    code = (
        "import sys; import numpy as np; from pathlib import Path\n"
        "from napari_wsss.prediction.predictor import open_predictor\n"
        f"found = open_predictor(Path({str(written('deeplab_v3')[1])!r}), 'cpu', 1, {{}})\n"
        "maps = found.predict(np.zeros((40, 50, 3), np.uint8), None)\n"
        "assert maps.size == (40, 50) and 'torch' not in sys.modules"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("content", [b"", b"no network", b"\x08\x07" * 50])
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.onnx").write_bytes(content)
    with pytest.raises(WeightsError):
        OnnxNetwork.open(tmp_path / "x.onnx", 1, {})


def test_options_of_the_other_kind_are_refused(written: Written) -> None:
    with pytest.raises(ParameterError, match="working_side"):
        OnnxNetwork.open(written("deeplab_v3")[1], 1, {"working_side": 400})
