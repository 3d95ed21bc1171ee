"""What is missing of a project's results, what is older than its model, what is being computed by whom, and why."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from napari_wsss.commands.base import DONE, FOUND, Answer, Command
from napari_wsss.commands.opened import opened
from napari_wsss.commands.options import project_argument

if TYPE_CHECKING:
    from napari_wsss.project.project import Project
    from napari_wsss.project.records import ImageRecord
    from napari_wsss.project.sharing.leases import Holding

EXAMPLES = 3
NAMED = 1000
"""Ids of each kind that ``--json`` lists."""
LABELS, FILE, RUNNING, LEFT, NEVER = (
    "they wait for labels: a classifier looks for labelled classes only",
    "their file is not where the project says: napari-wsss locate-images",
    "a worker is at them now",
    "their worker ended in the middle: the same command goes on",
    "not computed yet: napari-wsss localize, refine",
)
OLDER = "older than the model that is applied"


@dataclass
class Missing:
    """Images that lack one kind of result, by the reason.

    Parameters
    ----------
    there : int
        How many have it.
    counts : dict of str to int
        Reason to number of images.
    named : dict of str to list of str
        Reason to the first of their ids.
    """

    there: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    named: dict[str, list[str]] = field(default_factory=dict)

    def note(self, image_id: str, reason: str) -> None:
        """Note that an image has it ("") or why it does not."""
        if not reason:
            self.there += 1
            return
        self.counts[reason] = self.counts.get(reason, 0) + 1
        named = self.named.setdefault(reason, [])
        if len(named) < NAMED:
            named.append(image_id)

    def lines(self, what: str) -> Iterator[str]:
        """Yield it as lines for a person."""
        yield f"{what}: {self.there} of {self.there + sum(self.counts.values())}"
        for reason, count in sorted(self.counts.items(), key=lambda one: -one[1]):
            names = ", ".join(self.named[reason][:EXAMPLES])
            yield f"  {count} missing, {reason} ({names}{', ...' if count > EXAMPLES else ''})"

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {"there": self.there, "missing": self.counts, "images": self.named}


def _options(parser: argparse.ArgumentParser) -> None:
    project_argument(parser)


def _doctor(options: argparse.Namespace, answer: Answer) -> int:
    from napari_wsss.core.errors import WsssError
    from napari_wsss.pipeline.lineage import has_model
    from napari_wsss.pipeline.run import check_plan

    with opened(options.project, answer, to_read=True) as project:
        leases = dict(_leases(project))
        wrong = ""
        if not has_model(project.plan):
            wrong = "No model is applied, so there are no results: train one, or adopt a published one."
        else:
            try:
                check_plan(project.plan)
            except WsssError as reason:
                wrong = f"The plan cannot run: {reason}"
        if wrong:
            answer.say(wrong, plan=wrong)
        maps, proposals, stale = _looked_through(project, leases) if has_model(project.plan) else _nothing()
        for line in (*maps.lines("Maps"), *proposals.lines("Proposals"), *stale.lines("Proposals of this model")):
            answer.say(line)
        answer.say(maps=maps.to_dict(), proposals=proposals.to_dict(), stale=stale.to_dict())
        for where, held in leases.items():
            answer.say(_line(where, held))
        answer.say("Leases: none" if not leases else "", leases=[_facts(*one) for one in leases.items()])
    is_whole = not (wrong or maps.counts or proposals.counts or stale.counts)
    return DONE if is_whole else FOUND


def _nothing() -> tuple[Missing, Missing, Missing]:
    return Missing(), Missing(), Missing()


def _looked_through(project: Project, leases: dict[str, Holding]) -> tuple[Missing, Missing, Missing]:
    """Look which files of results there are for every image; none of them is read, and no picture."""
    from napari_wsss.project.states import STATES, UNDECIDED

    running = _blocks(leases, are_over=False)
    left = _blocks(leases, are_over=True)
    maps, proposals, stale = _nothing()
    for record in project.catalog.records([state for state in STATES if state != "excluded"]):
        of_maps, of_proposal = _reasons(project, record, running, left)
        maps.note(record.id, of_maps)
        proposals.note(record.id, of_proposal)
        if not of_proposal:
            stale.note(record.id, OLDER if record.stale and record.state in UNDECIDED else "")
    return maps, proposals, stale


def _reasons(project: Project, record: ImageRecord, running: set[int], left: set[int]) -> tuple[str, str]:
    """Return why an image has no maps, and no proposal; "" where it has."""
    from napari_wsss.core.errors import WsssError
    from napari_wsss.core.inside import has_file
    from napari_wsss.pipeline.lineage import Lineage
    from napari_wsss.project.sharing.share import BLOCK

    try:
        item = Lineage.of(project, record.id, record=record, image_hash="")
    except WsssError as reason:
        return str(reason), str(reason)
    if item.awaits_labels:
        return LABELS, LABELS
    paths = (project.store.path(item.base, record.id), project.store.path(item.result, record.id, ".png"))
    there = [path.is_file() for path in paths]
    block = project.catalog.position(record.id) // BLOCK
    why = ""
    if not all(there):
        is_lost = not has_file(project.images_root, record.path)
        why = FILE if is_lost else RUNNING if block in running else LEFT if block in left else NEVER
    return "" if there[0] else why, "" if there[1] else why


# -- leases ---------------------------------------------------------------------------------------------------


def _leases(project: Project) -> Iterator[tuple[str, Holding]]:
    from napari_wsss.project.sharing.leases import Leases
    from napari_wsss.project.sharing.share import LEASES

    folder = project.store.folder / LEASES
    for kind in sorted(folder.iterdir()) if folder.is_dir() else ():
        for held in Leases(kind).holdings():
            yield f"{kind.name}/{held.name}", held


def _blocks(leases: dict[str, Holding], *, are_over: bool) -> set[int]:
    names = (held.name for held in leases.values() if held.is_over == are_over)
    return {int(name.removeprefix("block-")) for name in names if name.startswith("block-")}


def _line(where: str, held: Holding) -> str:
    who = f"process {held.process.pid} on {held.process.host}" if held.process.host else "nobody knows whom"
    since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(held.since))
    how = "over: its holder ended without giving it back, the next worker takes it" if held.is_over else "held"
    until = f"until {time.strftime('%H:%M:%S', time.localtime(held.until))} unless renewed"
    return f"Lease {where}: {how}; {who}, since {since}{'' if held.is_over else f', {until}'}"


def _facts(where: str, held: Holding) -> dict[str, Any]:
    holder = held.process.to_dict()
    return {"lease": where, "over": held.is_over, "since": held.since, "until": held.until, "holder": holder}


DOCTOR = Command(
    "doctor", "say which results are missing, older than the model or being computed, and why", _options, _doctor
)
