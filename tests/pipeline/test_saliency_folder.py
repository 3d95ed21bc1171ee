from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_wsss.core.errors import StepError
from napari_wsss.pipeline.saliency_folder import read_saliency, saliency_file

VALUES = np.arange(0, 240, 20, dtype=np.uint8).reshape(3, 4)


@pytest.mark.parametrize("name", ["sub/a.png", "a.png", "sub/a.jpg.png"])
def test_pictures_are_found_by_the_images_name(tmp_path: Path, name: str) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / name).touch()

    assert saliency_file(tmp_path, "sub/a.jpg") == tmp_path / name


def test_a_missing_picture_is_named(tmp_path: Path) -> None:
    with pytest.raises(StepError, match=r"b\.jpg") as caught:
        saliency_file(tmp_path, "b.jpg")

    assert caught.value.missing == ("saliency",)


@pytest.mark.parametrize(("values", "full"), [(VALUES, 255), (VALUES.astype(np.uint16) * 257, 65535)])
def test_full_scale_is_one(tmp_path: Path, values: np.ndarray, full: int) -> None:
    Image.fromarray(values).save(tmp_path / "a.png")

    found = read_saliency(tmp_path / "a.png", 3, 4).values

    np.testing.assert_allclose(found, values / full, atol=1e-6)


def test_other_sizes_are_brought_to_the_images(tmp_path: Path) -> None:
    Image.fromarray(VALUES).save(tmp_path / "a.png")

    found = read_saliency(tmp_path / "a.png", 9, 16).values

    assert found.shape == (9, 16)
    assert 0 <= found.min() <= found.max() <= 1


def test_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("no picture")

    with pytest.raises(StepError, match=r"a\.png"):
        read_saliency(tmp_path / "a.png", 3, 4)
