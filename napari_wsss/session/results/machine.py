"""What the machine has for one image: maps, the strongest class per pixel, and the proposal as stored or drawn now."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.masks import Mask
from napari_wsss.core.plan import Plan
from napari_wsss.pipeline.chain import drawn
from napari_wsss.project.project import Project
from napari_wsss.session.results import stages
from napari_wsss.session.results.live import LiveMask, gains_in, slider_threshold
from napari_wsss.session.results.shown import Shown, resolve


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


NOTHING = Machine()


@dataclass(frozen=True)
class Picture:
    """One image read from disk with the machine's results; holds nothing a person made.

    Parameters
    ----------
    image_id : str
    pixels : (H, W, 3) uint8 RGB
    note : str
        What was done to the file's values to get there (16-bit scaling) and what is left out, "" when nothing.
    told : str
        What the file says of itself: where in a stack it lies, names of its channels, the size of a pixel.
    grey : bool
        Whether the three channels are the same one.
    machine : Machine
    """

    image_id: str
    pixels: NDArray[np.uint8]
    note: str
    machine: Machine
    told: str = ""
    grey: bool = False


def read_picture(project: Project, shown: Shown) -> Picture:
    """Return an image and its stored results (used by the shown image and, in the background, by the next ones)."""
    loaded = project.load_image(shown.record.id, shown.record)
    machine = read_machine(project, shown, stages.base_maps(project, shown))
    return Picture(shown.record.id, loaded.pixels, loaded.altered, machine, loaded.told, loaded.grey)


def proposed(project: Project, image_id: str) -> Mask | None:
    """Return the proposal (H, W) uint8 of an image under the project's plan, drawn now where that is quick, or None."""
    shown = resolve(project, project.plan, image_id)
    return read_machine(project, shown, stages.base_maps(project, shown)).proposal


def read_machine(project: Project, shown: Shown, maps: ActivationMaps | None, before: Machine | None = None) -> Machine:
    """Return the machine's results of one image for given maps: drawn at once where cheap, else as stored.

    Parameters
    ----------
    project : Project
    shown : Shown
        The image and the plan that counts for it.
    maps : ActivationMaps, optional
        Its base maps.
    before : Machine, optional
        What there was; its strongest classes are used again for the same maps.
    """
    if maps is None:
        return Machine()
    gains = gains_in(shown.steps, maps.classes)
    live = before.live if before is not None and before.maps is maps else None
    if live is None or live.every_pixel != shown.plan.every_pixel:
        live = LiveMask(maps, gains, shown.plan.every_pixel)
    else:
        live.set_gains(gains)
    found = Machine(maps, live, None, shown.threshold, shown.plan)
    borrowed = stages.borrowed_proposal(project, shown)
    if borrowed is not None:
        return replace(found, proposal=borrowed, borrowed=borrowed)
    threshold = slider_threshold(shown.chain)
    if threshold is not None:
        return replace(found, proposal=live.at(threshold))
    if not shown.chain and maps.background is not None:
        return replace(found, proposal=drawn(maps, maps, (), shown.plan.every_pixel).mask)
    return replace(found, proposal=stages.stored_proposal(project, shown))
