"""A folder of pictures with masks (``images/`` and ``masks/``, the same names), as salient-object data sets come."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_wsss.core.classes import IGNORE
from napari_wsss.core.errors import ProjectError
from napari_wsss.core.files import check_regular
from napari_wsss.core.masks import DAMAGED_PICTURE
from napari_wsss.pixels.images import image_size, is_image_name, read_image
from training.data.label_decoupling import FULL
from training.data.picture_memory import PictureMemory

IMAGES, MASKS, TEST = "images", "masks", "test.txt"
Pixels = NDArray[np.uint8]


class ImagePairs:
    """Pictures and masks of a folder by the stem of their names, kept in memory.

    Parameters
    ----------
    folder : Path
        With ``images`` and ``masks``, and maybe ``test.txt``: the names, one per line, that shall not train.
    longest_side : int
        Larger pictures are kept smaller.

    Attributes
    ----------
    names : tuple of str
        All of them.
    held_out : frozenset of str
        Those in ``test.txt``.

    Raises
    ------
    ProjectError
        When there is no pair, a file has no partner or two, or ``test.txt`` names what is not there.
    """

    def __init__(self, folder: Path, longest_side: int) -> None:
        self._images, self._masks = _by_stem(folder / IMAGES), _by_stem(folder / MASKS)
        _check_partners(folder, self._images, self._masks)
        self.names = tuple(sorted(self._images))
        self.held_out = _listed_in(folder / TEST, self._images)
        self._memory = PictureMemory(longest_side)

    def image(self, name: str) -> Pixels:
        """Return the pixels (H, W, 3) uint8 RGB."""
        return self._memory.kept(("image", name), lambda: read_image(self._images[name]).pixels)

    def mask(self, name: str) -> Pixels:
        """Return the mask (H, W) uint8: 255 where something is; soft masks stay soft."""
        return self._memory.kept(("mask", name), lambda: self._read(name)[0])

    def known(self, name: str) -> Pixels:
        """Return (H, W) uint8: 0 where the mask is ignored, 255 elsewhere."""
        return self._memory.kept(("known", name), lambda: self._read(name)[1])

    def _read(self, name: str) -> tuple[Pixels, Pixels]:
        mask, known = read_truth(self._masks[name])
        shape = image_size(self._images[name])
        if mask.shape != shape:
            raise ProjectError(
                f"The mask {self._masks[name]} has {mask.shape} pixels (height, width), its image {shape}; expected "
                "the same. Scale one of them, or remove the pair."
            )
        return mask, known


def read_truth(path: Path) -> tuple[Pixels, Pixels]:
    """Return a class-free mask (H, W) uint8, 255 where something is, and where it counts (H, W) uint8, 255 or 0.

    A palette picture holds class values: every value but 0 is something, 255 is ignored. A grey one holds 0 to 255
    (soft masks stay soft), or 0 and 1.

    Raises
    ------
    ProjectError
        When the file cannot be read, or is grey and neither nearly white anywhere nor 0 and 1 only.
    """
    try:
        check_regular(path)
        with Image.open(path) as picture:
            palette = picture.mode == "P"
            values = np.asarray(picture if palette else picture.convert("L"), np.uint8)
    except DAMAGED_PICTURE as reason:
        raise ProjectError(f"The mask {path} cannot be read ({reason}); expected a grey or palette PNG.") from reason
    if palette:
        something = (values != 0) & (values != IGNORE)
        return _white(something), _white(values != IGNORE)
    everywhere = np.full(values.shape, FULL, np.uint8)
    if values.max(initial=0) <= 1:
        return _white(values == 1), everywhere
    if values.max() < FULL // 2:
        raise ProjectError(
            f"The grey mask {path} reaches {values.max()} only; expected 255 (or 1) where something is. Class values "
            "belong into a palette PNG."
        )
    return values, everywhere


def _white(where: NDArray[np.bool_]) -> Pixels:
    return np.where(where, np.uint8(FULL), np.uint8(0))


def _by_stem(folder: Path) -> dict[str, Path]:
    """Return the pictures of a folder by stem; raise `ProjectError` when it is missing or a stem is there twice."""
    if not folder.is_dir():
        raise ProjectError(
            f"There is no folder {folder}; expected {IMAGES}/ and {MASKS}/ with files of the same names."
        )
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if is_image_name(path.name):
            if path.stem in found:
                raise ProjectError(f"{found[path.stem]} and {path} have one name; expected one file of each name.")
            found[path.stem] = path
    return found


def _listed_in(path: Path, known: Mapping[str, Path]) -> frozenset[str]:
    """Return the names a file lists, none without the file; raise `ProjectError` for one that is not known."""
    if not path.is_file():
        return frozenset()
    names = frozenset(path.read_text(encoding="utf-8").split())
    if names - known.keys():
        raise ProjectError(f"{path} names {_listed(names - known.keys())}; expected names of files in {IMAGES}/.")
    return names


def _check_partners(folder: Path, images: Mapping[str, Path], masks: Mapping[str, Path]) -> None:
    problems = []
    for what, alone in (("mask", images.keys() - masks.keys()), ("image", masks.keys() - images.keys())):
        if alone:
            problems.append(f"no {what} of {_listed(alone)}")
    if problems:
        raise ProjectError(
            f"{folder} has pictures without partner: {'; '.join(problems)}. Every file in {IMAGES}/ needs one of the "
            f"same name in {MASKS}/; add or remove files."
        )
    if not images:
        raise ProjectError(f"{folder} holds no pair; put pictures into {IMAGES}/ and masks into {MASKS}/.")


def _listed(names: Iterable[str]) -> str:
    ordered = sorted(names)
    return ", ".join(ordered[:5]) + (f" and {len(ordered) - 5} more" if len(ordered) > 5 else "")
