"""The contrast of grey images, while the mask stays the chosen layer: napari shows a layer's contrast only when chosen.

What a person can do with it: drag both ends (what lies beyond is black or white), or put them back.
"""

from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QWidget
from superqt import QRangeSlider

from napari_wsss.session.session import Session
from napari_wsss.widgets.controls.basic import WheelGuard, row, text_label, tool_button
from napari_wsss.widgets.controls.listening import listen
from napari_wsss.widgets.layers.viewer_sync import ViewerSync

WHOLE = (0, 255)
TIP = "Contrast of the grey image on the screen; maps, masks and training do not change"


class ContrastLine(QWidget):
    """A slider with two ends; there from the first grey image of a sitting on, greyed for colour images."""

    def __init__(self, session: Session, sync: ViewerSync, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._sync = session, sync
        self._layer: Any = None
        self.slider: Any = QRangeSlider(Qt.Orientation.Horizontal)  # type: ignore[no-untyped-call]  # superqt
        self.slider.setRange(*WHOLE)
        self.slider.setValue(WHOLE)
        self.slider.setToolTip(TIP)
        self.slider.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        WheelGuard.protect(self.slider)
        self.reset = tool_button("↺", lambda: self._set(WHOLE), "The whole range")
        self.setLayout(row(text_label("Contrast", wrap=False, tip=TIP), self.slider, self.reset))
        self.slider.valueChanged.connect(self._set)
        listen(self, (session.signals.image_changed, self.refresh), (session.signals.project_closed, self.refresh))
        sync.layers_changed.connect(self.refresh)
        self.hide()
        self.refresh()

    def refresh(self, _image_id: str = "") -> None:
        """Follow the image layer, which is another one after a change between grey and colour."""
        layer: Any = self._sync.host.layer("image") if self._session.shown_table is not None else None
        grey = layer is not None and not layer.rgb
        self.setEnabled(grey)
        if grey and self.isHidden():
            self.show()
        if grey and layer is not self._layer:
            self._layer = layer
            layer.events.contrast_limits.connect(self._follow)
            self._follow()

    def _follow(self, _event: Any = None) -> None:
        """Show what was chosen elsewhere: in napari's own slider, say."""
        layer: Any = self._layer
        if layer is not self._sync.host.layer("image") or layer is None:
            return
        low, high = layer.contrast_limits
        self.slider.blockSignals(True)
        self.slider.setValue((round(low), round(high)))
        self.slider.blockSignals(False)

    def _set(self, ends: tuple[int, int]) -> None:
        layer: Any = self._sync.host.layer("image")
        if layer is None or layer.rgb:
            return
        low, high = ends
        layer.contrast_limits = (low, max(high, low + 1))
