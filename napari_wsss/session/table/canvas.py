"""The image on the table: its pixels, what the machine says about it, and the mask a person works on."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.classes import ClassList
from napari_wsss.core.masks import Mask
from napari_wsss.project.project import Project
from napari_wsss.project.sourced_masks import SourcedMask
from napari_wsss.session.results.machine import NOTHING, Machine, Picture
from napari_wsss.session.table.ledger import everywhere, holds_any, is_everywhere


@dataclass
class Canvas:
    """A picture and the mask under a person's hands.

    Parameters
    ----------
    picture : Picture
    mask : (H, W) uint8
        The working mask; the viewer paints into this very array.
    touched : bool
        True when a person made the mask (a draft or an accepted mask), False while it is empty by default, also
        after all that was made was undone.
    proposal_ignored : bool
        True while the mask was never accepted and the person has neither copied the proposal nor been told that
        the mask goes without it.
    was_accepted : bool
        An accepted mask lies on disk, so that an empty one is a decision, too.
    """

    picture: Picture
    mask: Mask
    touched: bool
    proposal_ignored: bool = True
    was_accepted: bool = False

    def look(self, drawn: SourcedMask) -> None:
        """Find out from the mask and who made its pixels whether it is touched."""
        held = (drawn.values, drawn.sources.values)
        self.touched = self.was_accepted or any(holds_any(one) for one in held)

    @property
    def image_id(self) -> str:
        """The shown image."""
        return self.picture.image_id

    @property
    def machine(self) -> Machine:
        """What the machine has for it."""
        return self.picture.machine

    def unfit(self, given: Any, classes: ClassList) -> str:
        """Return why an array that a script made cannot become the mask, "" where it can."""
        if given.shape != self.mask.shape:
            return f"the array has the shape {tuple(given.shape)}, the mask {self.mask.shape}"
        strange = sorted(set(np.unique(np.asarray(given)).tolist()) - set(classes.values()))
        return f"it holds the values {strange[:5]}, which are no classes" if strange else ""

    def set_machine(self, machine: Machine) -> None:
        """Replace the machine's results; the mask is not touched."""
        self.picture = replace(self.picture, machine=machine)

    def copied_pixels(
        self, class_value: int | None, only_empty: bool, person: NDArray[np.bool_] | None = None
    ) -> NDArray[np.bool_]:
        """Return (H, W) bool: where a copy takes the proposal's value; not to be written into.

        Parameters
        ----------
        class_value : int, optional
            Only where this class is proposed; None for everywhere.
        only_empty : bool
            Only where the mask is 0 and no person drew that 0.
        person : (H, W) bool, optional
            What a person drew.
        """
        proposal = self.machine.proposal
        if proposal is None:
            return np.zeros(self.mask.shape, bool)
        if class_value is None and not only_empty:
            return everywhere(self.mask.shape)
        chosen = np.ones(self.mask.shape, bool) if class_value is None else proposal == class_value
        if only_empty:
            chosen &= self.mask == 0
            chosen &= True if person is None else ~person
        return chosen

    def copy_of_proposal(self, chosen: NDArray[np.bool_]) -> Mask:
        """Return the mask with the proposal copied in where `chosen` (H, W) bool says so."""
        proposal = self.machine.proposal
        if proposal is None:
            return self.mask.copy()
        self.proposal_ignored = False
        if is_everywhere(chosen):
            return proposal.copy()
        copied = self.mask.copy()
        np.copyto(copied, proposal, where=chosen)
        return copied

    def share_of_proposal(self) -> float:
        """Return the share of the proposed object pixels in [0, 1] that the mask gives to any class; 1 without any."""
        proposal = self.picture.machine.proposal
        if proposal is None or not proposal.any():
            return 1.0
        return float(np.count_nonzero(self.mask[proposal > 0]) / np.count_nonzero(proposal))

    def mask_to_accept(self) -> Mask | None:
        """Return what accepting means: the person's mask once touched, else the proposal shown; None without either."""
        return self.mask if self.touched else self.machine.proposal


EMPTY = Canvas(Picture("", np.zeros((0, 0, 3), np.uint8), "", NOTHING), np.zeros((0, 0), np.uint8), touched=False)
"""What lies on the table while no image can be shown."""


def open_canvas(project: Project, picture: Picture) -> tuple[Canvas, SourcedMask, str]:
    """Return the canvas of a picture, its mask with who made it, and a warning ("" when all is well).

    The mask is always read from disk, never from a cache: it is a person's work.
    """
    height, width = picture.pixels.shape[:2]
    masks = project.masks.of(picture.image_id)
    stored = masks.working()
    if stored is not None and stored.values.shape == (height, width):
        accepted = masks.accepted_file is not None
        drawn = SourcedMask(np.ascontiguousarray(stored.values), stored.sources)
        canvas = Canvas(picture, drawn.values, True, proposal_ignored=not accepted, was_accepted=accepted)
        canvas.look(drawn)
        return canvas, drawn, ""
    warning = ""
    if stored is not None:
        warning = (
            f"The mask of {picture.image_id} is {stored.values.shape[1]}x{stored.values.shape[0]} pixels, the image is "
            f"{width}x{height}: was the image replaced? The mask file stays as it is until you accept again."
        )
    drawn = SourcedMask.empty((height, width))
    return Canvas(picture, drawn.values, touched=False), drawn, warning
