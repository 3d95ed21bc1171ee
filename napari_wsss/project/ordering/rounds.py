"""The order that goes round the clusters: each time the image nearest to the centre that is left."""

import numpy as np
from numpy.typing import NDArray

from napari_wsss.project.database import Database
from napari_wsss.project.ordering.sorting import order_of

Numbers = NDArray[np.int32]
_NONE = np.iinfo(np.int32).max


def round_the_clusters(database: Database, chosen: Numbers, decided: NDArray[np.bool_]) -> Numbers:
    """Return numbers of images, undecided ones before, in turns through the clusters, those without one behind.

    Parameters
    ----------
    database : Database
        Asked for each cluster's images by their distance, which an index has in this order.
    chosen : (n,) int32
        Ascending.
    decided : (count + 1,) bool
        Whether a person has decided about an image, by its number.
    """
    counts = np.zeros(len(decided), bool)
    counts[chosen] = True
    counts &= ~decided
    places, clusters = np.full(len(decided), _NONE, np.int32), np.zeros(len(decided), np.int32)
    for at, (class_, cluster) in enumerate(_clusters(database)):
        sql = "SELECT image FROM image_clusters WHERE class = ? AND cluster = ? ORDER BY distance, image"
        images = database.whole_numbers(sql, (class_, cluster))
        images = images[images < len(decided)]
        images = images[counts[images]]
        turns = np.arange(len(images), dtype=np.int32)
        is_best = turns < places[images]
        images, turns = images[is_best], turns[is_best]
        places[images], clusters[images] = turns, at
    found = chosen
    for term in (clusters, places, decided):
        found = found[order_of(term[found])]
    return found


def _clusters(database: Database) -> list[tuple[int, str]]:
    """Return class and cluster of all clusters, in their order: each is the first behind the one before."""
    found: list[tuple[int, str]] = []
    sql = "SELECT class, cluster FROM image_clusters WHERE (class, cluster) > (?, ?) ORDER BY class, cluster LIMIT 1"
    while rows := database.rows(sql, found[-1] if found else (-1, "")):
        found.append((rows[0][0], rows[0][1]))
    return found
