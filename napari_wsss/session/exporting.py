"""What an export hands out of a project: which images, what of them, and how each was made and decided.

`export_project` is what the window, the command line and a script call.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.errors import ParameterError, ProjectError
from napari_wsss.core.plural import counted
from napari_wsss.core.progress import Progress, Steps
from napari_wsss.core.sources import Sources
from napari_wsss.exchange.accepted_masks import LABELS_NAME, AcceptedMask, label_table, why_outdated
from napari_wsss.exchange.data_card import About
from napari_wsss.exchange.export import Entry, ExportOptions, ExportReport, export, formats_of
from napari_wsss.exchange.export_folder import Images
from napari_wsss.exchange.writers.base import Content, Kind
from napari_wsss.pipeline.large.maps import is_large
from napari_wsss.pipeline.large.masks import large_mask
from napari_wsss.pipeline.lineage import Lineage, has_model
from napari_wsss.pixels.images import result_names
from napari_wsss.project.project import Project
from napari_wsss.project.records import ImageRecord
from napari_wsss.project.sourced_masks import SourcedMask
from napari_wsss.project.states import STATES
from napari_wsss.session.export_choices import USUAL, WHAT, What
from napari_wsss.session.results import stages
from napari_wsss.session.results.machine import proposed
from napari_wsss.session.results.shown import resolve
from napari_wsss.session.review.origins import proposal_source
from napari_wsss.session.table.search import parse

BESIDE = {
    "grey": ("grey", "Plain grey PNGs, value = class"),
    "preview": ("previews", "The images with the masks laid over"),
    "sources": ("who made it", "For each pixel: a person, or which model"),
}
"""Formats that can be had beside any other -> a short title, and what they are."""
STATE_CHOICES = {
    "": "all but excluded",
    "accepted": "accepted",
    "accepted draft": "accepted and unfinished",
    "draft": "unfinished",
    "flagged": "flagged",
    "skipped": "skipped",
}
"""Review states as they are chosen together -> what a person reads."""
IMAGE_CHOICES: dict[Images, str] = {"none": "left where they are", "link": "linked", "copy": "copied"}
"""What becomes of the image files -> what a person reads."""
NEVER = "excluded"
TOLD_EVERY = 500
"""Images between two reports while they are looked for."""


@dataclass(frozen=True)
class Choice:
    """What an export is of, and how it is written.

    Parameters
    ----------
    what : 'masks', 'proposals', 'maps', 'clusters' or 'labels'
        Masks are those of a person; unfinished ones are handed out where their states are chosen.
    states : tuple of str
        Review states; by default accepted images for masks, all but excluded ones for the rest.
    search : str
        A search line that the images must fulfil, too.
    replaced : bool
        Also accepted masks of images that were replaced since.
    formats : tuple of str
        See `ExportOptions`; the usual one where none is named.
    images : 'none', 'link' or 'copy'
        What becomes of the image files.
    overwrite : bool
        Replace files that are no earlier export's of the same choice.
    """

    what: What = "masks"
    states: tuple[str, ...] = ()
    search: str = ""
    replaced: bool = False
    formats: tuple[str, ...] = ()
    images: Images = "none"
    overwrite: bool = False

    def __post_init__(self) -> None:
        if self.what not in get_args(What):
            known = ", ".join(get_args(What))
            raise ParameterError(f"{self.what!r} cannot be exported; possible are: {known}.", name="what")
        unknown = sorted(set(self.states) - set(STATES))
        if unknown:
            raise ParameterError(f"{unknown[0]!r} is no review state; there are: {', '.join(STATES)}.", name="states")

    @property
    def wanted(self) -> tuple[str, ...]:
        """The states that count."""
        usual = ("accepted",) if self.what == "masks" else tuple(state for state in STATES if state != NEVER)
        return self.states or usual

    @property
    def written(self) -> tuple[str, ...]:
        """The formats that count."""
        return self.formats or (USUAL[self.what],)

    @property
    def kind(self) -> Kind:
        """What the formats must write."""
        return "masks" if self.what == "proposals" else self.what


def possible_formats(what: What) -> dict[str, str]:
    """Return name -> title of the formats that something can be handed out in, the usual one first."""
    found = formats_of(Choice(what).kind)
    return {USUAL[what]: found[USUAL[what]], **found}


def export_project(
    project: Project, folder: Path, choice: Choice | None = None, *, dry_run: bool = False
) -> Steps[ExportReport]:
    """Hand out a part of a project (see `exchange.export.export`).

    Parameters
    ----------
    project : Project
    folder : Path
    choice : Choice, optional
        The accepted masks by default, as palette PNGs in VOC layout.
    dry_run : bool
        Read and check everything, write nothing.

    Returns
    -------
    generator of Progress
        Returns the `ExportReport`.

    Raises
    ------
    ParameterError
        When the search line is not understood, or the formats do not fit.
    ProjectError
        When no image fits what was chosen; and as `exchange.export.export`.
    """
    choice = choice or Choice()
    _check_formats(choice)
    options = ExportOptions(choice.written, choice.images, choice.overwrite, dry_run)
    ids = _chosen(project, choice)
    plan = project.plan
    models = {"localize": plan.localizer_checkpoint, "segment": plan.segmenter_checkpoint}
    asked = {**asdict(choice), "states": choice.wanted, "formats": choice.written}
    asked.pop("overwrite")
    about = About(
        project.folder.resolve().name,
        asked,
        {shelf: model for shelf, model in models.items() if model},
    )
    entries: list[Entry] = []
    for entry in _entries(project, choice, ids):
        if len(entries) % TOLD_EVERY == 0:
            yield Progress("export", len(entries), len(ids), "looking for the images")
        entries.append(entry)
    beside = {} if choice.what == "labels" else {LABELS_NAME: _labels(project)}
    report = yield from export(entries, project.classes, folder, options, about, beside)
    return replace(report, what=WHAT[choice.what])


def _check_formats(choice: Choice) -> None:
    """Raise `ParameterError` for a format that does not write what is wanted."""
    possible = possible_formats(choice.what)
    unfit = [name for name in choice.written if name not in possible]
    if unfit:
        raise ParameterError(
            f"{unfit[0]} does not write {WHAT[choice.what]}; formats of one kind that do: {', '.join(possible)}.",
            name="formats",
        )


def _labels(project: Project) -> bytes:
    return label_table(project).encode()


def _chosen(project: Project, choice: Choice) -> list[str]:
    """Return the images that are wanted in catalog order."""
    criteria = parse(choice.search, project.classes.current, project.catalog.clusters.names())
    asked = choice.wanted if criteria.states is None else set(choice.wanted) & set(criteria.states)
    found = project.catalog.find(replace(criteria, states=tuple(asked)))
    if not found:
        raise ProjectError(_why_none(project, choice, len(project.catalog.find(criteria))))
    return found


def _why_none(project: Project, choice: Choice, searched: int) -> str:
    """Return why no image fits what was chosen, where its search line alone finds `searched` images."""
    counts = {state: count for state, count in project.catalog.counts().items() if count}
    words = ", ".join(f"{count} {state}" for state, count in counts.items())
    there = f"nothing is exported; there are {counted(sum(counts.values()), 'image')}: {words}."
    states = " or ".join(choice.wanted)
    labels = " Labels can be exported without any mask (what: labels)." if choice.what == "masks" else ""
    if not choice.search.strip():
        return f"No image is {states}, so {there} Accept some, or choose other states.{labels}"
    if not searched:
        return f"The search line {choice.search!r} finds no image, so {there}"
    found = f"The search line {choice.search!r} finds {counted(searched, 'image')}, of which none is {states}"
    return f"{found}, so {there} Accept some, or choose other states.{labels}"


def _entries(project: Project, choice: Choice, ids: Iterable[str]) -> Iterator[Entry]:
    everything = list(project.catalog.ids())
    names = dict(zip(everything, result_names(everything), strict=True))
    clusters = project.catalog.clusters.by_image() if choice.what == "clusters" else {}
    readers: dict[What, Callable[[ImageRecord], Callable[[], Content | None]]] = {
        "masks": lambda record: partial(_mask, project, record, choice.replaced),
        "proposals": lambda record: partial(_proposal, project, record.id),
        "maps": lambda record: partial(_maps, project, record.id),
        "clusters": lambda record: partial(clusters.get, record.id),
        "labels": lambda record: lambda: record if record.tells else None,
    }
    for one in ids:
        record = project.catalog.get(one)
        yield Entry(
            one,
            readers[choice.what](record),
            project.catalog.number(one),
            names[one],
            record.split,
            project.image_path(one),
            _facts(project, record),
            partial(_pixels, project, one),
        )


def _facts(project: Project, record: ImageRecord) -> dict[str, Any]:
    """Return what is known of the decision about an image, in JSON types."""
    facts: dict[str, Any] = {"labels": sorted(record.labels), "state": record.state}
    if record.negative:
        facts["none of the classes"] = True
    decided = project.journal.accepted_at(record.id) if record.state == "accepted" else 0.0
    if decided:
        facts["accepted"] = datetime.fromtimestamp(decided, UTC).isoformat(timespec="seconds")
    return facts


def _pixels(project: Project, image_id: str) -> NDArray[np.uint8]:
    return project.load_image(image_id).pixels


def _mask(project: Project, record: ImageRecord, replaced: bool) -> SourcedMask | None:
    """Return a person's mask; raise `ProjectError` when its image was replaced since, unless such ones are wanted."""
    if record.state != "accepted":
        return project.masks.working(record.id)
    why = "" if replaced else why_outdated(project, record.id)
    if why:
        raise ProjectError(f"{record.id}: {why}")
    return AcceptedMask(project, record.id)()


def _proposal(project: Project, image_id: str) -> Content | None:
    if is_large(project, image_id):
        return large_mask(Lineage.of(project, image_id)) if has_model(project.plan) else None
    mask = proposed(project, image_id)
    if mask is None:
        return None
    source = proposal_source(project, resolve(project, project.plan, image_id))
    return SourcedMask(mask, Sources.uniform(mask.shape, replace(source, time=0.0)))


def _maps(project: Project, image_id: str) -> Content | None:
    return stages.base_maps(project, resolve(project, project.plan, image_id))
