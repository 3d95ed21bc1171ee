"""How good saliency maps are, by the definitions of the evaluation code that LDF was published with.

With s the saliency of an image, stretched to [0, 1], and g its mask, over the pixels that are not ignored:

- mean absolute error: mean of abs(s - g);
- adaptive F: F of the pixels with s >= min(2 mean(s), 1), where F = 1.3 P R / (0.3 P + R), 0 without a hit (the papers'
  "mean F" is this one, its mean over images);
- mean F and maximal F: over 256 thresholds, of precision and recall averaged over the images first;
- E-measure (Fan et al., IJCAI 2018): with both s > 2 mean(s) and g reduced by their means to a and b, the sum of
  (1 + 2ab / (a^2 + b^2))^2 / 4, divided by the number of pixels less one.

Unlike there, a map without any saliency and an image without any object count as they are: such an image has no F,
and its map is not stretched. Errors by distance from the edge of the mask (the paper's figure 1) are ours.
"""

import numpy as np
from numpy.typing import NDArray

from napari_wsss.pixels.chamfer import chamfer_distance

HALF = 128
"""Value of a grey picture from which a pixel is salient."""

PRECISION_WEIGHT = 0.3
LEVELS = 256
EDGE_DISTANCES = (1, 2, 4, 8, 16, 32, 64)
"""Upper ends, in pixels, of the ranges of distances from the edge; the last range is open."""

Map = NDArray[np.float32]
Truth = NDArray[np.bool_]
Curve = NDArray[np.float64]


class SaliencyTally:
    """Adds up images.

    Attributes
    ----------
    images : int
        How many were added.
    """

    def __init__(self) -> None:
        self.images = 0
        self._with_object = 0
        self._error, self._adaptive, self._enhanced = 0.0, 0.0, 0.0
        self._precision, self._recall = np.zeros(LEVELS), np.zeros(LEVELS)
        self._edge_error, self._edge_pixels = (np.zeros(len(EDGE_DISTANCES) + 1) for _ in range(2))

    def add(self, saliency: Map, truth: Truth, known: Truth | None = None) -> None:
        """Count one image.

        Parameters
        ----------
        saliency : (H, W) float32 in [0, 1]
        truth : (H, W) bool
        known : (H, W) bool, optional
            False for pixels to leave out. An image without a known pixel is not counted.
        """
        counted = np.ones(truth.shape, bool) if known is None else known
        if not counted.any():
            return
        found, objects = saliency[counted].astype(np.float64), truth[counted]
        self.images += 1
        if objects.any():
            self._with_object += 1
            found = stretched(found)
            self._adaptive += adaptive_f(found, objects)
            precision, recall = precision_and_recall(found, objects)
            self._precision += precision
            self._recall += recall
        errors = np.abs(found - objects)
        self._error += float(errors.mean())
        self._enhanced += e_measure(found, objects)
        self._add_edges(errors, edge_distance(truth)[counted])

    def figures(self) -> dict[str, float]:
        """Return the means by name; F is missing without an object, everything without an image."""
        if not self.images:
            return {}
        found: dict[str, float] = {}
        if self._with_object:
            f = f_measure(self._precision / self._with_object, self._recall / self._with_object)
            found["adaptive_f"] = self._adaptive / self._with_object
            found |= {"mean_f": float(f.mean()), "maximal_f": float(f.max())}
        found["mean_absolute_error"] = self._error / self.images
        found["e_measure"] = self._enhanced / self.images
        return found

    def edge_rows(self) -> list[list[str]]:
        """Return a table, header first: mean absolute error by distance from the edge, in pixels."""
        names = [f"{low}-{high}" for low, high in zip((0, *EDGE_DISTANCES), EDGE_DISTANCES, strict=False)]
        rows = [["distance", "mean_absolute_error", "pixels"]]
        names.append(f">{EDGE_DISTANCES[-1]}")
        for name, error, pixels in zip(names, self._edge_error, self._edge_pixels, strict=True):
            rows.append([name, f"{error / pixels:.4f}" if pixels else "", str(int(pixels))])
        return rows

    def _add_edges(self, errors: Curve, distance: Map) -> None:
        places = np.searchsorted(EDGE_DISTANCES, distance)
        size = len(EDGE_DISTANCES) + 1
        # A mask without an edge has no distances from one.
        near = np.isfinite(distance)
        self._edge_error += np.bincount(places[near], errors[near], size)
        self._edge_pixels += np.bincount(places[near], minlength=size)


def stretched(saliency: Curve) -> Curve:
    """Return values brought to [0, 1] by their smallest and largest; equal ones as they are."""
    low, high = float(saliency.min()), float(saliency.max())
    return saliency if low == high else (saliency - low) / (high - low)


def f_measure(precision: Curve, recall: Curve) -> Curve:
    """Return 1.3 P R / (0.3 P + R), 0 where both are 0."""
    weighted = PRECISION_WEIGHT * precision + recall
    above = (1 + PRECISION_WEIGHT) * precision * recall
    return np.divide(above, weighted, out=np.zeros_like(weighted), where=weighted > 0)


def adaptive_f(saliency: Curve, truth: Truth) -> float:
    """Return F in [0, 1] of the pixels at least twice as salient as the mean (at most 1); both (N,), some true."""
    found = saliency >= min(2 * saliency.mean(), 1.0)
    hits = float(np.count_nonzero(found & truth))
    precision, recall = hits / max(1, int(found.sum())), hits / int(truth.sum())
    return float(f_measure(np.array([precision]), np.array([recall]))[0])


def precision_and_recall(saliency: Curve, truth: Truth) -> tuple[Curve, Curve]:
    """Return both (256,) of the pixels with floor(255 s) >= t for t = 0 .. 255; both (N,), some true."""
    levels = np.floor(saliency * (LEVELS - 1)).astype(np.int64)
    hits, found = (np.bincount(each, minlength=LEVELS)[::-1].cumsum()[::-1] for each in (levels[truth], levels))
    return hits / np.maximum(found, 1), hits / np.count_nonzero(truth)


def e_measure(saliency: Curve, truth: Truth) -> float:
    """Return the E-measure in [0, 1] of the pixels more than twice as salient as the mean; both (N,)."""
    found = saliency > 2 * saliency.mean()
    if truth.all() or not truth.any():
        enhanced = (found == truth).astype(np.float64)
    else:
        a, b = found - found.mean(), truth - truth.mean()
        alike = 2 * a * b / (a * a + b * b)  # b is nowhere 0
        enhanced = (1 + alike) ** 2 / 4
    return float(enhanced.sum() / max(1, len(truth) - 1))


def edge_distance(truth: Truth) -> Map:
    """Return how far each pixel (H,W) is from the other side of the edge, 1 next to it; infinite without an edge."""
    inside, outside = chamfer_distance(truth), chamfer_distance(~truth)
    return np.where(truth, inside, outside)


def tables_of(tally: SaliencyTally) -> dict[str, list[list[str]]]:
    """Return the figures of a tally as tables by name, header rows first."""
    figures = [[name, f"{value:.4f}"] for name, value in tally.figures().items()]
    return {"saliency": [["figure", f"mean of {tally.images}"], *figures], "edges": tally.edge_rows()}
