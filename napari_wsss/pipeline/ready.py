"""One image whose turn it is: what is stored of it, what is computed now, and what is stored of that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from napari_wsss.core.errors import ProjectError
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.pipeline.answering import model_maps
from napari_wsss.pipeline.applied_model import model_maps_together, restricted, together
from napari_wsss.pipeline.large.maps import is_large, large_maps
from napari_wsss.pipeline.lineage import Lineage
from napari_wsss.pipeline.over_images import Write
from napari_wsss.pixels.surest_regions import Guarded
from napari_wsss.project.results.kept_maps import as_stored


@dataclass
class Ready:
    """An image whose turn it is, what is stored of it, and its base maps where they were computed with others'."""

    item: Lineage
    base: ActivationMaps | None
    proposal: Guarded | None = None
    new: ActivationMaps | None = None
    is_large: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether its proposal and the maps it is made of are stored."""
        return self.base is not None and self.proposal is not None

    @property
    def needs_maps(self) -> bool:
        """Whether its base maps are still to be made."""
        return self.base is None and self.new is None and not self.item.awaits_labels

    @property
    def is_gathered(self) -> bool:
        """Whether its base maps may be made together with others'."""
        return self.needs_maps and not self.is_large

    def new_base(self, device: str, background: bool, write: Write) -> ActivationMaps:
        """Return base maps that are computed now, and have them stored."""
        item, store = self.item, self.item.project.store
        if self.is_large:
            maps = large_maps(item, _wanted_classes(item), device)
        else:
            maps = self.new or model_maps(item, _wanted_classes(item), device, background)
        store.check_maps(item.base, item.image_id, maps)
        write(store.write_maps, item.base, item.image_id, item.base_content, maps)
        # As read back, so that what follows does not depend on whether the maps were just computed.
        return restricted(as_stored(maps), item.classes)


def _wanted_classes(item: Lineage) -> tuple[int, ...]:
    """Return the classes to draw maps of; those of labels taken away stay: putting one back then costs nothing."""
    before = item.project.store.read_maps(item.base, item.image_id, item.base_content)
    return tuple(sorted({*item.classes, *(before.classes if before is not None else ())}))


def compute_together(ready: Sequence[Ready], device: str, background: bool) -> None:
    """Compute the base maps of the first image, and of as many others of its size as the network takes with it."""
    if not ready[0].is_gathered:
        return
    sizes = [one.item.project.load_image(one.item.image_id).pixels.shape[:2] for one in ready if one.is_gathered]
    count = together(ready[0].item, sizes[0], device, background)
    if count == 1:
        return
    missing = zip((one for one in ready if one.is_gathered), sizes, strict=True)
    same = [one for one, size in missing if size == sizes[0]][:count]
    items = [one.item for one in same]
    found = model_maps_together(items, [_wanted_classes(item) for item in items], device, background)
    for one, maps in zip(same, found, strict=True):
        one.new = maps


def looks_by_window(item: Lineage, background: bool) -> bool:
    """Tell whether an image is looked at by the window; beside a window of napari, which cannot show it, it is not."""
    found = is_large(item.project, item.image_id)
    if found and background:
        raise ProjectError(
            f"{item.image_id} is larger than the memory, and is not shown. Its maps and its mask are made by: "
            f"napari-wsss refine --project {item.project.folder}"
        )
    return found
