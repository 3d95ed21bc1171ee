"""The image on the table: its pixels, what the machine says about it, and the mask a person works on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.plan import Plan, Step
from napari_wsss.pipeline.lineage import chain_for, steps_for
from napari_wsss.project.project import Project
from napari_wsss.project.sourced_masks import SourcedMask
from napari_wsss.session.results import stages
from napari_wsss.session.results.live import LiveMask, background_step, follows_slider, gains_in, threshold_of

Mask = NDArray[np.uint8]


@dataclass(frozen=True)
class Machine:
    """What the machine has for one image.

    Parameters
    ----------
    maps : ActivationMaps, optional
        (K, H, W) base maps of the labelled classes; None before inference.
    live : LiveMask, optional
        Their strongest class per pixel, for the slider.
    proposal : (H, W) uint8, optional
        The pseudo mask at the plan's refiners; None while it is not computed.
    threshold : float
        The background threshold the proposal was drawn at.
    plan : Plan, optional
        The plan the proposal was drawn with.
    borrowed : (H, W) uint8, optional
        The proposal taken over from another image's correction; what is shown is borrowed while it is this very array.
    """

    maps: ActivationMaps | None = None
    live: LiveMask | None = None
    proposal: Mask | None = None
    threshold: float = 0.0
    plan: Plan | None = None
    borrowed: Mask | None = None


@dataclass(frozen=True)
class Picture:
    """One image read from disk with the machine's results; holds nothing a person made.

    Parameters
    ----------
    image_id : str
    pixels : (H, W, 3) uint8 RGB
    note : str
        What was done to the file's values to get there (16-bit scaling), "" when nothing.
    machine : Machine
    """

    image_id: str
    pixels: NDArray[np.uint8]
    note: str
    machine: Machine


def read_picture(project: Project, image_id: str) -> Picture:
    """Return an image and its stored results (used by the shown image and, in the background, by the next ones)."""
    loaded = project.load_image(image_id)
    maps = stages.stored_maps(project, image_id)
    machine = read_machine(project, image_id, maps)
    return Picture(image_id, loaded.pixels, loaded.scaling, machine)


def read_machine(
    project: Project, image_id: str, maps: ActivationMaps | None, before: Machine | None = None
) -> Machine:
    """Return the machine's results of one image for given maps: drawn at once where cheap, else as stored.

    Parameters
    ----------
    before : Machine, optional
        What there was; its strongest classes are used again for the same maps.
    """
    if maps is None:
        return Machine()
    chain, plan = chain_for(project, image_id), project.plan
    # Where no background step runs, the slider stands where one would begin.
    threshold = threshold_in(chain if background_step(chain) else steps_for(project, image_id))
    gains = gains_in(chain, maps.classes)
    live = before.live if before is not None and before.maps is maps else None
    if live is None:
        live = LiveMask(maps, gains)
    live.set_gains(gains)
    borrowed = stages.borrowed_proposal(project, image_id)
    if borrowed is not None:
        return Machine(maps, live, borrowed, threshold, plan, borrowed)
    if follows_slider(chain):
        return Machine(maps, live, live.at(threshold), threshold, plan)
    if not chain and maps.background is not None:
        return Machine(maps, live, maps.to_mask(), threshold, plan)
    return Machine(maps, live, stages.stored_proposal(project, image_id), threshold, plan)


def threshold_in(steps: Sequence[Step]) -> float:
    """Return the equivalent threshold of a chain's background step, 0.0 without one."""
    step = background_step(steps)
    return threshold_of(step) if step else 0.0


@dataclass
class Canvas:
    """A picture and the mask under a person's hands.

    Parameters
    ----------
    picture : Picture
    mask : (H, W) uint8
        The working mask; the viewer paints into this very array.
    touched : bool
        True when a person made the mask (a draft or an accepted mask), False while it is empty by default.
    proposal_ignored : bool
        True while the mask was never accepted and the person has neither copied the proposal nor been told that
        the mask goes without it.
    """

    picture: Picture
    mask: Mask
    touched: bool
    proposal_ignored: bool = True

    @property
    def image_id(self) -> str:
        """The shown image."""
        return self.picture.image_id

    @property
    def machine(self) -> Machine:
        """What the machine has for it."""
        return self.picture.machine

    def set_machine(self, machine: Machine) -> None:
        """Replace the machine's results; the mask is not touched."""
        self.picture = replace(self.picture, machine=machine)

    def copied_pixels(
        self, class_value: int | None, only_empty: bool, person: NDArray[np.bool_] | None = None
    ) -> NDArray[np.bool_]:
        """Return (H, W) bool: where a copy takes the proposal's value.

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
        return np.where(chosen, proposal, self.mask)

    def share_of_proposal(self) -> float:
        """Return the share of the proposed object pixels in [0, 1] that the mask gives to any class; 1 without any."""
        proposal = self.machine.proposal
        if proposal is None or not proposal.any():
            return 1.0
        return float(np.count_nonzero(self.mask[proposal > 0]) / np.count_nonzero(proposal))

    def mask_to_accept(self) -> Mask | None:
        """Return what accepting means: the person's mask once touched, else the proposal shown; None without either."""
        return self.mask if self.touched else self.machine.proposal


def open_canvas(project: Project, picture: Picture) -> tuple[Canvas, SourcedMask, str]:
    """Return the canvas of a picture, its mask with who made it, and a warning ("" when all is well).

    The mask is always read from disk, never from a cache: it is a person's work.
    """
    height, width = picture.pixels.shape[:2]
    stored = project.read_sourced(picture.image_id)
    if stored is not None and stored.values.shape == (height, width):
        ignored = not project.has_accepted(picture.image_id)
        drawn = SourcedMask(np.ascontiguousarray(stored.values), stored.sources)
        return Canvas(picture, drawn.values, touched=True, proposal_ignored=ignored), drawn, ""
    warning = ""
    if stored is not None:
        warning = (
            f"The mask of {picture.image_id} is {stored.values.shape[1]}x{stored.values.shape[0]} pixels, the image is "
            f"{width}x{height}: was the image replaced? The mask file stays as it is until you accept again."
        )
    drawn = SourcedMask.empty((height, width))
    return Canvas(picture, drawn.values, touched=False), drawn, warning
