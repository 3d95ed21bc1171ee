"""Where a file of each of very many images lies: in one of 256 folders, whatever the images' own folders are.

A million results in one folder are slow to look at on every shared file system; with 256 folders it holds 4,000, and
images that lie in a thousand folders do not make as many for every kind of result.
"""

import hashlib
from pathlib import PurePosixPath

from napari_wsss.core.inside import LONGEST_NAME, SUFFIX_BYTES

_DIGITS = 2


def spread(image_id: str) -> str:
    """Return the place of an image's file below its folder, without what is added to its name.

    The name tells the image: ``/`` is written as ``%2F``, ``%`` as ``%25``; one that would be too long is its digest.

    Examples
    --------
    >>> spread("day 1/cat.jpg")
    '1a/day 1%2Fcat.jpg'
    """
    digest = hashlib.sha256(image_id.encode(errors="replace")).hexdigest()
    name = image_id.replace("%", "%25").replace("/", "%2F")
    if len(name.encode(errors="replace")) > LONGEST_NAME - SUFFIX_BYTES:
        name = f"%{digest}"
    return f"{digest[:_DIGITS]}/{name}"


def is_spread(place: str) -> bool:
    """Tell whether a place below a folder, without what is added to its name, is one that `spread` gives."""
    path = PurePosixPath(place)
    if len(path.parts) != 2:
        return False
    digest = path.name[1:] if path.name.startswith("%") and len(path.name) > 64 else ""
    if digest:
        return digest.startswith(path.parts[0])
    return spread(path.name.replace("%2F", "/").replace("%25", "%")) == place
