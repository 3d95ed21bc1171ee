"""A mask by the window is that of the whole picture."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import StepError
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.progress import finish
from napari_wsss.exchange.annotations.annotated import Reading
from napari_wsss.exchange.readers.ome_zarr import OmeZarr
from napari_wsss.pixels import by_window
from napari_wsss.pixels.by_window import is_large
from napari_wsss.prediction.description import Kind
from napari_wsss.prediction.folder import Job, predict_folder
from napari_wsss.prediction.large import predict_large
from napari_wsss.prediction.written import Wanted
from tests.pixels.test_large_tiff import UTM

JUDGE = Path(__file__).parents[1] / "exchange/writers/ome_zarr_judge.py"


@dataclass
class Blurred:
    """Class 0 where it is bright within some pixels around: a network with a field of view."""

    kind: Kind = "segment"
    classes: ClassList = field(default_factory=lambda: ClassList(("bright",)))
    seen: list[tuple[int, ...]] = field(default_factory=list)

    def predict(self, image: NDArray[np.uint8], present: object) -> ActivationMaps:
        self.seen.append(image.shape[:2])
        bright = uniform_filter(image.mean(2, dtype=np.float64), 21, mode="nearest").astype(np.float32) / 255
        return ActivationMaps(bright[None], (0,), np.full(bright.shape, 0.5, np.float32))


@pytest.fixture
def picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, np.ndarray]:
    monkeypatch.setattr(by_window, "PIXELS", 50_000)
    monkeypatch.setattr(by_window, "SIDE", 96)
    monkeypatch.setattr(by_window, "HALO", 32)
    pixels = np.random.default_rng(0).integers(0, 255, (250, 301, 3), dtype=np.uint8)
    path = tmp_path / "pictures" / "a.tif"
    path.parent.mkdir()
    tifffile.imwrite(path, pixels, photometric="rgb", tile=(64, 64), extratags=UTM)
    return path, pixels


def test_the_mask_is_that_of_the_whole_picture_without_seams(picture: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    path, pixels = picture
    assert is_large(path)
    network = Blurred()
    predict_large(network, path, None, tmp_path / "m.tif")
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "m.tif"), Blurred().predict(pixels, None).to_mask())
    assert len(network.seen) == 3 * 4
    assert max(max(size) for size in network.seen) <= 96 + 2 * 32
    with tifffile.TiffFile(tmp_path / "m.tif") as file:
        assert file.pages[0].geotiff_tags["ProjectedCSTypeGeoKey"] == 32633


def test_ome_zarr_holds_the_same(picture: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    path, pixels = picture
    job = Job(path.parent, ["a.tif"], {}, tmp_path / "out", Wanted(True, False, False, "ome-zarr"), "one")
    assert finish(predict_folder(Blurred(), job)).done == ("a.tif",)
    group = job.target / "masks" / "a.ome.zarr"
    mask = Blurred().predict(pixels, None).to_mask()
    (read,) = OmeZarr().read(group, Reading(("bright",)))
    assert read.picture is not None
    np.testing.assert_array_equal(read.picture.read(), mask)
    assert finish(predict_folder(Blurred(), job)).reused == ("a.tif",)
    as_tiff = replace(job, wanted=Wanted(True, False, False))
    assert finish(predict_folder(Blurred(), as_tiff)).done == ("a.tif",)
    assert not group.exists(), "the mask is there once"


def test_a_group_that_broke_off_is_not_there(picture: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    class Broken(Blurred):
        def predict(self, image: NDArray[np.uint8], present: object) -> ActivationMaps:
            if len(self.seen) > 2:
                raise OSError("full")
            return super().predict(image, present)

    with pytest.raises(OSError, match="full"):
        predict_large(Broken(), picture[0], None, tmp_path / "m" / "a.ome.zarr")
    assert not list((tmp_path / "m").iterdir())


def test_ome_zarr_reads_it(picture: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    judge = sys.executable if find_spec("ome_zarr") else os.environ.get("WSSS_OME_ZARR")
    if not judge:
        pytest.skip("neither the extra `judges` is installed, nor does WSSS_OME_ZARR name a Python with ome-zarr")
    predict_large(Blurred(), picture[0], None, tmp_path / "a.ome.zarr")
    done = subprocess.run([judge, str(JUDGE), str(tmp_path / "a.ome.zarr")], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    np.testing.assert_array_equal(found["values"], Blurred().predict(picture[1], None).to_mask())
    assert found["names"]["1"] == "bright"


def test_maps_of_a_localizer_are_not_made_by_the_window(picture: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    with pytest.raises(StepError, match="segmentation network"):
        predict_large(Blurred(kind="localize"), picture[0], None, tmp_path / "m.tif")
    assert not (tmp_path / "m.tif").exists()


def test_a_folder_may_hold_both(picture: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    path, pixels = picture
    tifffile.imwrite(path.with_name("b.tif"), pixels[:100, :100], photometric="rgb")
    job = Job(path.parent, ["a.tif", "b.tif"], {}, tmp_path / "out", Wanted(True, True, False), "one")
    report = finish(predict_folder(Blurred(), job))
    assert (report.done, report.failed) == (("a.tif", "b.tif"), {})
    made = sorted(path.relative_to(job.target).as_posix() for path in job.target.rglob("*.*"))
    assert made == ["classes.txt", "masks/a.tif", "masks/b.png", "predictions.jsonl", "scores/b.npz"]
    network = Blurred()
    assert finish(predict_folder(network, replace(job))).reused == ("a.tif", "b.tif")
    assert network.seen == []
