"""Which other images an image is looked at together with: chosen by a rule, or by a person in the plan.

Only localizers that compare images want any; how many is a parameter ``companions_per_class`` in their checkpoint.
The rule takes images that share a class, those with few labels first, the same ones every time: a new image or label
changes the choice only where it is chosen itself.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from napari_wsss.core.errors import WsssError
from napari_wsss.core.files import check_regular, parsed_object
from napari_wsss.core.inside import below
from napari_wsss.core.plan import Plan
from napari_wsss.project.project import Project
from napari_wsss.project.records import ImageRecord
from napari_wsss.project.states import STATES

PARAMETER = "companions_per_class"
# The configuration in our checkpoints (`weights.checkpoint`), read here from the file's head without its tensors.
_CONFIGURATION = "napari-wsss"
_LONGEST_HEAD = 2**24
_NOT_EXCLUDED = tuple(state for state in STATES if state != "excluded")


@dataclass(frozen=True)
class Companions:
    """The companions of one image.

    Parameters
    ----------
    chosen : mapping of str to str
        Image id to the content hash of its file, in the order of choice.
    labels : mapping of str to frozenset of str
        Image id to the classes it shares with the image.
    skipped : mapping of str to str
        Image id to why it could not be taken.
    by_person : bool
        Whether a person chose them.
    """

    chosen: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, frozenset[str]] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)
    by_person: bool = False

    @property
    def content(self) -> str:
        """What they add to what an image's maps are made from; "" without any."""
        if not self.chosen:
            return ""
        parts = sorted((image_id, found, *sorted(self.labels[image_id])) for image_id, found in self.chosen.items())
        return hashlib.sha256(repr(parts).encode()).hexdigest()


NONE = Companions()


def related(project: Project, plan: Plan, image: ImageRecord) -> Companions:
    """Return the companions of an image under a plan.

    Images whose files are missing are left out with the reason; the rule takes the next ones instead.

    Parameters
    ----------
    project : Project
    plan : Plan
        Whose applied localizer says how many it wants, and which may name a person's choice.
    image : ImageRecord
    """
    wanted = companions_per_class(below(project.folder, plan.localizer_checkpoint)) if plan.localizer_checkpoint else 0
    if not wanted or not image.labels:
        return NONE
    if image.id in plan.companions:
        return _by_person(project, plan.companions[image.id], image.labels)
    return chosen_by_rule(project, image, wanted)


def candidates(project: Project, image: ImageRecord) -> dict[str, frozenset[str]]:
    """Return the images that may be chosen, best first, with the classes they share with the image."""
    found: dict[str, ImageRecord] = {}
    for name in sorted(image.labels):
        found |= {record.id: record for record in _carrying(project, image, name)}
    ranked = sorted(found.values(), key=lambda record: _rank(image.id, record))
    return {record.id: record.labels & image.labels for record in ranked}


def companions_per_class(checkpoint: Path) -> int:
    """Return how many companions per class a localizer wants; 0 for methods that compare nothing and other files."""
    try:
        check_regular(checkpoint)
        facts = checkpoint.stat()
    except OSError:
        return 0
    wanted = _parameters(checkpoint, facts.st_mtime_ns, facts.st_size).get(PARAMETER, 0)
    return wanted if isinstance(wanted, int) else 0


@lru_cache(maxsize=8)
def _parameters(checkpoint: Path, changed: int, size: int) -> Mapping[str, Any]:
    """Return the method's parameters in one of our checkpoints (safetensors: length, then JSON); empty for others."""
    with checkpoint.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        head = file.read(length) if length < _LONGEST_HEAD else b""
    try:
        found = parsed_object(parsed_object(head)["__metadata__"][_CONFIGURATION])["parameters"]
    except (ValueError, KeyError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


def _by_person(project: Project, ids: tuple[str, ...], labels: frozenset[str]) -> Companions:
    chosen, shared, skipped = {}, {}, {}
    for image_id in ids:
        try:
            shared[image_id] = project.catalog.get(image_id).labels & labels
            chosen[image_id] = project.pixels_hash(image_id)
        except (WsssError, OSError) as reason:
            skipped[image_id] = str(reason)
    return Companions(chosen, shared, skipped, by_person=True)


def chosen_by_rule(project: Project, image: ImageRecord, wanted: int) -> Companions:
    """Return the companions that the rule takes for an image, `wanted` for each of its classes."""
    chosen: dict[str, str] = {}
    shared: dict[str, frozenset[str]] = {}
    skipped: dict[str, str] = {}
    for name in sorted(image.labels):
        taken = 0
        for record in sorted(_carrying(project, image, name), key=lambda record: _rank(image.id, record)):
            if taken == wanted:
                break
            if record.id in skipped:
                continue
            try:
                chosen[record.id] = project.pixels_hash(record.id)
            except (WsssError, OSError) as reason:
                skipped[record.id] = str(reason)
                continue
            shared[record.id] = shared.get(record.id, frozenset()) | {name}
            taken += 1
    return Companions(chosen, shared, skipped)


def _carrying(project: Project, image: ImageRecord, name: str) -> Iterator[ImageRecord]:
    """Yield the images of a class that are not excluded, without the image itself."""
    return (record for record in project.catalog.records(_NOT_EXCLUDED, label=name) if record.id != image.id)


def _rank(image_id: str, candidate: ImageRecord) -> tuple[int, bytes]:
    """Return what candidates are sorted by: few labels first, then an order of the image's own."""
    return len(candidate.labels), hashlib.sha256(f"{image_id}\0{candidate.id}".encode()).digest()
