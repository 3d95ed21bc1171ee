"""`Overlay`: a layer of ours that is there only while there is something to show in it.

`viewer_sync` owns the viewer's layers; an overlay says what one of them shows, how it is made and after which signals
of the session it is looked at again. A new kind of layer is one file with one overlay and one line in `overlays`.
"""

from collections.abc import Callable
from typing import Any, Literal

from napari.layers import Layer

from napari_wsss.session.session import Session

Place = Literal["below proposal", "below mask", "on top"]


class Overlay:
    """One layer that comes and goes.

    Parameters
    ----------
    session : Session
        Asked for what is to be shown.

    Attributes
    ----------
    role : str
        Name and tag of the layer.
    place : str
        Where a new layer is put.
    layer : napari layer or None
        None while there is nothing to show.
    """

    role = ""
    place: Place = "below proposal"

    def __init__(self, session: Session) -> None:
        self.session = session
        self.layer: Layer | None = None
        self._fed: Any = None

    def signals(self) -> tuple[Any, ...]:
        """Return the session's signals after which the overlay is fed again (it always is when the image changes)."""
        return ()

    def picture(self) -> Any:
        """Return the data to show over the shown image, the same object while nothing changed; None for no layer."""
        raise NotImplementedError

    def make(self, picture: Any) -> Layer:
        """Return a new, tagged layer for a picture."""
        raise NotImplementedError

    def update(self, picture: Any) -> None:
        """Show another picture in the layer there is."""
        assert self.layer is not None
        self.layer.data = picture

    def feed(self, add: Callable[[Layer, Place], None], remove: Callable[[Layer], None]) -> None:
        """Bring the layer after the session: made, fed again or taken away."""
        picture = self.picture()
        if picture is None:
            layer, self.layer = self.layer, None
            if layer is not None:
                remove(layer)
        elif self.layer is None:
            self.layer = self.make(picture)
            add(self.layer, self.place)
        elif self._fed is not picture:
            self.update(picture)
        self._fed = picture

    def forget(self) -> None:
        """Note that the layer is gone."""
        self.layer = self._fed = None
