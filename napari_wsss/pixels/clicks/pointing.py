"""Masks by pointing at things: what a click means in the mask there is, and the answer by colours and maps.

A *thing* is one object a person points at. It has a class, so a click on what is no such thing says "another value
here", and what the class's maps expect is known before the first click. Whoever finds the thing, colours here or a
promptable segmenter elsewhere, its pixels come into the mask by `written`.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.background import DEFAULT_THRESHOLD
from napari_wsss.core.classes import BACKGROUND
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.masks import Mask
from napari_wsss.pixels.clicks.prompts import Click, Prompt, implied
from napari_wsss.pixels.propagate import (
    DEFAULT_STRENGTH,
    Prior,
    around_scribbles,
    blended,
    prior_of,
    prior_of_mask,
    propagate,
)
from napari_wsss.pixels.superpixels import Superpixels

Flags = NDArray[np.bool_]
NEAR = 0.5
"""How far beside a region a click still means it, in parts of the region's width (the root of its area)."""
GRID = 256
_DOT = 0.008
"""Radius of what a click says, as a share of the picture's longer side; at least one pixel."""
_CORE = 0.3
"""Part of a box, along each side and around its best place, that is taken for the thing itself."""


@dataclass(frozen=True)
class Scene:
    """What there is before somebody points at a thing.

    Parameters
    ----------
    pixels : (H, W, 3) uint8 RGB
    value : int
        Mask value of the thing's class.
    before : (H, W) uint8
        The mask so far.
    person : (H, W) bool
        Pixels of it that a person drew; they stay.
    maps : ActivationMaps, optional
    threshold : float in [0, 1]
        Background threshold, for maps without a background of their own.
    """

    pixels: NDArray[np.uint8]
    value: int
    before: Mask
    person: Flags
    maps: ActivationMaps | None = None
    threshold: float = DEFAULT_THRESHOLD
    _kept: dict[str, Prior] = field(default_factory=dict, repr=False, compare=False)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.pixels.shape[0], self.pixels.shape[1]

    def prior(self) -> Prior | None:
        """Return what maps expect of background, their classes and the thing's; None without maps."""
        if self.maps is None:
            return None
        if "prior" not in self._kept:  # one thing is asked about many times
            self._kept["prior"] = prior_of(self.maps, self.threshold, extra=(self.value,))
        return self._kept["prior"]

    def coarse_share(self) -> NDArray[np.float32] | None:
        """Return `share` on a grid (h, w) of at most `GRID` cells a side: little to send, and enough to choose by."""
        share = self.share()
        step = -(-max(self.size) // GRID)
        return None if share is None else np.ascontiguousarray(share[step // 2 :: step, step // 2 :: step])

    def share(self) -> NDArray[np.float32] | None:
        """Return how much the maps expect the thing's class (H, W) float32 in [0, 1]; None where they lack it."""
        if self.maps is None or self.value - 1 not in self.maps.classes:
            return None
        maps, place = self.maps, self.maps.classes.index(self.value - 1)
        if maps.background is not None:
            total = maps.scores.sum(0) + maps.background
            return np.asarray(maps.scores[place] / np.maximum(total, np.float32(1e-6)), np.float32)
        prior = self.prior()
        assert prior is not None
        found = prior.scores[prior.values.index(self.value)]
        return np.asarray(found / np.maximum(prior.scores.sum(0), np.float32(1e-6)), np.float32)

    def otherwise(self) -> Mask:
        """Return what each pixel (H, W) uint8 is if it is not the thing's class: what was there, else what maps expect.

        A pixel of the class in the mask so far becomes the value that maps expect most beside it.
        """
        prior = self.prior()
        rest = np.zeros_like(self.before)
        if prior is not None:
            others = [place for place, value in enumerate(prior.values) if value != self.value]
            rest = np.asarray(prior.values, np.uint8)[others][prior.scores[others].argmax(0)]
        return np.where(self.before == self.value, rest, self.before)


def is_near(region: Flags, click: Click) -> bool:
    """Return True when a click lies in a region (H, W) bool, or no farther from it than `NEAR` says."""
    if region[click.row, click.column] or not region.any():
        return bool(region[click.row, click.column])
    rows, columns = np.nonzero(region)
    away = np.hypot(rows - click.row, columns - click.column).min()
    return bool(away <= NEAR * np.sqrt(len(rows)))


def region_meant(before: Mask, value: int, click: Click) -> Flags | None:
    """Return the region (H, W) bool of a class that a click is about: the one under it, else one near it, or None.

    Parameters
    ----------
    before : (H, W) uint8
    value : int
    click : Click
        One far from every region of the class begins a thing of its own; see `NEAR`.
    """
    from scipy import ndimage

    regions, count = ndimage.label(before == value)
    if not count:
        return None
    place = click.row, click.column
    if not regions[place]:
        rows, columns = ndimage.distance_transform_edt(regions == 0, return_distances=False, return_indices=True)
        place = int(rows[place]), int(columns[place])
    region = np.asarray(regions == regions[place])
    return region if is_near(region, click) else None


def written(scene: Scene, region: Flags, own: Flags | None = None) -> Mask:
    """Return the mask (H, W) uint8 with a thing in it.

    Parameters
    ----------
    scene : Scene
    region : (H, W) bool
        Where the thing is.
    own : (H, W) bool, optional
        Where it was in the mask before; it gives up what is not in `region`.
    """
    found = scene.before.copy()
    if own is not None:
        lost = own & ~region
        found[lost] = scene.otherwise()[lost]
    found[region] = scene.value
    return np.where(scene.person, scene.before, found)


def pointed_at(mask: Mask, value: int, prompt: Prompt) -> Flags:
    """Return the regions (H, W) bool of a class in a mask that hold a click on the thing, or lie in its box."""
    from scipy import ndimage

    regions, count = ndimage.label(mask == value)
    meant = np.zeros(count + 1, bool)
    meant[[int(regions[click.row, click.column]) for click in prompt.clicks if click.is_thing]] = True
    if prompt.box is not None:
        meant[np.unique(regions[prompt.box.inside(mask.shape)])] = True
    meant[0] = False
    return np.asarray(meant[regions])


def answer_by_colour(scene: Scene, prompt: Prompt, patches: Superpixels) -> Mask:
    """Return the mask (H, W) uint8 after pointing: clicks are seeds of the propagation, the class's maps its prior.

    Only what hangs together with a click changes, and with a box only what lies inside. The middle of a region that is
    corrected is a seed, too, unless a click there says otherwise: what is taken away beside it has its own colours.
    """
    seeds, said = _seeds(scene, prompt)
    seeded = said | scene.person
    found = propagate(
        scene.pixels, patches, np.where(said, seeds, scene.before), seeded, _expected(scene, prompt), DEFAULT_STRENGTH
    )
    found = around_scribbles(found, scene.before, said)
    if prompt.box is not None:
        found = np.where(prompt.box.inside(found.shape), found, scene.before)
    return np.where(scene.person, scene.before, found)


def _expected(scene: Scene, prompt: Prompt) -> Prior | None:
    """Return what maps and the mask so far expect; in an empty mask, maps alone."""
    known = scene.prior()
    if not scene.before.any():
        return known
    clicked = {int(scene.before[click.row, click.column]) for click in prompt.clicks}
    allowed = {BACKGROUND, scene.value, *clicked} if known is None else {*known.values}
    drawn = prior_of_mask(np.where(np.isin(scene.before, list(allowed)), scene.before, np.uint8(BACKGROUND)))
    return drawn if known is None else blended(known, drawn)


def _seeds(scene: Scene, prompt: Prompt) -> tuple[Mask, Flags]:
    """Return the values (H, W) uint8 of what a person pointed at, and where that is (H, W) bool."""
    shape = scene.before.shape
    seeds, said = np.zeros(shape, np.uint8), np.zeros(shape, bool)
    if prompt.box is not None:
        _mark_box(scene, prompt, seeds, said)
    rest = scene.otherwise()
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    radius = max(1.0, _DOT * max(shape))
    for click in (*_implied(scene, prompt), *prompt.clicks):
        dot = np.hypot(rows - click.row, columns - click.column) <= radius
        seeds[dot] = scene.value if click.is_thing else rest[click.row, click.column]
        said |= dot
    return seeds, said


def _implied(scene: Scene, prompt: Prompt) -> tuple[Click, ...]:
    """Return a click in the middle of the region that is corrected; none where a box says what is meant."""
    if prompt.box is not None or not prompt.clicks:
        return ()
    own = region_meant(scene.before, scene.value, prompt.clicks[0])
    return () if own is None else implied(own, prompt.clicks)


def _mark_box(scene: Scene, prompt: Prompt, seeds: Mask, said: Flags) -> None:
    """Mark a box's frame as not the thing, and what is most likely the thing in its middle."""
    from scipy import ndimage

    box = prompt.box
    assert box is not None
    inside = box.inside(said.shape)
    frame = ndimage.binary_dilation(inside, iterations=2) & ~inside
    seeds[frame], said[frame] = scene.otherwise()[frame], True
    height, width = box.bottom - box.top, box.right - box.left
    share = scene.share()
    row, column = (box.top + box.bottom - 1) / 2, (box.left + box.right - 1) / 2
    if share is not None and share[inside].max() > 0:
        weights = np.where(inside, share, np.float32(0))
        row, column = ndimage.center_of_mass(weights)
    rows, columns = np.ogrid[: said.shape[0], : said.shape[1]]
    away = np.square((rows - row) / max(1.0, height / 2)) + np.square((columns - column) / max(1.0, width / 2))
    core = (away <= _CORE**2) & inside
    seeds[core], said[core] = scene.value, True
