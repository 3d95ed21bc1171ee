"""A person's own choices, from the page that ``napari.yaml`` declares in napari's preferences (napari >= 0.9).

Older versions of napari have no such page; there, and where napari does not know the plugin, the defaults hold. Values
are read when they are needed, so a change counts at once; who has to do something then connects to `Watch.changed`.
"""

from pathlib import Path
from typing import Any

from qtpy.QtCore import QObject, Signal

from napari_wsss.widgets.controls.listening import listen

PLUGIN = "napari-wsss"
DEFAULTS: dict[str, dict[str, Any]] = {
    "labeling": {"digits_mean_classes": True, "brush_size": 15, "scribble_size": 5, "mask_opacity": 0.55},
    "clicking": {"segmenter_encoder": "", "segmenter_decoder": ""},
    "review": {"queue_pictures": "small", "hint_every": 20, "look_ahead": 3, "folds_left": True},
    "computing": {"device": "auto", "learns_at_once": True, "toast_after": 20},
}
"""Group -> name -> value, as in ``napari.yaml`` (a test compares them)."""


def stored() -> Any:
    """Return napari's evented settings of this plugin, None where there are none."""
    try:
        from napari.settings import get_plugin_settings
    except ImportError:  # napari < 0.9
        return None
    try:
        return get_plugin_settings(PLUGIN)
    except KeyError:  # used without being installed, or switched off in napari's plugin list
        return None


def value(group: str, name: str) -> Any:
    """Return one preference; napari has checked its type and bounds."""
    return getattr(getattr(stored(), group, None), name, DEFAULTS[group][name])


def keep(group: str, name: str, chosen: Any) -> bool:
    """Make a choice made in the panel a preference; return False where there is no place to keep it.

    Raises
    ------
    ValueError
        When the preference cannot have this value.
    """
    settings = stored()
    if settings is None:
        return False
    setattr(getattr(settings, group), name, chosen)
    return True


def digits_mean_classes() -> bool:
    """Return True when digits choose the class to paint, False when they choose napari's tools."""
    return bool(value("labeling", "digits_mean_classes"))


def folds_left() -> bool:
    """Return True when napari's left side is folded away where the picture has little room."""
    return bool(value("review", "folds_left"))


def brush_size() -> int:
    """Return the mask's brush size, in pixels of the screen while the whole image is shown."""
    return int(value("labeling", "brush_size"))


def scribble_size() -> int:
    """Return the brush size of scribbles, in pixels of the screen while the whole image is shown."""
    return int(value("labeling", "scribble_size"))


def mask_opacity() -> float:
    """Return the opacity of the mask's layer, from 0.05 to 1."""
    return float(value("labeling", "mask_opacity"))


def segmenter() -> tuple[Path, Path] | None:
    """Return encoder and decoder of the segmenter that answers clicks, None without one."""
    encoder, decoder = (str(value("clicking", f"segmenter_{part}")).strip() for part in ("encoder", "decoder"))
    return (Path(encoder).expanduser(), Path(decoder).expanduser()) if encoder and decoder else None


def queue_pictures() -> str:
    """Return how large pictures in the queue are: ``none``, ``small``, ``medium`` or ``large``."""
    return str(value("review", "queue_pictures"))


def hint_every() -> int:
    """Return after how many accepted masks retraining is suggested, again and again; 0 is never."""
    return int(value("review", "hint_every"))


def look_ahead() -> int:
    """Return how many of the next images are read before they are shown."""
    return int(value("review", "look_ahead"))


def device() -> str:
    """Return what computes maps and proposals: ``auto``, ``cpu``, ``cuda`` or ``mps``."""
    return str(value("computing", "device"))


def learns_at_once() -> bool:
    """Return True when a learner beside the window learns from every decision by itself."""
    return bool(value("computing", "learns_at_once"))


def toast_after() -> int:
    """Return how many seconds a job takes that is worth a word when it is finished."""
    return int(value("computing", "toast_after"))


class Watch(QObject):
    """Tells what a person changes in the preferences.

    Attributes
    ----------
    changed : Signal(str)
        Name of the preference.
    """

    changed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        settings = stored()
        for group, names in DEFAULTS.items() if settings is not None else ():
            events = getattr(getattr(settings, group, None), "events", None)
            known = [name for name in names if hasattr(events, name)]  # an older manifest may be installed
            listen(self, *((getattr(events, name), self._on_change) for name in known))

    def _on_change(self, event: Any) -> None:
        self.changed.emit(event.type)
