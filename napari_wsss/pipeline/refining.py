"""What is left of an image's chain of refiners: slow steps go on from what is stored, and are stored."""

from __future__ import annotations

from napari_wsss.core.evidence import Evidence
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.progress import Steps
from napari_wsss.pipeline.chain import drawn, handed_on
from napari_wsss.pipeline.lineage import Lineage
from napari_wsss.pipeline.over_images import Write
from napari_wsss.pixels.surest_regions import Guarded


def refine_and_store(item: Lineage, base: ActivationMaps, evidence: Evidence, write: Write) -> Steps[Guarded]:
    """Run what is left of an image's chain, storing slow steps' maps and the pseudo mask."""
    # The mask is drawn from the last step's result before that is rounded, also when only the mask was lost.
    maps = yield from refined(item, base, evidence, write, stored=len(item.links) - 1)
    found = drawn(maps, base, item.methods, item.plan.every_pixel)
    write(item.project.store.write_mask, item.result, item.image_id, item.content, *found)
    return found


def refined(
    item: Lineage, base: ActivationMaps, evidence: Evidence, write: Write, *, stored: int
) -> Steps[ActivationMaps]:
    """Return the maps after an image's chain, and store those of slow steps that were computed now.

    Parameters
    ----------
    item : Lineage
    base : ActivationMaps
        Those the chain begins with.
    evidence : Evidence
        What refiners may ask for.
    write : Write
    stored : int
        Of how many of the chain's first links the stored maps may be taken, as they were rounded then.
    """
    position, maps = furthest(item, base, stored)
    rest, before = item.links[position:], None
    image = item.project.load_image(item.image_id).pixels if rest else None
    for link in rest:
        given = maps if before is None else handed_on(before, maps)
        maps = yield from link.refiner.steps(image, given, evidence)
        before = link.refiner
        if not link.refiner.cheap:
            item.project.store.check_maps(link.provenance, item.image_id, maps)
            write(item.project.store.write_maps, link.provenance, item.image_id, item.content, maps)
    return maps


def furthest(item: Lineage, base: ActivationMaps, end: int) -> tuple[int, ActivationMaps]:
    """Return how many of the chain's first `end` links need not run again, and the maps after them."""
    for position in range(end, 0, -1):
        link = item.links[position - 1]
        if not link.refiner.cheap:
            stored = item.project.store.read_maps(link.provenance, item.image_id, item.content)
            if stored is not None and stored.classes == item.classes:
                return position, stored
    return 0, base
