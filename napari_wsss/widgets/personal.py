"""Lays a person's preferences over session, layers and panel, once at the start and again whenever one changes."""

from collections.abc import Callable

from qtpy.QtCore import QObject
from qtpy.QtWidgets import QApplication, QDoubleSpinBox, QWidget

from napari_wsss.session.session import Session
from napari_wsss.widgets import preferences
from napari_wsss.widgets.controls.number_text import read_as_it_looks
from napari_wsss.widgets.controls.stubs import certain
from napari_wsss.widgets.keys.actions import Actions
from napari_wsss.widgets.layers.viewer_sync import ViewerSync
from napari_wsss.widgets.pages import Pages


class PersonalChoices(QObject):
    """A person's preferences at work in one window; layers and key table take them up by themselves when made.

    Parameters
    ----------
    session : Session
    sync : ViewerSync
    actions : Actions
    pages : Pages
        Those made later ask for the preferences themselves.
    """

    def __init__(self, session: Session, sync: ViewerSync, actions: Actions, pages: Pages) -> None:
        super().__init__(actions)
        self._session, self._sync, self._pages = session, sync, pages
        self._changes: dict[str, Callable[[], object]] = {
            "digits_mean_classes": actions.table_changed.emit,
            "brush_size": lambda: sync.resize_brush(sync.mask, preferences.brush_size()),
            "scribble_size": lambda: sync.resize_brush(sync.scribbles.layer, preferences.scribble_size()),
            "mask_opacity": self._opacity,
            "segmenter_encoder": self._segmenter,
            "segmenter_decoder": self._segmenter,
            "queue_pictures": self._queue_pictures,
            "hint_every": lambda: session.hint.remind_every(preferences.hint_every()),
            "look_ahead": self._look_ahead,
            "device": self._device,
            "learns_at_once": lambda: session.learning.set_automatic(preferences.learns_at_once()),
        }
        for name in ("segmenter_encoder", "hint_every", "look_ahead", "device", "learns_at_once"):
            self._changes[name]()
        self._watch = preferences.Watch(self)
        self._watch.changed.connect(self._on_change)
        certain(QApplication.instance()).focusChanged.connect(self._on_focus)  # type: ignore[attr-defined]

    def _on_change(self, name: str) -> None:
        if name in self._changes:
            self._changes[name]()

    def _on_focus(self, _before: QWidget | None, now: QWidget | None) -> None:
        """Let the number fields of napari's own preferences, which are made anew each time, read what is typed."""
        if isinstance(now, QDoubleSpinBox) and type(now.window()).__name__ == "PreferencesDialog":
            read_as_it_looks(now)

    def _look_ahead(self) -> None:
        self._session.settings.ahead = preferences.look_ahead()

    def _device(self) -> None:
        self._session.settings.device = preferences.device()
        if "Project" in self._pages.made:
            self._pages.project.show_device()

    def _queue_pictures(self) -> None:
        if "Review" in self._pages.made:
            self._pages.review.queue.show_pictures(preferences.queue_pictures())

    def _segmenter(self) -> None:
        """Use the files that are named, once both are."""
        named = [preferences.value("clicking", f"segmenter_{part}") for part in ("encoder", "decoder")]
        if all(named) or not any(named):
            self._session.segmenter.use(preferences.segmenter())

    def _opacity(self) -> None:
        if self._sync.mask is not None:
            self._sync.mask.opacity = preferences.mask_opacity()
