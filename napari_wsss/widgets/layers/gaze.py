"""Where the camera looks: at the next uncertain place, and at the peak of a map that was just computed.

What it zoomed to by itself ends with the image; a person's own zoom stays.
"""

from qtpy.QtCore import QObject, Qt
from qtpy.QtGui import QGuiApplication

from napari_wsss.pixels.regions import Box, peak_region
from napari_wsss.session.session import Session
from napari_wsss.widgets.controls.basic import soon
from napari_wsss.widgets.controls.listening import listen
from napari_wsss.widgets.layers.viewer_sync import ViewerSync

ROOM = 0.9
"""Share of the canvas that a box fills."""
BACK = "Ctrl+R shows the whole image."


class Gaze(QObject):
    """Moves the camera of a viewer over the shown image.

    Parameters
    ----------
    session : Session
    sync : ViewerSync
    """

    def __init__(self, session: Session, sync: ViewerSync, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._sync = session, sync
        self._looking: tuple[object, ...] | None = None  # the camera as it was put here
        listen(
            self, (session.signals.class_found, self._on_class_found), (session.signals.image_changed, self._on_image)
        )

    def look_at(self, box: Box) -> None:
        """Zoom so that a box of the shown image fills the canvas."""
        table = self._session.shown_table
        if table is None:
            return
        self._sync.show_whole()  # the zoom that shows the whole image, whatever the canvas' size
        camera = self._sync.camera
        (height, width), image = box.size, table.image
        camera.zoom *= ROOM * max(1.0, min(image.shape[0] / height, image.shape[1] / width))
        camera.center = (*camera.center[:-2], *box.centre)
        self._looking = (camera.zoom, camera.center)

    def _on_image(self, _image_id: str) -> None:
        """Show all of another image, unless the person has moved the camera since."""
        if self._looking == (self._sync.camera.zoom, self._sync.camera.center):
            self._sync.show_whole()
        self._looking = None

    def next_uncertain(self) -> None:
        """Look at the most uncertain place of the image; again, at the next one."""
        found = self._session.doubts.next_region()
        if found is None:
            self._session.signals.notice.emit("Nothing is uncertain here any more.")
            return
        box, number, count = found
        self.look_at(box)
        rivals = " or ".join(self._session.doubts.rivals(box))
        self._session.signals.notice.emit(f"Uncertain place {number} of {count}: {rivals}? {BACK}")

    def _on_class_found(self, image_id: str, name: str) -> None:
        soon(self, lambda: self._show_class(image_id, name))  # after the layers have the new map

    def _show_class(self, image_id: str, name: str) -> None:
        """Show a class's map and its peak, unless the person is busy with another image or in a stroke."""
        session, table = self._session, self._session.shown_table
        painting = QGuiApplication.mouseButtons() != Qt.MouseButton.NoButton
        if table is None or image_id != table.image_id or painting:
            return
        maps, classes = table.maps, table.classes
        if maps is None or name not in classes.names:
            return
        if classes.index(name) not in maps.classes:
            return
        self._sync.cams.show(name)
        box = peak_region(maps.scores[maps.classes.index(classes.index(name))])
        if box is None:
            session.signals.notice.emit(f"The model sees no {name} in this image.")
            return
        self.look_at(box)
        session.signals.notice.emit(f"Here is most of what the model takes for {name}. {BACK}")
