"""The ``clean-up preview`` layer: outlines of what would change, in the colour it would get (white: background)."""

from typing import Any

import numpy as np
from napari.layers import Labels
from numpy.typing import NDArray

from napari_wsss.core.classes import BACKGROUND
from napari_wsss.core.scribbles import BACKGROUND_SCRIBBLE
from napari_wsss.session.correct.cleaning import Preview
from napari_wsss.widgets.layers import looks
from napari_wsss.widgets.layers.overlay import Overlay


class CleaningOverlay(Overlay):
    """Changes that a person looks at before they are made."""

    role = looks.CLEANING
    place = "on top"

    def signals(self) -> tuple[Any, ...]:
        """Return the signal that tells of another preview, or of none."""
        return (self.session.cleaning.preview_changed,)

    def picture(self) -> Preview | None:
        """Return the preview of the shown image."""
        return self.session.cleaning.preview if self.session.shown_id else None

    def make(self, picture: Preview) -> Labels:
        """Return a layer of the changes."""
        assert self.session.classes is not None
        return looks.cleaning_layer(changes(picture), self.session.classes)

    def update(self, picture: Preview) -> None:
        """Show other changes."""
        assert isinstance(self.layer, Labels)
        looks.write(self.layer, changes(picture))


def changes(preview: Preview) -> NDArray[np.uint8]:
    """Return what changed pixels become (H, W) uint8, 0 where nothing changes, written as scribbles are."""
    after = np.where(preview.after == BACKGROUND, np.uint8(BACKGROUND_SCRIBBLE), preview.after)
    return np.where(preview.after != preview.before, after, np.uint8(0))
