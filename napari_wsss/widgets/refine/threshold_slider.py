"""The background threshold as a slider, and as two numbers: the threshold and the power (alpha) that draws the same.

What a person can do with it: drag, type either number, put the value back, see where it comes from.
"""

from collections.abc import Callable

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QLabel, QWidget

from napari_wsss.core.background import BACKGROUND_STEPS, equivalent_threshold
from napari_wsss.session.results.live import SLIDER, background_step
from napari_wsss.session.session import Session
from napari_wsss.widgets.controls.basic import WheelGuard, column
from napari_wsss.widgets.controls.live_slider import LiveSlider, number_field

POWERS = (0.01, 460.0)


class ThresholdSlider(QWidget):
    """Threshold and alpha of the shown proposal.

    Parameters
    ----------
    session : Session
    scope : callable
        Says where a change counts now.

    Attributes
    ----------
    settled : Signal()
        A threshold was decided.
    """

    settled = Signal()

    def __init__(self, session: Session, scope: Callable[[], str] = lambda: "image") -> None:
        super().__init__()
        self._session, self._scope = session, scope
        self._quiet = False
        self.slider = LiveSlider("", *SLIDER)
        self.slider.slider.setToolTip("Scores below it are background; keys , and . move it by 0.02")
        self.power = number_field(*POWERS)
        self.power.setToolTip("The background power (1 - max)^α that draws the same")
        self.power.valueChanged.connect(self._on_power)
        self.slider.line.insertWidget(3, QLabel("power"))
        self.slider.line.insertWidget(4, self.power)
        WheelGuard.protect(self.power)
        self.slider.moved.connect(self._on_moved)
        self.slider.settled.connect(self.settled.emit)
        self.slider.forgotten.connect(self._forget)
        self.setLayout(column(self.slider))

    @property
    def is_held(self) -> bool:
        """True while the mouse holds the handle."""
        return self.slider.is_held

    def refresh(self) -> None:
        """Show the session's threshold, and where it comes from."""
        session = self._session
        self.show_numbers()
        table = session.shown_table
        has_maps = table is not None and table.maps is not None
        self.setEnabled(has_maps and not session.plan.every_pixel)
        step = background_step(table.shown.steps) if table is not None else None
        if not has_maps:
            self.slider.explain("no maps yet", False)
        elif session.plan.every_pixel:
            self.slider.explain("every pixel belongs to a class", False)
        elif step is None:
            self.slider.explain("the chain has no background step", False)
        else:
            parameter, _ = BACKGROUND_STEPS[step.method]
            reason = next(one for one in session.parameters.why(step.method) if one.name == parameter)
            self.slider.explain(reason.place, reason.is_chosen)

    def show_numbers(self) -> None:
        """Show threshold and power alone, which is quick."""
        self._quiet = True
        table = self._session.table
        threshold = table.machine.threshold if table is not None else 0.0
        self.slider.show_value(threshold)
        if threshold > 0:
            self.power.setValue(self._session.sliders.background_power)
        self._quiet = False

    def _on_moved(self, value: float) -> None:
        self._session.sliders.set_threshold(value, self._scope())
        self.show_numbers()

    def _on_power(self, value: float) -> None:
        if not self._quiet:
            self._session.sliders.set_threshold(equivalent_threshold(float(value)), self._scope())
            self.show_numbers()
            self.settled.emit()

    def _forget(self) -> None:
        table = self._session.shown_table
        step = background_step(table.shown.steps) if table is not None else None
        if step is not None:
            self._session.parameters.forget(step.method, BACKGROUND_STEPS[step.method][0])
