"""Why a person is shown an image, in words: first what the queue is sorted by, then everything else worth knowing."""

from collections.abc import Mapping

from napari_wsss.project.catalog import Catalog
from napari_wsss.project.records import ImageRecord
from napari_wsss.session.table.queue import COMPARED

OLDER = "older than the model"
EMPTY: Mapping[str, float] = {}
ENDINGS = {1: "st", 2: "nd", 3: "rd"}
SETTLED = ("accepted", "excluded")
"""States in which an older proposal or changed labels are no reason to look again."""


def reasons(record: ImageRecord, order: str, catalog: Catalog, differs: Mapping[str, float] = EMPTY) -> tuple[str, ...]:
    """Return short reasons to look at an image, the one the queue is sorted by first.

    Parameters
    ----------
    record : ImageRecord
    order : str
        Of the queue (`session.table.queue.ORDERS`).
    catalog : Catalog
        Asked for the image's clusters where the order goes by them.
    differs : mapping
        Image -> how far the masks that were compared differ, in [0, 1], where that was measured (`Queue.differs`).
    """
    found = {
        "flagged": "flagged" if record.state == "flagged" else "",
        "disagrees": "model disagrees" if record.disagrees else "",
        COMPARED: _percent("masks differ {}", differs.get(record.id)),
        "mismatch": "mask and labels differ" if record.mismatch else "",
        "changed": _percent("changed {} by the last model", record.changed),
        "borrowed": f"from {record.borrowed_from}" if record.borrowed_from else "",
        "uncertainty": _percent("unsure {}", record.score),
        "doubtful": f"hardly found: {', '.join(sorted(record.doubtful))}" if record.doubtful else "",
        "replaced": "image file was replaced" if record.replaced else "",
        "labels": "labels changed" if record.label_changed and record.state not in SETTLED else "",
        "stale": OLDER if record.stale and record.state not in SETTLED else "",
        "diversity": _place(catalog.places_in_clusters(record.id)) if order == "diversity" else "",
    }
    if record.state in SETTLED:
        found |= {"diversity": "", "uncertainty": found["uncertainty"] if order == "uncertainty" else ""}
    first = found.pop(order, "")
    return tuple(text for text in (first, *found.values()) if text)


def edited_text(record: ImageRecord) -> str:
    """Return how much of the proposal a person changed (``edited 12 %``), "" while it is not known."""
    return _percent("edited {}", record.edited)


def _place(places: dict[str, int]) -> str:
    """Return the place an image has in the cluster it stands for: the one whose centre it is nearest to."""
    if not places:
        return ""
    cluster, nearer = min(places.items(), key=lambda item: item[1])
    return f"cluster {cluster}, {_ordinal(nearer + 1)}nearest to its centre"


def _ordinal(place: int) -> str:
    """Return ``2nd `` and so on, "" for the first."""
    ending = "th" if place % 100 in (11, 12, 13) else ENDINGS.get(place % 10, "th")
    return f"{place}{ending} " if place > 1 else ""


def _percent(text: str, share: float | None) -> str:
    if share is None:
        return ""
    return text.format("< 1 %" if 0 < share < 0.005 else f"{100 * share:.0f} %")
