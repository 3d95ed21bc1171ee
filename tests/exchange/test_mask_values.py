"""Masks as other programs write them are read as the values they mean."""

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_wsss.core.classes import ClassList, voc_colours
from napari_wsss.core.errors import ProjectError
from napari_wsss.core.masks import encode_mask
from napari_wsss.exchange.lists.class_lists import ValueNames
from napari_wsss.exchange.mask_values import read_values

VALUES = np.array([[0, 1, 2, 0], [1, 1, 0, 2]], np.uint8)
CAT_DOG = ValueNames(
    "labelmap.txt", {0: "background", 1: "cat", 2: "dog"}, {(0, 0, 0): 0, (250, 50, 83): 1, (50, 183, 250): 2}
)
COLOURS = np.array([(0, 0, 0), (250, 50, 83), (50, 183, 250)], np.uint8)


def palette_picture(colours):
    image = Image.frombytes("P", (4, 2), VALUES.tobytes())
    image.putpalette(colours.tobytes())
    return image


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize(
    "picture",
    [
        Image.fromarray(VALUES),
        Image.fromarray(VALUES.astype(np.uint16)),
        Image.fromarray(np.repeat(VALUES[..., None], 3, axis=2)),
        Image.fromarray(np.dstack([VALUES, VALUES, VALUES, np.full_like(VALUES, 255)])),
        palette_picture(voc_colours(256)),
    ],
    ids=["grey", "16 bits", "equal colours", "opaque", "palette"],
)
def test_grey_of_every_kind(tmp_path, picture, suffix):
    picture.save(tmp_path / f"a{suffix}")
    np.testing.assert_array_equal(read_values(tmp_path / f"a{suffix}"), VALUES)


@pytest.mark.parametrize("kind", ["int64", "uint64", "float64", "int8", "uint32"])
def test_tiffs_of_scripts(tmp_path, kind):
    """Pillow opens none of 64 bits, which labels are in numpy."""
    tifffile.imwrite(tmp_path / "a.tif", np.minimum(VALUES, 100).astype(kind))
    np.testing.assert_array_equal(read_values(tmp_path / "a.tif"), np.minimum(VALUES, 100))
    tifffile.imwrite(tmp_path / "b.tif", np.stack([VALUES, VALUES]).astype(kind), photometric="minisblack")
    with pytest.raises(ProjectError, match="2 pages"):
        read_values(tmp_path / "b.tif")


def test_white_of_one_bit_is_1(tmp_path):
    Image.fromarray(VALUES > 0).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_values(tmp_path / "a.png"), VALUES > 0)


@pytest.mark.parametrize("bits", [2, 4])
def test_few_bits_are_not_stretched(tmp_path, bits):
    image = palette_picture(voc_colours(2**bits))
    image.save(tmp_path / "a.png", bits=bits)
    content = bytearray((tmp_path / "a.png").read_bytes())
    grey = _as_grey(bytes(content))
    (tmp_path / "a.png").write_bytes(grey)
    with Image.open(tmp_path / "a.png") as read:
        assert read.mode == "L"
    np.testing.assert_array_equal(read_values(tmp_path / "a.png"), VALUES)


def _as_grey(content: bytes) -> bytes:
    """Return a palette PNG's bytes as those of a grey one of the same depth: colour type 0, no palette."""
    import struct
    import zlib

    out, place = content[:8], 8
    while place < len(content):
        (length,) = struct.unpack(">I", content[place : place + 4])
        kind, data = content[place + 4 : place + 8], content[place + 8 : place + 8 + length]
        place += 12 + length
        if kind == b"IHDR":
            data = data[:9] + b"\0" + data[10:]
        if kind != b"PLTE":
            out += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return out


def test_named_colours(tmp_path):
    Image.fromarray(COLOURS[VALUES]).save(tmp_path / "a.png")
    palette_picture(COLOURS[[0, 2, 1]]).save(tmp_path / "b.png")
    np.testing.assert_array_equal(read_values(tmp_path / "a.png", CAT_DOG), VALUES)
    np.testing.assert_array_equal(read_values(tmp_path / "b.png", CAT_DOG), np.array([0, 2, 1])[VALUES])
    with pytest.raises(ProjectError, match=r"labelmap\.txt"):
        read_values(tmp_path / "a.png")


def test_a_colour_without_a_name_is_named(tmp_path):
    Image.new("RGB", (2, 2), (1, 2, 3)).save(tmp_path / "a.png")
    with pytest.raises(ProjectError, match="1,2,3"):
        read_values(tmp_path / "a.png", CAT_DOG)


@pytest.mark.parametrize(
    ("picture", "name", "message"),
    [
        (Image.fromarray(np.full((2, 2), 300, np.uint16)), "a.png", "300"),
        (Image.fromarray(np.full((2, 2), 0.5, np.float32)), "a.tif", "fractions"),
        (Image.new("RGBA", (2, 2), (1, 1, 1, 90)), "a.png", "transparent"),
        (Image.new("L", (2, 2)), "a.jpg", "is no PNG"),
    ],
)
def test_what_is_no_mask_is_refused(tmp_path, picture, name, message):
    picture.save(tmp_path / name)
    with pytest.raises(ProjectError, match=message):
        read_values(tmp_path / name)


def test_a_mask_of_ours_that_was_damaged_is_refused(tmp_path):
    content = encode_mask(VALUES, ClassList(("cat", "dog")))
    other = encode_mask(VALUES[::-1], ClassList(("cat", "dog")))
    start, end = (content.index(b"IDAT") - 4, content.index(b"IEND") - 4)
    begun, done = (other.index(b"IDAT") - 4, other.index(b"IEND") - 4)
    (tmp_path / "a.png").write_bytes(content[:start] + other[begun:done] + content[end:])
    with pytest.raises(ProjectError, match="digest"):
        read_values(tmp_path / "a.png")
