"""Which clusters every image is in, as a table of the project: what searches, orders and parameters ask for.

The table follows the clusters as a person left them (`cluster_edits.refresh_image_clusters` writes it). It holds one
row per image and class, with a name that is unique in the project (`clusters.full_name`): ``cat 3``, or what a person
called it.
"""

from collections.abc import Iterable
from typing import NamedTuple

from napari_wsss.project.criteria import CLUSTERS
from napari_wsss.project.database import Database, part_of

UNTOUCHED = ("todo", "skipped")
"""States of images that nobody has decided about or begun to work on."""


class ClusterRow(NamedTuple):
    """One row of the table: an image's place in a class, given by the class's position."""

    image_id: str
    class_index: int
    cluster: str
    distance: float


class ClusterFacts(NamedTuple):
    """What became of a cluster's images.

    Parameters
    ----------
    size : int
        Images in it.
    accepted : int
        Those that are accepted.
    by_hand : int
        Those that were accepted one by one, not in a batch.
    edited : float, optional
        Mean share of pixels in [0, 1] that a person changed before accepting; None while nothing is known.
    """

    size: int
    accepted: int
    by_hand: int
    edited: float | None


class ImageClusters:
    """The clusters of a project's images; reached as ``project.catalog.clusters``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, image_id: str) -> tuple[str, ...]:
        """Return the names of an image's clusters, one per class at most, in the order of the classes."""
        found = self._database.column(
            "SELECT cluster FROM image_clusters WHERE image = (SELECT number FROM images WHERE id = ?) ORDER BY class",
            (image_id,),
        )
        return tuple(found)

    def names(self) -> tuple[str, ...]:
        """Return the names of all clusters that have images, by class, then by name."""
        return tuple(str(cluster) for _, cluster in self._database.rows(CLUSTERS))

    def members(self, cluster: str) -> tuple[str, ...]:
        """Return the images of a cluster, those nearest to its centre first."""
        found = self._database.column(
            "SELECT id FROM image_clusters JOIN images ON number = image WHERE cluster = ? ORDER BY distance, number",
            (cluster,),
        )
        return tuple(found)

    def facts(self, class_name: str) -> dict[str, ClusterFacts]:
        """Return what became of the images of every cluster of a class, by the cluster's name."""
        rows = self._database.rows(
            "SELECT cluster, count(*), sum(state = 'accepted'), avg(CASE WHEN state = 'accepted' THEN edited END) "
            "FROM image_clusters JOIN images ON number = image "
            "WHERE class = (SELECT position FROM classes WHERE name = ?) GROUP BY cluster",
            (class_name,),
        )
        by_hand = self._by_hand(class_name)
        return {
            str(name): ClusterFacts(int(size), int(accepted), by_hand.get(str(name), 0), edited)
            for name, size, accepted, edited in rows
        }

    def _by_hand(self, class_name: str) -> dict[str, int]:
        """Return how many accepted images of each cluster of a class a person accepted one by one."""
        rows = self._database.rows(
            "SELECT cluster, count(DISTINCT journal.image) FROM journal "
            "JOIN image_clusters ON image_clusters.image = journal.image JOIN images ON images.number = journal.image "
            "WHERE kind = 'mask' AND undone = 0 AND state = 'accepted' "
            f"AND {part_of('after', 'action')} = 'accept' AND {part_of('after', 'batch')} IS NULL "
            "AND class = (SELECT position FROM classes WHERE name = ?) GROUP BY cluster",
            (class_name,),
        )
        return {str(name): int(count) for name, count in rows}

    def surer_than(self, cluster: str, confidence: float) -> tuple[str, ...]:
        """Return the untouched images of a cluster with a proposal of the applied model that is sure enough.

        Parameters
        ----------
        cluster : str
        confidence : float
            Least value of 1 - uncertainty, in [0, 1].
        """
        states = ", ".join("?" * len(UNTOUCHED))
        found = self._database.column(
            "SELECT id FROM image_clusters JOIN images ON number = image WHERE cluster = ? AND stale = 0 "
            f"AND score IS NOT NULL AND 1 - score >= ? AND state IN ({states}) ORDER BY score, number",
            (cluster, confidence - 1e-9, *UNTOUCHED),
        )
        return tuple(found)

    def unmeasured(self, cluster: str) -> tuple[str, ...]:
        """Return the untouched images of a cluster of whose proposal nothing is known yet."""
        states = ", ".join("?" * len(UNTOUCHED))
        found = self._database.column(
            "SELECT id FROM image_clusters JOIN images ON number = image WHERE cluster = ? "
            f"AND (stale = 1 OR score IS NULL) AND state IN ({states}) ORDER BY number",
            (cluster, *UNTOUCHED),
        )
        return tuple(found)

    def by_image(self) -> dict[str, tuple[ClusterRow, ...]]:
        """Return the rows of every image that is in a cluster, by class."""
        found: dict[str, tuple[ClusterRow, ...]] = {}
        for row in sorted(self._rows(), key=lambda row: row.class_index):
            found[row.image_id] = (*found.get(row.image_id, ()), row)
        return found

    # -- changing -----------------------------------------------------------------------------------------

    def replace(self, rows: Iterable[ClusterRow]) -> bool:
        """Make `rows` the whole table; return whether anything changed. Only what differs is written."""
        wanted, there = set(rows), set(self._rows())
        if wanted == there:
            return False
        with self._database.transaction("image_clusters") as connection:
            connection.executemany(
                "DELETE FROM image_clusters WHERE class = ? AND image = (SELECT number FROM images WHERE id = ?)",
                [(row.class_index, row.image_id) for row in there - wanted],
            )
            connection.executemany(
                "INSERT INTO image_clusters SELECT number, ?, ?, ? FROM images WHERE id = ?",
                [(row.class_index, row.cluster, row.distance, row.image_id) for row in wanted - there],
            )
        return True

    def _rows(self) -> list[ClusterRow]:
        rows = self._database.rows(
            "SELECT id, class, cluster, distance FROM image_clusters JOIN images ON number = image"
        )
        return [ClusterRow(*row) for row in rows]
