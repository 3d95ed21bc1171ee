"""Reading any photograph as upright RGB, saying what was changed, and finding and naming files."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

from napari_wsss.core.errors import ProjectError
from napari_wsss.pixels.decoding.deep_images import WHOLE
from napari_wsss.pixels.images import (
    IMAGE_SUFFIXES,
    UNREAD_SUFFIXES,
    content_hash,
    find_images,
    image_id,
    image_size,
    is_turned,
    read_header,
    read_image,
    unread_words,
)

RNG = np.random.default_rng(3)
RGB = RNG.integers(0, 256, (6, 9, 3)).astype(np.uint8)
GREY = RGB[..., 0]


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.tif", "a.tiff", "A.PNG"])
def test_lossless_rgb_comes_back_as_it_is(tmp_path, name):
    Image.fromarray(RGB).save(tmp_path / name)
    loaded = read_image(tmp_path / name)
    np.testing.assert_array_equal(loaded.pixels, RGB)
    assert loaded.note == ""
    assert image_size(tmp_path / name) == (6, 9)


@pytest.mark.parametrize("name", ["a.jpg", "a.webp"])
def test_lossy_formats_come_back_close(tmp_path, name):
    smooth = np.tile(np.linspace(20, 220, 40).astype(np.uint8)[None, :, None], (30, 1, 3))
    Image.fromarray(smooth).save(tmp_path / name, quality=95)
    loaded = read_image(tmp_path / name)
    assert loaded.pixels.dtype == np.uint8
    assert np.abs(loaded.pixels.astype(int) - smooth).max() < 8


@pytest.mark.parametrize("mode", ["L", "1", "P"])
def test_grey_bilevel_and_palette_become_rgb(tmp_path, mode):
    image = Image.fromarray(RGB).convert(mode)
    image.save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png").pixels, np.asarray(image.convert("RGB")))


def test_cmyk_jpeg(tmp_path):
    Image.new("RGB", (8, 8), (200, 40, 40)).convert("CMYK").save(tmp_path / "a.jpg", quality=95)
    assert np.abs(read_image(tmp_path / "a.jpg").pixels[4, 4].astype(int) - (200, 40, 40)).max() < 8


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_transparency_is_laid_over_white_and_said(tmp_path, mode, suffix):
    image = Image.new(mode, (3, 2), (0, 0, 0, 0) if mode == "RGBA" else (0, 0))
    image.putpixel((0, 0), (0,) * (len(mode) - 1) + (255,))
    image.save(tmp_path / f"a{suffix}")
    loaded = read_image(tmp_path / f"a{suffix}")
    assert loaded.pixels[0, 0].tolist() == [0, 0, 0]
    assert (loaded.pixels[1] == 255).all()
    assert "white" in loaded.note


def test_opaque_alpha_changes_nothing_and_is_not_mentioned(tmp_path):
    Image.fromarray(np.dstack([RGB, np.full((6, 9), 255, np.uint8)])).save(tmp_path / "a.png")
    loaded = read_image(tmp_path / "a.png")
    np.testing.assert_array_equal(loaded.pixels, RGB)
    assert loaded.alpha == ""


def test_transparent_palette_colour(tmp_path):
    image = Image.new("P", (2, 1), 1)
    image.putpalette([0, 0, 0, 10, 20, 30])
    image.putpixel((0, 0), 0)
    image.save(tmp_path / "a.png", transparency=0)
    assert read_image(tmp_path / "a.png").pixels.tolist() == [[[255] * 3, [10, 20, 30]]]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_exif_orientation_is_applied(tmp_path, orientation, suffix):
    blocks = Image.fromarray(np.kron(GREY[:3, :5], np.ones((16, 16), np.uint8)))
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a{suffix}"
    blocks.convert("RGB").save(path, exif=exif, quality=100)
    loaded = read_image(path)
    with Image.open(path) as image:
        expected = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    np.testing.assert_array_equal(loaded.pixels, expected)
    assert loaded.pixels.shape[:2] == ((48, 80) if orientation < 5 else (80, 48))
    assert image_size(path) == loaded.pixels.shape[:2]
    assert loaded.orientation == orientation
    assert ("orientation" in loaded.note) == (orientation > 1)


def stretched(samples: np.ndarray) -> np.ndarray:
    low, high = float(samples.min()), float(samples.max())
    return np.rint((samples - low) / (high - low) * 255).astype(np.uint8)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bit_grey_is_stretched_and_recorded(tmp_path, suffix):
    samples = RNG.integers(12, 4096, (5, 7)).astype(np.uint16)
    samples[0, :2] = 12, 4095
    Image.fromarray(samples).save(tmp_path / f"a{suffix}")
    loaded = read_image(tmp_path / f"a{suffix}", WHOLE)
    np.testing.assert_array_equal(loaded.pixels[..., 1], stretched(samples))
    assert loaded.scaling == "16-bit 12..4095 -> 0..255 (min..max)"


PLANES = {"planarconfig": "separate"}


def without_tifffile(monkeypatch) -> None:
    monkeypatch.setattr("napari_wsss.pixels.decoding.deep_images.read_with_tifffile", lambda path: (None, 0))


def test_16_bit_planes_are_refused_rather_than_shown_as_noise(tmp_path, monkeypatch):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((3, 4, 5), np.uint16), photometric="rgb", **PLANES)
    without_tifffile(monkeypatch)
    with pytest.raises(ProjectError, match="tifffile"):
        read_image(tmp_path / "a.tif")


@pytest.mark.parametrize(
    ("options", "with_tifffile"),
    [(options, known) for options in ({}, {"byteorder": ">"}, {"compression": "zlib"}) for known in (True, False)]
    + [(PLANES, True)],
)
def test_16_bit_rgb_tiff_keeps_its_low_bytes(tmp_path, monkeypatch, options, with_tifffile):
    samples = RNG.integers(1000, 1200, (5, 7, 3)).astype(np.uint16)
    stored = samples.transpose(2, 0, 1) if "planarconfig" in options else samples
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="rgb", **options)
    if not with_tifffile:
        without_tifffile(monkeypatch)
    loaded = read_image(tmp_path / "a.tif", WHOLE)
    np.testing.assert_array_equal(loaded.pixels, stretched(samples))
    assert loaded.scaling.startswith(f"16-bit {samples.min()}..{samples.max()}")


def png16(samples: np.ndarray) -> bytes:
    """Return a 16-bit PNG written by hand: Pillow cannot write more than one 16-bit channel."""
    import struct
    import zlib

    height, width, channels = samples.shape
    kind = {2: 4, 3: 2, 4: 6}[channels]
    rows = b"".join(b"\0" + samples[y].astype(">u2").tobytes() for y in range(height))

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_16_bit_png_with_colour_or_alpha_keeps_its_low_bytes(tmp_path, channels):
    samples = RNG.integers(300, 500, (5, 7, channels)).astype(np.uint16)
    if channels != 3:
        samples[..., -1] = 65535
    (tmp_path / "a.png").write_bytes(png16(samples))
    colour = samples[..., :1].repeat(3, axis=2) if channels == 2 else samples[..., :3]
    loaded = read_image(tmp_path / "a.png", WHOLE)
    np.testing.assert_array_equal(loaded.pixels, stretched(colour))
    assert (loaded.scaling[:6], loaded.alpha) == ("16-bit", "")


def test_16_bit_tiff_with_orientation_is_turned_once(tmp_path):
    samples = np.arange(15, dtype=np.uint16).reshape(3, 5) * 1000
    tifffile.imwrite(tmp_path / "a.tif", samples, extratags=[(274, "H", 1, 6, True)])
    loaded = read_image(tmp_path / "a.tif", WHOLE)
    np.testing.assert_array_equal(loaded.pixels[..., 0], np.rot90(stretched(samples), -1))
    assert image_size(tmp_path / "a.tif") == (5, 3)


def test_16_bit_tiff_where_zero_is_white(tmp_path):
    samples = np.array([[0, 100]], np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", samples, photometric="miniswhite")
    assert read_image(tmp_path / "a.tif").pixels[0, :, 0].tolist() == [255, 0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_float_tiff_with_values_that_are_not_finite(tmp_path, dtype):
    samples = np.array([[-1.0, 0.0, 3.0, np.nan]], dtype)
    tifffile.imwrite(tmp_path / "a.tif", samples)
    loaded = read_image(tmp_path / "a.tif")
    assert loaded.pixels[0, :, 0].tolist() == [0, 64, 255, 0]
    assert f"{samples.dtype.itemsize * 8}-bit float -1..3" in loaded.scaling
    assert "1 not finite" in loaded.scaling


def test_constant_16_bit_picture_is_black_not_an_error(tmp_path):
    Image.fromarray(np.full((2, 2), 700, np.uint16)).save(tmp_path / "a.png")
    loaded = read_image(tmp_path / "a.png")
    assert not loaded.pixels.any()
    assert loaded.scaling == "16-bit constant 700 -> 0"


@pytest.mark.parametrize("shape", [(16, 16), (16, 16, 3), (300, 400)])
@pytest.mark.parametrize("hot", [65535, 0])
def test_one_hot_or_dead_pixel_does_not_matter(tmp_path, shape, hot):
    samples = RNG.integers(1000, 3000, shape).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", samples, photometric="rgb" if len(shape) == 3 else "minisblack")
    samples[5, 5] = hot
    tifffile.imwrite(tmp_path / "b.tif", samples, photometric="rgb" if len(shape) == 3 else "minisblack")
    without, with_it = (read_image(tmp_path / f"{name}.tif").pixels.astype(int) for name in "ab")
    difference = np.abs(without - with_it)
    difference[5, 5] = 0
    assert difference.max() <= 4


def test_the_case_of_a_hot_pixel(cases_folder):
    hot, without = (read_image(cases_folder / "bugs/06_hot_pixel" / f"{name}.tif") for name in ("hot", "same_without"))
    assert np.abs(hot.pixels.astype(int) - without.pixels).mean() < 1
    assert "0.1..99.9 %" in hot.note


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(
    ("channels", "extra", "alpha", "note"),
    [
        (4, (0,), False, "first 3 of 4 channels"),
        (4, (), False, "first 3 of 4 channels"),
        (4, (2,), True, ""),
        (5, (0, 2), True, "first 3 of 5 channels"),
        (2, (0,), False, "first of 2 channels"),
        (2, (2,), True, ""),
    ],
)
def test_only_what_a_tiff_calls_alpha_is_transparency(tmp_path, dtype, channels, extra, alpha, note):
    samples = RNG.integers(1, 200, (40, 50, channels)).astype(dtype)
    photometric = "rgb" if channels > 3 else "minisblack"
    options = {"photometric": photometric, "planarconfig": "contig", "extrasamples": extra or (0,)}
    tifffile.imwrite(tmp_path / "a.tif", samples, **options)
    if not extra:  # the tag is missing, as other programs write it; here it gets a number nobody knows
        content = (tmp_path / "a.tif").read_bytes()
        (tmp_path / "a.tif").write_bytes(content.replace(b"\x52\x01\x03\x00", b"\xe8\xfd\x03\x00"))
    loaded = read_image(tmp_path / "a.tif")
    assert (loaded.alpha != "") is alpha
    assert note in loaded.note
    assert read_header(tmp_path / "a.tif").left_out == ((note,) if note else ())
    if not alpha and dtype == np.uint8:
        np.testing.assert_array_equal(
            loaded.pixels, samples[..., : min(channels, 3)] if channels > 3 else samples[..., [0, 0, 0]]
        )


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_first_page_of_several_is_read_and_said(tmp_path, dtype):
    pages = np.stack([np.full((4, 5), 7), np.full((4, 5), 9)]).astype(dtype)
    pages[0, 0, 0] = 0
    tifffile.imwrite(tmp_path / "a.tif", pages, photometric="minisblack")
    loaded = read_image(tmp_path / "a.tif")
    assert loaded.pixels[1, 1, 0] == (7 if dtype == np.uint8 else 255)
    assert "first of 2 pages" in loaded.note


def test_tiff_with_five_channels_shows_three_and_says_so(tmp_path):
    samples = RNG.integers(0, 256, (4, 6, 5)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", samples, photometric="minisblack", planarconfig="contig")
    loaded = read_image(tmp_path / "a.tif")
    np.testing.assert_array_equal(loaded.pixels, samples[..., :3])
    assert "first 3 of 5 channels" in loaded.note
    assert image_size(tmp_path / "a.tif") == (4, 6)


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif", "a.bmp", "a.gif", "a.webp"])
@pytest.mark.parametrize("content", [b"", b"<html>not found</html>" * 9])
def test_a_file_that_is_no_picture_is_named(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    for read in (read_image, image_size):
        with pytest.raises(ProjectError, match=name):
            read(tmp_path / name)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".bmp", ".gif", ".webp"])
def test_a_truncated_picture_is_named(tmp_path, suffix):
    path = tmp_path / f"cut{suffix}"
    Image.fromarray(RNG.integers(0, 256, (64, 64, 3)).astype(np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ProjectError, match="cut"):
        read_image(path)


def test_a_missing_file_is_named(tmp_path):
    for read in (read_image, image_size, content_hash):
        with pytest.raises(ProjectError, match="gone"):
            read(tmp_path / "gone.png")


def test_size_does_not_decode_the_pixels(tmp_path):
    path = tmp_path / "cut.png"
    Image.fromarray(RNG.integers(0, 256, (64, 48, 3)).astype(np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:200])
    assert image_size(path) == (64, 48)


def test_hash_is_of_the_bytes(tmp_path):
    content = os.urandom(3_000_000)
    (tmp_path / "a.png").write_bytes(content)
    assert content_hash(tmp_path / "a.png") == hashlib.sha256(content).hexdigest()


def test_images_are_found_naturally_sorted_without_hidden_files(tmp_path):
    for name in ["b/10.jpg", "b/9.JPG", "a2.png", "a10.tif", ".a.png", ".git/x.png", "notes.txt", "b/c/1.webp"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = [image_id(path, tmp_path) for path in find_images(tmp_path)]
    assert found == ["a2.png", "a10.tif", "b/9.JPG", "b/10.jpg", "b/c/1.webp"]


@pytest.mark.parametrize(
    "name",
    [
        "@eaDir",
        "_gsdata_",
        "#recycle",
        "$RECYCLE.BIN",
        "lost+found",
        "__MACOSX",
        "System Volume Information",
        "FOUND.000",
        "RECYCLER",
    ],
)
def test_folders_of_servers_and_systems_hold_no_images_and_are_told(tmp_path, name):
    for path in ("cat/a.jpg", f"cat/{name}/a.jpg/thumb.jpg", f"{name}/old.jpg", f"{name}s/kept.jpg"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    told: list[Path] = []
    found = {image_id(path, tmp_path) for path in find_images(tmp_path, told)}
    assert found == {f"{name}s/kept.jpg", "cat/a.jpg"}
    assert sorted(path.relative_to(tmp_path).as_posix() for path in told) == sorted([name, f"cat/{name}"])


def test_a_link_to_the_parent_does_not_run_in_circles(tmp_path):
    (tmp_path / "a.png").touch()
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    assert [path.name for path in find_images(tmp_path)] == ["a.png"]


def test_one_stem_two_images_and_outside_is_refused(tmp_path):
    assert image_id(tmp_path / "x.jpg", tmp_path) != image_id(tmp_path / "x.png", tmp_path)
    with pytest.raises(ProjectError, match="does not lie in"):
        image_id(tmp_path.parent / "x.jpg", tmp_path)
    with pytest.raises(ProjectError, match="not a folder"):
        list(find_images(tmp_path / "missing"))


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_turned_pictures_are_told(tmp_path, suffix):
    exif = Image.Exif()
    for orientation, turned in ((1, False), (3, True), (6, True)):
        exif[0x0112] = orientation
        Image.new("RGB", (6, 4)).save(tmp_path / f"a{suffix}", exif=exif)
        assert is_turned(tmp_path / f"a{suffix}") == turned
    assert not is_turned(tmp_path / "missing.jpg")


def test_of_moving_pictures_the_first_frame_is_read_and_said(tmp_path):
    frames = [Image.new("RGB", (6, 4), colour) for colour in ("red", "blue", "lime")]
    for suffix in (".gif", ".webp", ".png"):
        path = tmp_path / f"a{suffix}"
        frames[0].save(path, save_all=True, append_images=frames[1:], lossless=True)
        loaded = read_image(path)
        assert loaded.pixels.shape == (4, 6, 3)
        assert (loaded.pixels == (255, 0, 0)).all()
        assert loaded.notes == read_header(path).left_out == ("first of 3 pages",)


@pytest.mark.parametrize("marks", [("project.sqlite",), ("data-card.json", "data-card.md")])
def test_masks_of_a_project_or_an_export_below_are_no_photographs(tmp_path, marks):
    for place in (tmp_path, tmp_path / "photos" / "masks", tmp_path / "photos"):
        place.mkdir(exist_ok=True, parents=True)
        (place / "a.png").touch()
    for mark in marks:
        (tmp_path / "photos" / mark).touch()
    system = []
    assert list(find_images(tmp_path, system)) == [tmp_path / "a.png"]
    assert system == [tmp_path / "photos"]
    assert len(list(find_images(tmp_path / "photos"))) == 2, "chosen itself, it is meant"


def test_pictures_of_kinds_that_are_not_read_are_told(tmp_path):
    for name in ("a.HEIC", "b.heic", "c.jp2", "d.txt", ".e.heic", "f.png"):
        (tmp_path / name).touch()
    unread = []
    assert [path.name for path in find_images(tmp_path, unread=unread)] == ["f.png"]
    assert {path.name for path in unread} == {"a.HEIC", "b.heic", "c.jp2"}
    assert "2 .heic, 1 .jp2" in unread_words(unread)
    assert unread_words([]) == ""
    assert not UNREAD_SUFFIXES & IMAGE_SUFFIXES


def test_every_listed_suffix_is_known_to_pillow():
    Image.init()
    assert set(Image.registered_extensions()) >= IMAGE_SUFFIXES
