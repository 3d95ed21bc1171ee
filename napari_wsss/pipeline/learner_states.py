"""The states of a learner that stays beside a window: what it is asked, what it answers, where each state lies.

A state is a checkpoint like a run's, ``training/learner/0007.safetensors``, numbered as they come; what is known of it
stands in ``0007.json``. Those a person can go back to stay; what older ones proposed is dropped first, since it can be
computed again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from napari_wsss.core.files import mapping, number, numbers, publish_json, read_object, text, texts, whole
from napari_wsss.core.inside import is_link, not_through_links
from napari_wsss.core.plan import Plan
from napari_wsss.pipeline.apply import LEARNER
from napari_wsss.pipeline.learner.chains import is_own_chain, learner_chain
from napari_wsss.pipeline.lineage import file_digest, with_model
from napari_wsss.project.project import Project

METHOD = "pixel_classifier"
KEPT_STATES = 20
"""As many as the history of models shows."""
KEPT_RESULTS = 2
NAMED = 5
"""Images at most that are named in a few words."""


@dataclass(frozen=True)
class Lesson:
    """What a learner is asked for.

    Parameters
    ----------
    config : mapping
        Sections of a ``segmentation`` run's configuration.
    wanted : tuple of str
        Images whose proposals are to be there with the answer, the most urgent first.
    thorough : bool
        Learn afresh, with all its rounds, and compare with the maps on images left out; else go on from the last fit.
    folds : int
        Into how many parts images are dealt for the comparison.
    """

    config: Mapping[str, Any] = field(default_factory=dict)
    wanted: tuple[str, ...] = ()
    thorough: bool = False
    folds: int = 3


@dataclass(frozen=True)
class LearnerState:
    """What a learner learned.

    Parameters
    ----------
    checkpoint : Path
        Its file.
    whole, parts : int
        Images that were decided as a whole, and images of which parts are known.
    agreement : float, optional
        Mean intersection over union with the person on images left out, in [0, 1]; None when it was not measured yet.
    compared : int
        How many images were left out to measure it.
    left_to_maps : tuple of str
        Classes on which the maps agree more, which keep them.
    left_out : tuple of str
        Images that could not be read.
    seconds : float
        Wall time of the fits.
    enlargement : float
        Factor on the size of pictures that was chosen by measuring; 0 while none was.
    measured_by : int
        Images decided as a whole when it was.
    sizes : str
        How the sizes compared, in a few words.
    map_share : float in [0, 1]
        Of the maps that proposals are pooled with.
    doubted : tuple of str
        Images of which something counted less, as everything else contradicts it.
    encoder : str
        What it sees with, and why, where that is not what was wanted.
    """

    checkpoint: Path
    whole: int
    parts: int
    agreement: float | None = None
    compared: int = 0
    left_to_maps: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    seconds: float = 0.0
    enlargement: float = 0.0
    measured_by: int = 0
    sizes: str = ""
    map_share: float = 0.0
    doubted: tuple[str, ...] = ()
    encoder: str = ""

    @property
    def text(self) -> str:
        """What was learned from: ``learned from 25 masks, 12 partly corrected``."""
        masks = f"{self.whole} mask{'s' * (self.whole != 1)}" if self.whole else ""
        parts = f"{self.parts} partly corrected" if self.parts else ""
        return f"learned from {', '.join(part for part in (masks, parts) if part)}"

    @property
    def held_out(self) -> str:
        """How far it can be believed: ``held-out 61 %``, "" when that was not measured."""
        return "" if self.agreement is None else f"held-out {100 * self.agreement:.0f} %"

    @property
    def details(self) -> str:
        """Classes left to the maps, what could not be read or is doubted, how sizes compared, what it sees with."""
        maps = f"left to the maps: {', '.join(self.left_to_maps)}" if self.left_to_maps else ""
        unread = f"unreadable: {', '.join(self.left_out)}" if self.left_out else ""
        more = f" and {len(self.doubted) - NAMED} more" if len(self.doubted) > NAMED else ""
        doubted = f"contradicted by all else: {', '.join(self.doubted[:NAMED])}{more}" if self.doubted else ""
        return " · ".join(part for part in (maps, unread, doubted, self.sizes, self.encoder) if part)

    def note(self) -> None:
        """Write what is known beside the checkpoint, under the names that a run notes it by."""
        agreement = {} if self.agreement is None else {"learner": self.agreement, "images": self.compared}
        counts = {"whole": self.whole, "parts": self.parts}
        facts = {"left_to_maps": self.left_to_maps, "left_out": self.left_out, "seconds": self.seconds}
        facts |= {
            "map_share": self.map_share,
            "doubted": self.doubted,
            "enlargement": self.enlargement,
            "measured_by": self.measured_by,
            "sizes": self.sizes,
            "encoder": self.encoder,
        }
        publish_json(self.checkpoint.with_suffix(".json"), {"learned_from": counts, "agreement": agreement, **facts})

    @classmethod
    def of(cls, checkpoint: Path) -> LearnerState | None:
        """Return what is known of a state; None when that cannot be read."""
        try:
            record = read_object(checkpoint.with_suffix(".json"))
        except (OSError, ValueError):
            return None
        counts, agreement = mapping(record, "learned_from"), numbers(record, "agreement")
        return cls(
            checkpoint,
            whole(counts, "whole"),
            whole(counts, "parts"),
            agreement.get("learner"),
            whole(agreement, "images"),
            texts(record, "left_to_maps"),
            texts(record, "left_out"),
            number(record, "seconds"),
            number(record, "enlargement"),
            whole(record, "measured_by"),
            text(record, "sizes"),
            number(record, "map_share"),
            texts(record, "doubted"),
            text(record, "encoder"),
        )


def states(project: Project) -> list[Path]:
    """Return the files of the states that are there, newest first."""
    folder = project.training_folder / LEARNER
    found = [] if is_link(project.training_folder) or is_link(folder) else folder.glob("*.safetensors")
    return sorted((path for path in found if path.stem.isdecimal()), key=lambda path: int(path.stem), reverse=True)


def next_state(project: Project) -> Path:
    """Return where the next state goes."""
    known = states(project)
    number = int(known[0].stem) + 1 if known else 1
    return not_through_links(project.folder, project.training_folder / LEARNER) / f"{number:04d}.safetensors"


def plan_with(project: Project, checkpoint: Path) -> Plan:
    """Return the project's plan with a state in use, and the chain that suits it unless a person has chosen one."""
    plan = with_model(project.plan, "segment", METHOD, checkpoint.relative_to(project.folder).as_posix())
    return plan if is_own_chain(plan) else replace(plan, refiners=learner_chain())


def drop_old(project: Project) -> None:
    """Drop states beyond those that are kept, and the results of older ones; never those of the plan."""
    used = project.folder / project.plan.segmenter_checkpoint
    older = [path for path in states(project)[KEPT_RESULTS:] if path != used]
    if older:  # one a time, as they come; those before it were dropped before
        project.store.forget(file_digest(older[0]))
    for path in older[KEPT_STATES - KEPT_RESULTS :]:
        for file in (path, path.with_suffix(".json")):
            file.unlink(missing_ok=True)
