"""Pointing at things: what a person can do with it is said at the page (`correct_page`)."""

from pathlib import Path
from typing import cast

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QCheckBox, QFileDialog, QWidget

from napari_wsss.session.correct.regions import Kind
from napari_wsss.session.session import Session
from napari_wsss.widgets import preferences
from napari_wsss.widgets.controls.basic import button, choose, column, combo, row, text_label
from napari_wsss.widgets.controls.listening import listen
from napari_wsss.widgets.keys.actions import Actions
from napari_wsss.widgets.layers.clicks.point_tool import HINTS
from napari_wsss.widgets.layers.viewer_sync import ViewerSync

TOOLS = (
    ("things", "point", "Point at things"),
    ("regions", "regions", "Whole regions"),
    ("wand", "wand", "Magic wand"),
)
"""Mode of the tool, its action, its caption."""
KINDS: tuple[tuple[Kind, str], ...] = (
    ("superpixels", "superpixels"),
    ("segmenter", "all the segmenter finds"),
    ("instances", "instances …"),
)
REGION = (
    "What a region is: a patch of one colour, a thing that the segmenter finds (some seconds an image), or one that "
    "another program found"
)
FILES = "ONNX networks (*.onnx)"
WHERE = (
    "Two files of the SAM family as ONNX, the encoder of pictures and the decoder of clicks (MobileSAM, EdgeSAM, SAM). "
    "Mark both. Nothing is downloaded."
)


class PointBox(QWidget):
    """The tools that point, which segmenter answers, and what a region is."""

    def __init__(self, session: Session, sync: ViewerSync, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._sync, self._actions = session, sync, actions
        self.tools = {mode: self._tool(action) for mode, action, _ in TOOLS}
        self.kind = combo(KINDS, self._on_kind)
        self.kind.setToolTip(REGION)
        self.how = text_label(HINTS["things"], quiet=True)
        self.said = text_label(quiet=True)
        self.choose = button("Segmenter …", self._browse, WHERE)
        self.drop = button("Without", lambda: session.segmenter.use(None), "Let colours and maps answer")
        files = row(self.choose, self.drop, 1)
        regions = self.tools["regions"], self.kind
        self.setLayout(column(self.tools["things"], self.how, self.said, files, *regions, self.tools["wand"]))
        listen(
            self,
            (session.signals.image_changed, self._on_image),
            (session.signals.project_closed, self.refresh),
            (session.embeddings.arrived, self._on_image),
            (session.segmenter.changed, self._on_segmenter),
        )
        sync.pointing.changed.connect(self.refresh)
        actions.table_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show whether things are pointed at, and what answers."""
        session = self._session
        table = session.shown_table
        for mode, action, title in TOOLS:
            self.tools[mode].setText(self._actions.with_key(title, action))
            self.tools[mode].setEnabled(table is not None and not table.project.read_only)
            self.tools[mode].setChecked(self._sync.pointing.mode == mode)
        choose(self.kind, session.regions.kind)
        pair = session.segmenter.pair
        names = "" if pair is None else f" ({pair[0].name}, {pair[1].name})"
        self.said.setText(f"{session.pointing.text}{names}.")
        self.drop.setVisible(pair is not None)

    def _on_image(self, _image_id: str = "") -> None:
        self.refresh()

    def _tool(self, action: str) -> QCheckBox:
        made = QCheckBox()
        made.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        made.clicked.connect(lambda: self._on_tool(action))
        return made

    def _on_tool(self, action: str) -> None:
        self._actions.run(action)
        self.refresh()  # also where it was refused

    def _on_kind(self, kind: str) -> None:
        """Take another kind of regions; instances are asked for their folder."""
        chosen = ""
        if kind == "instances":
            chosen = QFileDialog.getExistingDirectory(self, "Folder of instance masks, named like the images")
        if chosen or kind != "instances":
            self._session.regions.use(cast(Kind, kind), Path(chosen) if chosen else None)
        self.refresh()

    def _browse(self) -> None:
        chosen, _ = QFileDialog.getOpenFileNames(self, "Choose the encoder and the decoder", "", FILES)
        if chosen:
            self._session.segmenter.choose([Path(path) for path in chosen])

    def _on_segmenter(self) -> None:
        """Remember the choice for every project of this person."""
        pair = self._session.segmenter.pair or (Path(), Path())
        for name, path in zip(("segmenter_encoder", "segmenter_decoder"), pair, strict=True):
            preferences.keep("clicking", name, "" if path == Path() else str(path))
        self.refresh()
