"""A gain slider for each labelled class of the shown image.

What a person can do with it: make a class count more or less beside the others and the background (0.25 to 4 times),
see the proposal follow, and put a gain back.
"""

from collections.abc import Callable

from qtpy.QtCore import QEvent, Qt, Signal
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QWidget

from napari_wsss.core.gains import HIGHEST, LOWEST
from napari_wsss.session.session import Session
from napari_wsss.widgets.controls.basic import column
from napari_wsss.widgets.controls.elided import BESIDE
from napari_wsss.widgets.controls.live_slider import LiveSlider
from napari_wsss.widgets.controls.plain_text import as_text
from napari_wsss.widgets.controls.stubs import certain

TIP = "This class's map times so much, before the strongest class is looked for; 1 changes nothing"
WIDEST_NAME = 110  # pixels; longer names are shortened, so that sliders keep room to move


class GainSliders(QWidget):
    """The gains of the shown image.

    Parameters
    ----------
    session : Session
    scope : callable
        Says where a change counts now.

    Attributes
    ----------
    settled : Signal()
        A gain was decided.
    """

    settled = Signal()

    def __init__(self, session: Session, scope: Callable[[], str]) -> None:
        super().__init__()
        self._session, self._scope = session, scope
        self.sliders: dict[str, LiveSlider] = {}
        self._column = column()
        self.setLayout(self._column)

    @property
    def is_held(self) -> bool:
        """True while the mouse holds one of the handles."""
        return any(slider.is_held for slider in self.sliders.values())

    def refresh(self) -> None:
        """Show the gains of the shown image, and where each comes from."""
        table = self._session.shown_table
        gains = table.shown.gains if table is not None else {}
        if list(gains) != list(self.sliders):
            self._rebuild(list(gains))
        for name, gain in gains.items():
            self.sliders[name].show_value(gain)
            reason = self._session.parameters.why_gain(name)
            self.sliders[name].explain(reason.place if reason.is_chosen else "", reason.is_chosen)
        self.setEnabled(table is not None and table.maps is not None)

    def _rebuild(self, names: list[str]) -> None:
        for slider in self.sliders.values():
            self._column.removeWidget(slider)
            slider.hide()
            slider.deleteLater()
        self.sliders = {name: self._slider(name) for name in names}
        for name, slider in self.sliders.items():
            self._column.addWidget(slider)
            slider.name.ensurePolished()  # with the style's font, its width is known
            metrics = slider.name.fontMetrics()
            slider.name.setText(metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, WIDEST_NAME - BESIDE))
        self._align()

    def _align(self) -> None:
        """Let the sliders begin below one another, in the font of now."""
        widest = max((slider.name.sizeHint().width() for slider in self.sliders.values()), default=0)
        for slider in self.sliders.values():
            slider.name.setFixedWidth(min(widest, WIDEST_NAME))

    def showEvent(self, event: QShowEvent | None) -> None:
        """Measure the names again: the theme's font is known once they are shown."""
        super().showEvent(event)
        self._align()

    def changeEvent(self, event: QEvent | None) -> None:
        """Follow a change of theme or font."""
        super().changeEvent(event)
        if certain(event).type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._align()

    def _slider(self, name: str) -> LiveSlider:
        made = LiveSlider(name, LOWEST, HIGHEST, logarithmic=True)
        made.slider.setToolTip(TIP)
        made.name.setToolTip(as_text(f"{name}: {TIP}"))
        made.taken.connect(lambda: self._session.sliders.prepare_gain(name))
        made.moved.connect(lambda gain: self._session.sliders.set_gain(name, gain, self._scope()))
        made.settled.connect(self.settled.emit)
        made.forgotten.connect(lambda: self._forget(name))
        return made

    def _forget(self, name: str) -> None:
        classes = self._session.classes
        if classes is not None:
            self._session.parameters.forget("class_gain", "gains", str(classes.mask_value(name)))
