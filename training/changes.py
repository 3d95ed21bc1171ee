"""What a person changed in a project while a run stood still: said when it goes on."""

from collections.abc import Mapping
from typing import Any

from napari_wsss.project.journal import Journal
from napari_wsss.project.project import Project

_PAGE = 1000


def seen_at_start(project: Project) -> dict[str, Any]:
    """Return what `changes_since` compares with, as plain JSON types."""
    newest = project.journal.recent(1, None)
    return {"images": len(project.catalog), "journal": newest[0].number if newest else 0}


def changes_since(project: Project, record: Mapping[str, Any]) -> str:
    """Return what changed since a run began, in a sentence; "" when nothing did.

    Parameters
    ----------
    project : Project
    record : mapping
        The run's: its ``classes``, and ``seen`` as `seen_at_start` returned it (older runs have none).
    """
    told = _classes(list(record.get("classes", ())), list(project.classes.names))
    seen = record.get("seen", {})
    if "images" in seen and seen["images"] != len(project.catalog):
        told.append(f"there are {len(project.catalog)} images, {seen['images']} then")
    if "journal" in seen:
        told += _decisions(project.journal, int(seen["journal"]))
    return f"Since this run began: {'; '.join(told)}." if told else ""


def _classes(before: list[str], now: list[str]) -> list[str]:
    if not before or before == now:
        return []
    added, gone = [one for one in now if one not in before], [one for one in before if one not in now]
    told = [f"added classes: {', '.join(added)}"] if added else []
    return told + ([f"classes that are called otherwise or gone: {', '.join(gone)}"] if gone else [])


def _decisions(journal: Journal, since: int) -> list[str]:
    """Return of how many images labels, and of how many masks or decisions, changed after an entry."""
    labelled: set[str | None] = set()
    decided: set[str | None] = set()
    while entries := journal.entries(since, _PAGE, ("labels", "mask", "state")):
        for entry in entries:
            (labelled if entry.kind == "labels" else decided).add(entry.image_id)
        since = entries[-1].number
    labelled.discard(None)  # what came from a file ends with an entry about all of it
    told = [f"other labels of {len(labelled)} images"] if labelled else []
    return told + ([f"decisions about {len(decided)} images"] if decided else [])
