"""Folders of pictures and masks, and what their masks mean."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import ProjectError
from napari_wsss.core.masks import write_mask
from training.data.image_pairs import ImagePairs, read_truth


def write_pair(folder: Path, name: str, mask: np.ndarray) -> None:
    for part in ("images", "masks"):
        (folder / part).mkdir(exist_ok=True, parents=True)
    image = np.full((*mask.shape, 3), 90, np.uint8)
    Image.fromarray(image).save(folder / "images" / f"{name}.jpg")
    Image.fromarray(mask).save(folder / "masks" / f"{name}.png")


def half(low: int, high: int) -> np.ndarray:
    mask = np.full((20, 30), low, np.uint8)
    mask[:, 15:] = high
    return mask


def test_pairs_are_found_by_name(tmp_path: Path) -> None:
    for name in ("b", "a"):
        write_pair(tmp_path, name, half(0, 255))

    pairs = ImagePairs(tmp_path, 1024)

    assert pairs.names == ("a", "b")
    assert pairs.image("a").shape == (20, 30, 3)
    np.testing.assert_array_equal(pairs.mask("a"), half(0, 255))
    assert (pairs.known("a") == 255).all()
    assert ImagePairs(tmp_path, 15).mask("a").shape == (10, 15)


def test_missing_partners_are_named(tmp_path: Path) -> None:
    write_pair(tmp_path, "whole", half(0, 255))
    write_pair(tmp_path, "maskless", half(0, 255))
    (tmp_path / "masks" / "maskless.png").unlink()
    Image.fromarray(half(0, 255)).save(tmp_path / "masks" / "imageless.png")

    with pytest.raises(ProjectError, match=r"no mask of maskless; no image of imageless"):
        ImagePairs(tmp_path, 1024)


def test_a_folder_that_is_none_says_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="images/ and masks/"):
        ImagePairs(tmp_path, 1024)
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    with pytest.raises(ProjectError, match="no pair"):
        ImagePairs(tmp_path, 1024)


def test_a_list_of_test_pairs_holds_them_out(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_pair(tmp_path, name, half(0, 255))
    assert not ImagePairs(tmp_path, 1024).held_out
    (tmp_path / "test.txt").write_text("b\n")
    assert ImagePairs(tmp_path, 1024).held_out == {"b"}
    (tmp_path / "test.txt").write_text("b\nc\n")
    with pytest.raises(ProjectError, match=r"test\.txt names c"):
        ImagePairs(tmp_path, 1024)


@pytest.mark.real
@pytest.mark.parametrize("name", ["voc_objects", "sd900"])
def test_real_pairs_are_read(data_folder: Path, name: str) -> None:
    pairs = ImagePairs(data_folder / "saliency" / name, 256)

    assert len(pairs.names) > len(pairs.held_out) > 0
    for each in pairs.names[:5]:
        assert set(np.unique(pairs.mask(each))) == {0, 255}
        assert pairs.image(each).shape[:2] == pairs.mask(each).shape


def test_two_files_of_one_name_are_named(tmp_path: Path) -> None:
    write_pair(tmp_path, "a", half(0, 255))
    Image.fromarray(half(0, 255)).save(tmp_path / "masks" / "a.bmp")

    with pytest.raises(ProjectError, match="one name"):
        ImagePairs(tmp_path, 1024)


def test_a_mask_of_another_size_is_named(tmp_path: Path) -> None:
    write_pair(tmp_path, "a", half(0, 255))
    Image.fromarray(half(0, 255)[:10]).save(tmp_path / "masks" / "a.png")

    with pytest.raises(ProjectError, match=r"\(10, 30\)"):
        ImagePairs(tmp_path, 1024).mask("a")


def test_soft_grey_stays_soft_and_0_and_1_mean_it(tmp_path: Path) -> None:
    for values, expected in ((half(40, 255), half(40, 255)), (half(0, 1), half(0, 255)), (half(0, 0), half(0, 0))):
        Image.fromarray(values).save(tmp_path / "x.png")
        np.testing.assert_array_equal(read_truth(tmp_path / "x.png")[0], expected)


def test_every_class_of_a_palette_is_something_and_255_is_ignored(tmp_path: Path) -> None:
    values = half(0, 2)
    values[0] = 255
    write_mask(tmp_path / "x.png", values, ClassList("ab"))

    mask, known = read_truth(tmp_path / "x.png")

    np.testing.assert_array_equal(mask[1:], half(0, 255)[1:])
    assert not mask[0].any()
    assert not known[0].any()
    assert (known[1:] == 255).all()


def test_grey_class_values_are_refused(tmp_path: Path) -> None:
    Image.fromarray(half(0, 3)).save(tmp_path / "x.png")
    with pytest.raises(ProjectError, match="reaches 3 only"):
        read_truth(tmp_path / "x.png")
    (tmp_path / "x.png").write_text("no picture")
    with pytest.raises(ProjectError, match="cannot be read"):
        read_truth(tmp_path / "x.png")
