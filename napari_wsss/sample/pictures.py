"""Draw one generated picture: textured creatures of four classes on five kinds of ground, with the exact mask.

Every class has a small discriminative part, its patterned head, and a larger plain body with limbs that looks alike in
all classes. Each class has two looks (a round body with four legs, a long one with fins and a tail; other head
colours), and `ringhead` lives mostly on water. Everything is drawn at twice the size and averaged. Imports `core` only.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_wsss.core.classes import ClassList

Array = NDArray[np.float64]
Point = tuple[float, float]
Random = np.random.Generator

CLASSES = ClassList(("stripehead", "dothead", "checkhead", "ringhead"))
LOOKS = ("round", "long")
WATER_CLASS = "ringhead"
WATER_SHARE_WITH, WATER_SHARE_WITHOUT = 0.85, 0.06  # how often a picture with (without) that class is on water

HEAD_RADIUS = 0.42  # in half body lengths, as all proportions of creatures
_OVERSAMPLING = 2
_PLACING_TRIES = 60
# The two colours of each class's head, one pair per look.
_HEAD_COLOURS = {
    "stripehead": (((235, 25, 30), (250, 250, 250)), ((250, 50, 110), (90, 5, 30))),
    "dothead": (((25, 50, 235), (250, 250, 250)), ((0, 165, 255), (10, 20, 110))),
    "checkhead": (((255, 225, 0), (15, 15, 15)), ((200, 240, 0), (70, 110, 0))),
    "ringhead": (((150, 20, 200), (255, 190, 255)), ((200, 60, 255), (65, 0, 120))),
}
_BODY_COLOURS = ((226, 212, 190), (198, 166, 130), (190, 190, 198), (100, 88, 84))


@dataclass(frozen=True)
class SampleObject:
    """One creature of one image: what it is, where it stands and how many pixels of it the mask holds.

    `centre` (row, column) and `scale` (half the body's length) are in pixels, `angle` in radians; `head_pixels` counts
    the discriminative part, `pixels` the whole object.
    """

    image: str
    name: str
    look: str
    ground: str
    centre: Point
    scale: float
    angle: float
    pixels: int
    head_pixels: int


@dataclass(frozen=True)
class Picture:
    """Pixels (H, W, 3) uint8 RGB, mask values (H, W) uint8 and the objects of one generated picture."""

    pixels: NDArray[np.uint8]
    values: NDArray[np.uint8]
    objects: tuple[SampleObject, ...]


@dataclass(frozen=True)
class _Pose:
    """Where a creature is, in oversampled pixels and radians."""

    name: str
    look: int
    centre: Point
    scale: float
    angle: float


@dataclass(frozen=True)
class _Part:
    """The pixels (N,) of a body or head: where they are, and along and across the creature in half body lengths."""

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    along: Array
    across: Array


def draw_picture(name: str, index: int, *, size: int, seed: int) -> Picture:
    """Return picture number `index` of (size, size) pixels; the same three numbers give the same pixels."""
    rng = np.random.default_rng([seed, index])
    wanted = _choose_classes(rng, index)
    ground = _choose_ground(rng, WATER_CLASS in wanted)
    side = size * _OVERSAMPLING
    pixels = _paint_ground(rng, ground, side)
    owners = np.zeros((side, side), np.uint8)  # 2 n + 1 the body of creature n, 2 n + 2 its head
    fur = _noise(rng, side, 1.5)
    poses = [pose for name_ in wanted if (pose := _place(rng, name_, pixels, owners, fur))]
    light = 1 + 0.1 * _noise(rng, side, side / 4)
    pixels = pixels * light[..., None] + rng.normal(0, 5, (side, side, 1))
    pixels = pixels.reshape(size, _OVERSAMPLING, size, _OVERSAMPLING, 3).mean((1, 3))
    owners = _shrink(owners)
    values = np.array([0, *(CLASSES.mask_value(pose.name) for pose in poses for _ in range(2))], np.uint8)[owners]
    objects = tuple(_describe(name, ground, pose, n, owners) for n, pose in enumerate(poses))
    return Picture(np.clip(pixels, 0, 255).astype(np.uint8), values, objects)


def _choose_classes(rng: Random, index: int) -> list[str]:
    """Return one to four class names, with repetitions; over the images every class comes first equally often."""
    others = int(rng.choice(4, p=(0.3, 0.35, 0.25, 0.1)))
    rarity = np.array([1.0 if name != WATER_CLASS else 0.3 for name in CLASSES.names])
    drawn = rng.choice(CLASSES.names, others, p=rarity / rarity.sum())
    return [CLASSES.names[index % len(CLASSES)], *map(str, drawn)]


def _choose_ground(rng: Random, with_water_class: bool) -> str:
    if rng.random() < (WATER_SHARE_WITH if with_water_class else WATER_SHARE_WITHOUT):
        return "water"
    return str(rng.choice([ground for ground in GROUNDS if ground != "water"]))


def _shrink(owners: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the owners at final size: a pixel belongs to a creature that covers at least half of it."""
    size = len(owners) // _OVERSAMPLING
    blocks = owners.reshape(size, _OVERSAMPLING, size, _OVERSAMPLING).swapaxes(1, 2).reshape(size, size, -1)
    return np.sort(blocks, axis=-1)[..., _OVERSAMPLING**2 // 2]


def _describe(image: str, ground: str, pose: _Pose, number: int, owners: NDArray[np.uint8]) -> SampleObject:
    head = int(np.count_nonzero(owners == 2 * number + 2))
    return SampleObject(
        image=image,
        name=pose.name,
        look=LOOKS[pose.look],
        ground=ground,
        centre=(round(pose.centre[0] / _OVERSAMPLING, 2), round(pose.centre[1] / _OVERSAMPLING, 2)),
        scale=round(pose.scale / _OVERSAMPLING, 2),
        angle=round(pose.angle, 3),
        pixels=head + int(np.count_nonzero(owners == 2 * number + 1)),
        head_pixels=head,
    )


# --- the creatures ---------------------------------------------------------------------------------------------


def _place(rng: Random, name: str, pixels: Array, owners: NDArray[np.uint8], fur: Array) -> _Pose | None:
    """Draw one creature where it covers no other, or return None when there is no room for it."""
    look = int(rng.integers(len(LOOKS)))
    colour = _contrasting_body(rng, pixels.mean((0, 1)))
    for _ in range(_PLACING_TRIES):
        pose = _draw_pose(rng, name, look, len(owners))
        body, head = _parts(pose)
        if _is_free(owners, body) and _is_free(owners, head):
            break
    else:
        return None
    shade = 1.08 - 0.22 * np.clip(np.hypot(0.7 * body.along, body.across), 0, 1.4)
    shade += 0.07 * fur[body.rows, body.columns]
    pixels[body.rows, body.columns] = colour * shade[:, None]
    pixels[head.rows, head.columns] = _head_pattern(name, look, head.along - _head_centre(look), head.across)
    number = int(owners.max())
    owners[body.rows, body.columns] = number + 1
    owners[head.rows, head.columns] = number + 2
    return pose


def _draw_pose(rng: Random, name: str, look: int, side: int) -> _Pose:
    scale = side * rng.uniform(0.1, 0.16)
    row, column = rng.uniform(1.1 * scale, side - 1.1 * scale, 2)
    return _Pose(name, look, (float(row), float(column)), float(scale), float(rng.uniform(0, 2 * np.pi)))


def _is_free(owners: NDArray[np.uint8], part: _Part) -> bool:
    first, last = _OVERSAMPLING, len(owners) - _OVERSAMPLING - 1  # one pixel of ground stays around the creature
    inside = min(part.rows.min(), part.columns.min()) >= first and max(part.rows.max(), part.columns.max()) <= last
    return bool(inside) and not owners[part.rows, part.columns].any()


def _parts(pose: _Pose) -> tuple[_Part, _Part]:
    """Return the plain body with its limbs, and the head (they share no pixel)."""
    reach = int(2 * pose.scale)
    top, left = int(pose.centre[0]) - reach, int(pose.centre[1]) - reach
    rows, columns = np.mgrid[top : top + 2 * reach, left : left + 2 * reach]
    down, right = rows + 0.5 - pose.centre[0], columns + 0.5 - pose.centre[1]
    cos, sin = np.cos(pose.angle), np.sin(pose.angle)
    along, across = (right * cos + down * sin) / pose.scale, (down * cos - right * sin) / pose.scale
    head = np.hypot(along - _head_centre(pose.look), across) < HEAD_RADIUS
    body = _body(pose.look, along, across) & ~head

    def part(inside: NDArray[np.bool_]) -> _Part:
        return _Part(rows[inside], columns[inside], along[inside], across[inside])

    return part(body), part(head)


def _head_centre(look: int) -> float:
    return 1.15 if LOOKS[look] == "round" else 1.45


def _body(look: int, along: Array, across: Array) -> NDArray[np.bool_]:
    if LOOKS[look] == "round":
        body = along**2 + (across / 0.85) ** 2 < 1
        limbs = [((x, y), (1.55 * x, 1.75 * y)) for x in (-0.6, 0.5) for y in (-0.6, 0.6)]
    else:
        body = np.abs(along / 1.3) ** 3 + np.abs(across / 0.55) ** 3 < 1
        limbs = [((-1.0, 0.0), (-1.75, 0.35)), ((0.3, 0.4), (-0.25, 1.0)), ((0.3, -0.4), (-0.25, -1.0))]
    for start, end in limbs:
        body |= _distance_to_segment(along, across, start, end) < 0.15
    return body


def _distance_to_segment(along: Array, across: Array, start: Point, end: Point) -> Array:
    run, rise = end[0] - start[0], end[1] - start[1]
    part = np.clip(((along - start[0]) * run + (across - start[1]) * rise) / (run**2 + rise**2), 0, 1)
    return np.asarray(np.hypot(along - start[0] - part * run, across - start[1] - part * rise))


def _contrasting_body(rng: Random, ground: Array) -> Array:
    """Return a body colour (3,) that can be told from the mean ground colour; no class has one of its own."""
    colours = np.array(_BODY_COLOURS, dtype=float)
    clear = colours[np.linalg.norm(colours - ground, axis=1) > 65]
    return np.asarray(rng.choice(clear) + rng.normal(0, 6, 3))


def _head_pattern(name: str, look: int, along: Array, across: Array) -> Array:
    """Return (N, 3) RGB: the class's pattern around the head's centre, in the look's colours."""
    if name == "stripehead":
        first = np.sin(22 * along) > 0
    elif name == "dothead":
        first = np.hypot((along * 4.2) % 1 - 0.5, (across * 4.2) % 1 - 0.5) > 0.34
    elif name == "checkhead":
        first = np.sin(15 * along) * np.sin(15 * across) > 0
    else:
        first = np.sin(28 * np.hypot(along, across)) > 0
    colours = np.array(_HEAD_COLOURS[name][look], dtype=float)
    return np.asarray(np.where(first[:, None], colours[0], colours[1]))


# --- the ground ------------------------------------------------------------------------------------------------


def _noise(rng: Random, side: int, sigma: float | tuple[float, float]) -> Array:
    """Return smooth noise (side, side) with mean 0 and standard deviation 1; `sigma` in oversampled pixels."""
    from skimage.filters import gaussian

    step = max(1, int(np.min(sigma) / 2))  # wide noise is made small and enlarged, for speed
    coarse = rng.standard_normal((-(-side // step),) * 2)
    smooth = gaussian(coarse, sigma=np.divide(sigma, step), mode="wrap")
    image = Image.fromarray(smooth.astype(np.float32)).resize((side, side), Image.Resampling.BICUBIC)
    noise = np.array(image, dtype=float)
    return np.asarray((noise - noise.mean()) / noise.std())


def _paint_ground(rng: Random, ground: str, side: int) -> Array:
    """Return (side, side, 3) in about [0, 255]: the ground's colour, jittered, times its turned texture."""
    base, texture = GROUNDS[ground]
    colour = np.array(base, dtype=float) + rng.normal(0, 9, 3)
    turned = np.rot90(texture(rng, side), int(rng.integers(4)))
    tint = _noise(rng, side, side / 10)[..., None] * rng.normal(0, 4, 3)
    return np.asarray(colour * turned[..., None] + tint)


def _meadow(rng: Random, side: int) -> Array:
    return 1 + 0.16 * _noise(rng, side, (7, 1)) + 0.12 * _noise(rng, side, (4, 2)) + 0.1 * _noise(rng, side, 14)


def _water(rng: Random, side: int) -> Array:
    rows = np.arange(side)[:, None]
    waves = np.sin(2 * np.pi * rows / (0.075 * side) + 1.6 * _noise(rng, side, (side / 40, side / 12)))
    return np.asarray(1 + 0.13 * waves + 0.09 * _noise(rng, side, (1.5, 7)))


def _gravel(rng: Random, side: int) -> Array:
    """Pebbles: each has a tone of its own and is darker towards its rim (a Voronoi pattern of a jittered grid)."""
    from skimage.filters import gaussian

    cells = 14
    grid = np.mgrid[-1 : cells + 1, -1 : cells + 1].reshape(2, -1).T
    seeds = (grid + rng.random(grid.shape)) / cells
    steps = np.arange(side // 2) / (side // 2)
    distance = (steps[:, None, None] - seeds[:, 0]) ** 2 + (steps[:, None] - seeds[:, 1]) ** 2
    nearest = np.sqrt(np.partition(distance, 1, axis=-1)[..., :2])
    rim = np.clip((nearest[..., 1] - nearest[..., 0]) * cells * 2.5, 0, 1)
    tone = (0.75 + 0.45 * rng.random(len(seeds)))[distance.argmin(-1)] * (0.55 + 0.45 * rim)
    doubled = tone.repeat(2, axis=0).repeat(2, axis=1)
    return np.asarray(gaussian(doubled, sigma=1) + 0.06 * _noise(rng, side, 1))


def _sand(rng: Random, side: int) -> Array:
    ripples = np.sin(2 * np.pi * np.arange(side) / (0.11 * side) + 2.5 * _noise(rng, side, side / 9))
    return np.asarray(1 + 0.07 * ripples + 0.07 * _noise(rng, side, 1) + 0.05 * _noise(rng, side, side / 16))


def _bricks(rng: Random, side: int) -> Array:
    height, width = side / 12, side / 5
    rows, columns = np.mgrid[:side, :side] + side * rng.random(2)[:, None, None]
    course = np.floor(rows / height).astype(int)
    shifted = columns + (course % 2) * width / 2
    brick = np.floor(shifted / width).astype(int)
    tone = (0.8 + 0.35 * rng.random(997))[(course * 31 + brick * 7) % 997]
    mortar = (rows % height < 0.13 * height) | (shifted % width < 0.05 * width)
    return np.where(mortar, 1.35, tone) + 0.07 * _noise(rng, side, 1.2)


GROUNDS: dict[str, tuple[tuple[int, int, int], Callable[[Random, int], Array]]] = {
    "meadow": ((94, 112, 76), _meadow),
    "water": ((86, 106, 126), _water),
    "gravel": ((126, 124, 121), _gravel),
    "sand": ((178, 162, 130), _sand),
    "bricks": ((132, 98, 88), _bricks),
}
