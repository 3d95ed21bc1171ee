"""Reads and writes machine results by (provenance, image); every file is disposable and verified on reading.

A result counts only while its image's content is the one it was computed from: a replaced image, a damaged file or
a half-written one reads as absent. Two processes may write the same result at once; readers see one of them whole.
"""

import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.errors import StepError
from napari_wsss.core.files import MOST_RECORD_BYTES, publish, publish_bytes, publish_json, read_regular
from napari_wsss.core.inside import below, is_link, not_through_links
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.masks import decode_mask, encode_mask
from napari_wsss.core.provenance import Provenance
from napari_wsss.core.spread import is_spread, spread
from napari_wsss.pixels.images import is_image_name
from napari_wsss.pixels.surest_regions import Guarded
from napari_wsss.pixels.tap_features import TapFeatures
from napari_wsss.project.results.array_files import DAMAGE, packed, read_arrays, unpacked
from napari_wsss.project.results.kept_maps import arrays_of, is_sound, maps_of

IMAGE_TEXT = "wsss-image"
DOUBTFUL_TEXT = "wsss-doubtful"
_OF_TAPS = ("planes", "lows", "steps")


class ResultStore:
    """Results in ``<folder>/<step>-<key>/<place>.npz`` (maps, features) and ``.png`` (masks).

    The place of an image is `core.spread.spread`'s; results that lie as the image does, as those of earlier versions
    do, are read too (`spread_out` moves them).

    Parameters
    ----------
    folder : Path
        The project's ``results`` folder; made when something is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, provenance: Provenance, image_id: str, suffix: str = ".npz") -> Path:
        """Return where a result lies, or would be written."""
        name = f"{provenance.step}-{provenance.key}"
        path = below(self.folder, f"{name}/{spread(image_id)}{suffix}")
        if not os.path.exists(path):
            before = below(self.folder, f"{name}/{image_id}{suffix}")
            return before if os.path.exists(before) else path
        return path

    def _target(self, provenance: Provenance, image_id: str, suffix: str) -> Path:
        """Return where a result is written; `ProjectError` for an image whose id leads out of the folder."""
        below(self.folder, image_id)
        return below(self.folder, f"{provenance.step}-{provenance.key}/{spread(image_id)}{suffix}")

    def has(self, provenance: Provenance, image_id: str, image_hash: str) -> bool:
        """Tell whether maps for this content of the image are stored; damage shows only when they are read."""
        try:
            return str(read_arrays(self.path(provenance, image_id), only="image")["image"]) == image_hash
        except DAMAGE:
            return False

    def write_maps(self, provenance: Provenance, image_id: str, image_hash: str, maps: ActivationMaps) -> None:
        """Store maps; scores in [0, 1] are kept to within `SCORE_ERROR`, others in full, `cells` in place of scores.

        Raises
        ------
        StepError
            When they hold values that are no numbers: nothing made of them would mean anything.
        """
        self.check_maps(provenance, image_id, maps)
        content = packed(image_hash, arrays_of(maps), compressed=True)
        self._publish(provenance, self._target(provenance, image_id, ".npz"), content)

    def check_maps(self, provenance: Provenance, image_id: str, maps: ActivationMaps) -> None:
        """Raise `StepError` for maps that `write_maps` does not keep."""
        if not is_sound(maps):
            raise StepError(
                f"The maps of {image_id} from {provenance.step} hold values that are no numbers (NaN), and are not "
                "kept. Choose another model, or train again."
            )

    def read_maps(self, provenance: Provenance, image_id: str, image_hash: str) -> ActivationMaps | None:
        """Return the stored maps, None when absent, damaged, no numbers, or made from another content of the image."""
        try:
            arrays = unpacked(self.path(provenance, image_id), image_hash)
            return None if arrays is None else maps_of(arrays)
        except DAMAGE:
            return None

    def write_features(self, provenance: Provenance, image_id: str, image_hash: str, features: TapFeatures) -> None:
        """Store features of several taps, uncompressed: they hardly shrink, and are read at every proposal."""
        arrays: dict[str, NDArray[np.generic]] = {"size": np.asarray(features.size, np.int64)}
        for name in _OF_TAPS:
            arrays |= {f"{name}{at}": array for at, array in enumerate(getattr(features, name))}
        self._publish(provenance, self._target(provenance, image_id, ".npz"), packed(image_hash, arrays))

    def read_features(self, provenance: Provenance, image_id: str, image_hash: str) -> TapFeatures | None:
        """Return the stored features, None when absent, damaged, or made from another content of the image."""
        try:
            arrays = unpacked(self.path(provenance, image_id), image_hash)
            if arrays is None:
                return None
            height, width = (int(side) for side in arrays.pop("size"))
            count = len(arrays) // len(_OF_TAPS)
            parts = (tuple(arrays[f"{name}{at}"] for at in range(count)) for name in _OF_TAPS)
            return TapFeatures((height, width), *parts)
        except DAMAGE:
            return None

    def write_mask(
        self,
        provenance: Provenance,
        image_id: str,
        image_hash: str,
        values: NDArray[np.uint8],
        doubtful: tuple[int, ...] = (),
    ) -> None:
        """Store a machine's mask (H, W) uint8, and the 0-based classes it is in doubt of."""
        text = {IMAGE_TEXT: image_hash, DOUBTFUL_TEXT: " ".join(map(str, doubtful))}
        self._publish(provenance, self._target(provenance, image_id, ".png"), encode_mask(values, text=text))

    def read_mask(self, provenance: Provenance, image_id: str, image_hash: str) -> NDArray[np.uint8] | None:
        """Return the stored mask, None when absent, damaged, or made from another content of the image."""
        found = self._read_mask(provenance, image_id, image_hash)
        return found[0] if found else None

    def read_guarded(self, provenance: Provenance, image_id: str, image_hash: str) -> Guarded | None:
        """Return the stored mask and the classes it is in doubt of, None also where nobody noted these."""
        found = self._read_mask(provenance, image_id, image_hash)
        if found is None or DOUBTFUL_TEXT not in found[1]:
            return None
        return Guarded(found[0], tuple(map(int, found[1][DOUBTFUL_TEXT].split())))

    def _read_mask(
        self, provenance: Provenance, image_id: str, image_hash: str
    ) -> tuple[NDArray[np.uint8], dict[str, str]] | None:
        try:
            values, text = decode_mask(read_regular(self.path(provenance, image_id, ".png")))
        except DAMAGE:
            return None
        return (values, text) if text.get(IMAGE_TEXT) == image_hash else None

    @contextmanager
    def large_file(self, provenance: Provenance, image_id: str) -> Iterator[IO[bytes]]:
        """Give a file for a mask that is larger than the memory, a ``.tif``; it is there once it is whole."""
        path = self._target(provenance, image_id, ".tif")
        self._tell(provenance, path)
        with publish(path, lasting=False) as file:
            yield file

    def _publish(self, provenance: Provenance, path: Path, content: bytes) -> None:
        self._tell(provenance, path)
        publish_bytes(path, content, lasting=False)

    def _tell(self, provenance: Provenance, path: Path) -> None:
        """Have a folder of results say what decided them."""
        record = below(self.folder, f"{provenance.step}-{provenance.key}/provenance.json")
        not_through_links(self.folder.parent, path.parent)
        if not record.exists():
            publish_json(record, provenance.to_dict(), indent=1, sort_keys=True)

    def size_bytes(self, stage: str | None = None) -> int:
        """Return how many bytes the results (of one stage) take on disk."""
        total = 0
        for folder in self._folders(stage):
            for path in folder.rglob("*"):
                try:
                    total += path.stat().st_size if path.is_file() else 0
                except FileNotFoundError:  # removed meanwhile by another process
                    continue
        return total

    def clear(self, stage: str | None = None, but: Provenance | None = None) -> None:
        """Delete all results, or those of a stage: a shelf (``localize``) or a step (``localize.cam``).

        Those of the provenance `but` stay, and so does whatever a link leads to.
        """
        kept = f"{but.step}-{but.key}" if but else ""
        _delete(folder for folder in self._folders(stage) if folder.name != kept)

    def spread_out(self) -> int:
        """Move results of earlier versions, which lay as their images do, to their places; return how many.

        Each is moved at once or stays, and is read wherever it lies: this may be broken off.
        """
        moved = 0
        for folder in self._folders(None):
            if not (folder / "provenance.json").is_file():
                continue
            for path in list(_files(folder)):
                place = path.relative_to(folder).with_suffix("").as_posix()
                if path.suffix not in (".npz", ".png") or not is_image_name(path.stem) or is_spread(place):
                    continue
                target = folder / f"{spread(place)}{path.suffix}"
                target.parent.mkdir(exist_ok=True)
                path.unlink() if target.exists() else path.rename(target)
                moved += 1
            for inner in sorted((path for path in folder.rglob("*") if path.is_dir()), reverse=True):
                with suppress(OSError):  # what is not empty stays
                    inner.rmdir()
        return moved

    def forget(self, weights: str) -> None:
        """Delete what a model computed, and all that was made of it.

        Parameters
        ----------
        weights : str
            The content hash of its file.
        """
        _delete(folder for folder in self._folders(None) if _is_made_by(folder, weights))

    def _folders(self, stage: str | None) -> Iterator[Path]:
        if not self.folder.is_dir() or is_link(self.folder):
            return
        for folder in sorted(self.folder.iterdir()):
            step = folder.name.lstrip(".").rpartition("-")[0]
            if is_link(folder) or not folder.is_dir():
                continue
            if stage is None or step == stage or step.startswith(f"{stage}."):
                yield folder


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder, without following links."""
    for inside, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not is_link(Path(inside, name))]
        yield from (Path(inside, name) for name in names)


def _delete(folders: Iterable[Path]) -> None:
    """Delete folders of results; each is renamed first, so that no reader ever sees a half-deleted one."""
    for folder in list(folders):
        doomed = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.deleted")
        try:
            folder.rename(doomed)
        except FileNotFoundError:
            continue
        shutil.rmtree(doomed, ignore_errors=True)


def _is_made_by(folder: Path, weights: str) -> bool:
    """Return True when the record in a folder of results names these weights; one that cannot be read names none."""
    try:
        record = read_regular(folder / "provenance.json", MOST_RECORD_BYTES).decode()
    except (OSError, UnicodeDecodeError):
        return False
    return f'"{weights}"' in record
