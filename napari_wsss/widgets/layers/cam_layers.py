"""The ``cam · <class>`` layers: one per labelled class of the shown image, only the current class's visible.

Adding and removing a layer costs napari 0.1 to 0.5 s (it collects garbage at each removal), and the window stands still
meanwhile. So layers that an image does not need become hidden spares for the following ones. When the person has stayed
with an image for a while they are emptied; removed they are with the others, when the project closes.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from napari.layers import Image
from numpy.typing import NDArray

from napari_wsss.core.classes import ClassList
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.widgets.layers import looks

FADED = 0.4
"""Share of its opacity that a map keeps once there is a mask or a scribble."""
_EMPTY = np.zeros((1, 1), np.float32)


class CamLayers:
    """Feeds activation maps into a row of layers that are reused from image to image.

    Parameters
    ----------
    add : callable
        Puts a new layer above its ``row`` siblings.
    remove : callable
        Takes a layer out of the viewer.

    Attributes
    ----------
    layers, spares : list of Image
        The labelled classes' layers in class order; hidden ones above them that wait to be used again.
    current : str
        The class whose map is shown, "" when the image has no labels.
    wanted : bool
        False once a person hid the current map; it stays hidden on the next image.
    """

    def __init__(self, add: Callable[[Image, int], None], remove: Callable[[Image], None]) -> None:
        self.layers: list[Image] = []
        self.spares: list[Image] = []
        self.names: tuple[str, ...] = ()
        self.current = ""
        self.wanted = True
        self._is_faded = False
        self._fed: list[tuple[Any, int]] = []  # per layer: the maps (or picture) it was fed from, and the class
        self._add, self._remove = add, remove

    def feed(
        self,
        names: Sequence[str],
        classes: ClassList,
        maps: ActivationMaps | None,
        image: NDArray[np.uint8],
    ) -> None:
        """Show the maps of the labelled classes `names`; a class without a map yet gets an empty one.

        Parameters
        ----------
        names : sequence of str
            Labelled classes in class order.
        maps : ActivationMaps, optional
            (K, H, W), None before inference.
        image : (H, W, 3) uint8
            The shown image, for the size of empty maps.
        """
        self._note_visibility()
        self._shorten(len(names))
        self.names = tuple(names)
        for row, name in enumerate(names):
            self._feed_row(row, classes.index(name), maps, image)
        if self.current not in self.names:
            self.current = self.names[0] if self.names else ""

    def _feed_row(self, row: int, index: int, maps: ActivationMaps | None, image: NDArray[np.uint8]) -> None:
        known = maps if maps is not None and index in maps.classes else None
        source = (image if known is None else known, index)
        if row < len(self.layers) and self.layers[row].name != looks.cam_name(self.names[row]):
            self.layers[row].name = looks.cam_name(self.names[row])  # another class, or the same one renamed
        if row < len(self._fed) and self._fed[row][0] is source[0] and self._fed[row][1] == index:
            return
        scores = np.zeros(image.shape[:2], np.float32) if known is None else known.scores[known.classes.index(index)]
        if row == len(self.layers) and self.spares:
            self.layers.append(self.spares.pop(0))
            self._fed.append(source)
        if row < len(self.layers):
            self.layers[row].name = looks.cam_name(self.names[row])
            self.layers[row].data = scores
            self._fed[row] = source
            return
        layer = looks.cam_layer(scores, self.names[row])
        if self.layers:
            layer.opacity = self.layers[0].opacity
        elif self._is_faded:
            layer.opacity *= FADED
        self.layers.append(layer)
        self._fed.append(source)
        self._add(layer, row)

    def fade(self, faded: bool) -> None:
        """Show the maps fainter, or as they were; what a person made of their opacity stays in proportion."""
        if faded == self._is_faded:
            return
        self._is_faded = faded
        for layer in (*self.layers, *self.spares):
            layer.opacity = min(1.0, layer.opacity * (FADED if faded else 1 / FADED))

    def _shorten(self, count: int) -> None:
        surplus = self.layers[count:]
        del self.layers[count:], self._fed[count:]
        for layer in surplus:
            layer.visible = False
            layer.name = looks.SPARE
        self.spares = [*surplus, *self.spares]

    def tidy(self) -> None:
        """Empty the spares: one pixel takes no memory, and does not count where napari asks how far layers reach."""
        for layer in self.spares:
            if layer.data.shape != _EMPTY.shape:
                layer.data = _EMPTY

    def _note_visibility(self) -> None:
        if self.shown is not None:
            self.wanted = self.shown.visible

    @property
    def shown(self) -> Image | None:
        """The current class's layer."""
        rows = [row for row, name in enumerate(self.names) if name == self.current]
        return self.layers[rows[0]] if rows and rows[0] < len(self.layers) else None

    def forget(self, layer: Image) -> None:
        """Note that somebody else removed `layer`; the next `feed` makes it anew."""
        if layer in self.spares:
            self.spares.remove(layer)
            return
        row = self.layers.index(layer)
        self._shorten(row + 1)
        del self.layers[row:], self._fed[row:]

    def clear(self) -> None:
        """Remove all layers."""
        self._shorten(0)
        spares, self.spares = self.spares, []
        for layer in spares:
            self._remove(layer)
        self.names = ()

    def show(self, name: str) -> None:
        """Make `name` the current class and its map visible."""
        self.current, self.wanted = name, True
        self.apply()

    def cycle(self) -> None:
        """Show the next labelled class's map."""
        if self.names:
            following = (self.names.index(self.current) + 1) if self.current in self.names else 0
            self.show(self.names[following % len(self.names)])

    def apply(self) -> None:
        """Make exactly the current map visible, or none where a person hid it."""
        for layer in self.layers:
            visible = layer is self.shown and self.wanted
            if layer.visible != visible:
                layer.visible = visible
