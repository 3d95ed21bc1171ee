"""Who made which pixel, in words: a checkbox for the layer, and how much of the mask is whose.

What a person can do with it: switch the layer on and off, and read off how much of the mask is their own work and how
much comes from which model at which threshold; the tooltip of a line tells all its parameters.
"""

import json
from html import escape

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QCheckBox, QLabel, QVBoxLayout, QWidget

from napari_wsss.core.sources import NOTHING, Sources
from napari_wsss.session.session import Session
from napari_wsss.widgets.controls.basic import clear_layout, column, text_label
from napari_wsss.widgets.controls.listening import listen
from napari_wsss.widgets.controls.plain_text import as_text
from napari_wsss.widgets.layers.provenance_layer import colour_of

MOST_LINES = 8


class ProvenanceBox(QWidget):
    """Checkbox and legend of the ``provenance`` layer."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._shown: Sources | None = None
        self.switch = QCheckBox("Show who made which pixel")
        self.switch.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.switch.setToolTip("A layer over the mask: your own pixels in one colour, each machine source in another")
        self.switch.toggled.connect(session.provenance.show)
        self.lines = QVBoxLayout()
        self.lines.setSpacing(1)
        self.setLayout(column(self.switch, self.lines))
        for signal in (session.signals.sources_changed, session.signals.image_changed, session.signals.project_closed):
            listen(self, (signal, self.refresh))
        self.refresh()

    def refresh(self, _image_id: str = "") -> None:
        """Bring box and legend after the session."""
        session = self._session
        self.switch.setChecked(session.provenance.shown)
        table = session.shown_table
        sources = table.sources if table is not None and session.provenance.shown else None
        if sources is self._shown:
            return
        self._shown = sources
        clear_layout(self.lines)
        for label in [] if sources is None else legend(sources):
            self.lines.addWidget(label)


def legend(sources: Sources) -> list[QLabel]:
    """Return a line for each source of a mask, the largest share first."""
    shares = list(sources.shares().items())
    lines = [_line(sources, value, share) for value, share in shares[:MOST_LINES]]
    if len(shares) > MOST_LINES:
        rest = sum(share for _, share in shares[MOST_LINES:])
        lines.append(text_label(f"{percent(rest)} of {len(shares) - MOST_LINES} more", quiet=True))
    return lines


def _line(sources: Sources, value: int, share: float) -> QLabel:
    square = f'<span style="color:{colour_of(value)}">■</span>' if value != NOTHING else "□"
    source = sources.source_of(value)
    label = text_label()
    label.show_markup(f"{square} {escape(percent(share))} {escape(sources.text_of(value))}")
    if source is not None:
        label.setToolTip(as_text(json.dumps(source.to_dict(), indent=1, ensure_ascii=False)))
    return label


def percent(share: float) -> str:
    """Return a share in [0, 1] for reading; what is there never reads as nothing."""
    return "<1 %" if 0 < share < 0.005 else f"{share:.0%}".replace("%", " %")
