"""The order that goes round the clusters: each time the image nearest to the centre that is left."""

import numpy as np
from numpy.typing import NDArray

from napari_wsss.project.criteria import CLUSTERS
from napari_wsss.project.database import Database

Numbers = NDArray[np.int32]
_NONE = np.iinfo(np.int32).max
_BY_CLUSTER = (
    "SELECT class, cluster, (SELECT group_concat(image) FROM (SELECT image FROM image_clusters AS own "
    "WHERE own.class = cl.class AND own.cluster = cl.cluster ORDER BY distance, image)) "
    f"FROM ({CLUSTERS}) AS cl ORDER BY class, cluster"
)
"""An index has the images in this order."""


def round_the_clusters(database: Database, chosen: Numbers, decided: NDArray[np.bool_]) -> Numbers:
    """Return numbers of images, undecided ones before, in turns through the clusters, those without one behind.

    Parameters
    ----------
    database : Database
        Asked for each cluster's images by their distance.
    chosen : (n,) int32
        Ascending.
    decided : (count + 1,) bool
        Whether a person has decided about an image, by its number.
    """
    counts = np.zeros(len(decided), bool)
    counts[chosen] = True
    counts &= ~decided
    places, clusters = np.full(len(decided), _NONE, np.int32), np.zeros(len(decided), np.int32)
    groups = database.remembered("image_clusters", lambda: database.numbers_by_group(_BY_CLUSTER))
    for at, (_, images) in enumerate(groups):
        images = images[images < len(decided)]
        images = images[counts[images]]
        turns = np.arange(len(images), dtype=np.int32)
        is_best = turns < places[images]
        images, turns = images[is_best], turns[is_best]
        places[images], clusters[images] = turns, at
    has_turn = (places < _NONE)[chosen]
    in_turn, others = chosen[has_turn], chosen[~has_turn]
    keys = places[in_turn].astype(np.int64) * max(len(groups), 1) + clusters[in_turn]  # no two images share a turn
    if keys.max(initial=0) < _NONE:  # numbers are sorted in a third of the time that finding their order takes
        in_turn = (np.sort(keys << 32 | in_turn) & _NONE).astype(np.int32)
    else:
        in_turn = in_turn[np.argsort(keys)]
    return np.concatenate([in_turn, others[~decided[others]], others[decided[others]]])
