"""An image's record as SQLite gives it."""

from napari_wsss.project.criteria import MISMATCH
from napari_wsss.project.database import Row
from napari_wsss.project.records import ImageRecord

SEPARATOR = chr(31)
"""Between class names in one value."""
COLUMNS = (
    "number, id, path, state, split, note, stale, label_changed, disagrees, replaced, content_hash, score, "
    f"edited, changed, borrowed_from, doubtful, negative, painted, file_mtime, file_size, {MISMATCH}, "
    "(SELECT group_concat(name, char(31)) FROM labels JOIN classes ON position = class WHERE image = number), "
    "(SELECT group_concat(cluster, char(31)) FROM "
    "(SELECT cluster FROM image_clusters WHERE image = images.number ORDER BY class)), "
    "(SELECT group_concat(name, char(31)) FROM unknown_labels JOIN classes ON position = class WHERE image = number)"
)


def record_of(row: Row) -> ImageRecord:
    """Return the record of a row of `COLUMNS`."""
    _, image_id, path, state, split, note, *facts, content_hash = row[:11]
    score, edited, changed, borrowed_from, doubtful, negative, painted, *file, mismatch = row[11:21]
    names, clusters, unknown = row[21:]
    stale, label_changed, disagrees, replaced = map(bool, facts)
    labels = frozenset(names.split(SEPARATOR) if names else ())
    return ImageRecord(
        id=image_id,
        path=path,
        labels=labels,
        state=state,
        split=split,
        note=note,
        stale=stale,
        label_changed=label_changed,
        disagrees=disagrees,
        replaced=replaced,
        content_hash=content_hash,
        score=score,
        edited=edited,
        changed=changed,
        borrowed_from=borrowed_from,
        doubtful=labels.intersection(doubtful.split(SEPARATOR) if doubtful else ()),
        negative=bool(negative),
        painted=None if painted is None else tuple(map(int, filter(None, painted.split(",")))),
        mismatch=bool(mismatch),
        file_mtime=file[0],
        file_size=file[1],
        clusters=tuple(clusters.split(SEPARATOR)) if clusters else (),
        unknown=frozenset(unknown.split(SEPARATOR) if unknown else ()),
    )
