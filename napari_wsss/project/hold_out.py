"""Chooses validation images once: deterministic, and in every class about the same share."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping

from napari_wsss.core.errors import ParameterError


def choose_held_out(
    labels: Mapping[str, frozenset[str]], fraction: float, seed: int, series_of: Callable[[str], str] = str
) -> frozenset[str]:
    """Return the ids of the images to hold out.

    Images are grouped by their rarest label; the share of one group that is lost to rounding is carried to the
    next, so the total is right within one image and rare classes are represented where they can be.

    Parameters
    ----------
    labels : mapping of image id to image-level labels
        The images to choose from; their order does not matter.
    fraction : float in [0, 1]
        Share of images to hold out.
    seed : int
        Another seed, another choice.
    series_of : callable
        Returns what an image is a part of (a stack its planes are alike in). Such images stay together, as far as one
        whole is not more than what is held out; else validation would see what training has seen.

    Raises
    ------
    ParameterError
        When `fraction` is not in [0, 1].
    """
    if not 0 <= fraction <= 1:
        raise ParameterError(f"The held-out share is {fraction!r}; expected a number from 0 to 1.", name="fraction")
    wholes: defaultdict[str, list[str]] = defaultdict(list)
    for image_id in labels:
        wholes[series_of(image_id)].append(image_id)
    if len(wholes) < len(labels) and fraction * len(wholes) >= 1:
        united = {whole: frozenset().union(*(labels[one] for one in parts)) for whole, parts in wholes.items()}
        found = choose_held_out(united, fraction, seed)
        return frozenset(one for whole in found for one in wholes[whole])
    counts = Counter(name for names in labels.values() for name in names)
    groups: defaultdict[tuple[int, str], list[str]] = defaultdict(list)
    for image_id, names in labels.items():
        groups[min(((counts[name], name) for name in names), default=(0, ""))].append(image_id)
    chosen: set[str] = set()
    owed = 0.0
    for group in sorted(groups):
        members = sorted(groups[group], key=lambda image_id: _draw(image_id, seed))
        owed += fraction * len(members)
        taken = min(len(members), round(owed))
        owed -= taken
        chosen.update(members[:taken])
    return frozenset(chosen)


def _draw(image_id: str, seed: int) -> str:
    return hashlib.sha256(f"{seed}:{image_id}".encode()).hexdigest()
