"""Another key for an action: which keys are possible, and the table with a person's choices laid over the defaults."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from napari.settings import get_settings
from qtpy.QtCore import Qt
from qtpy.QtGui import QKeyEvent, QKeySequence

from napari_wsss.core.classes import IGNORE
from napari_wsss.session.review.digits import Digits
from napari_wsss.widgets.keys.by_place import latin_key
from napari_wsss.widgets.keys.table import KEYS, Key, digit_action, digit_in

POSSIBLE = re.compile(r"(Shift-)?[A-Z]|[,./;'\\`]|F\d{1,2}|Backspace|Delete|Insert|Home|End|PageUp|PageDown")
"""Keys that every keyboard layout sends alike. Digits are the classes'; Ctrl and Alt belong to menus."""
NAPARI = (
    "napari:activate_labels_erase_mode",
    "napari:activate_labels_paint_mode",
    "napari:activate_labels_fill_mode",
    "napari:activate_labels_picker_mode",
    "napari:activate_labels_pan_zoom_mode",
    "napari:toggle_preserve_labels",
    "napari:toggle_selected_visibility",
    "napari:toggle_unselected_visibility",
)
"""What a person needs while painting, under whatever keys napari's own preferences give it."""


def key_table(own: Mapping[str, str], digits_mean_classes: bool = True) -> tuple[Key, ...]:
    """Return the key table with a person's choices in it.

    Parameters
    ----------
    own : mapping of str to str
        Action -> key. Choices that are not possible or taken twice are passed over.
    digits_mean_classes : bool
        False leaves the digits to napari's tools.
    """
    chosen = {action: key for action, key in own.items() if why_not(key) == ""}
    kept = {entry.key for entry in KEYS if entry.action not in chosen}
    table = []
    for entry in KEYS:
        key = chosen.get(entry.action, entry.key)
        if entry.action in chosen and key in kept:  # the file was edited by hand
            key = entry.key
        kept.add(key)
        if digits_mean_classes or digit_in(entry.action) is None:
            table.append(entry if key == entry.key else replace(entry, key=key, scope="layers"))
    return tuple(table)


def class_keys(table: Iterable[Key], digits: Digits) -> dict[int, str]:
    """Return the key that paints each mask value in the shown image, background and ignore included.

    What has no key (classes beyond the ninth; all of them where digits are napari's) is left out.
    """
    keys = {entry.action: entry.key for entry in table}
    painted = {digit_action(digit): digits.value_of(digit) for digit in range(10)} | {"ignore": IGNORE}
    return {value: keys[action] for action, value in painted.items() if value is not None and action in keys}


def why_not(key: str, table: tuple[Key, ...] = (), action: str = "") -> str:
    """Return why `action` cannot have `key`, "" when it can.

    Parameters
    ----------
    key : str
        As napari writes it.
    table : tuple of Key
        Whose other actions keep their keys.
    """
    shown = key.replace("-", "+")
    if not POSSIBLE.fullmatch(key):
        return f"{shown or 'this key'} cannot be used: choose a letter, Shift with a letter, a function key or , . / ;"
    # Our defaults are possible for any action, also those few that napari has a use for.
    own = "" if any(key == entry.key for entry in KEYS) else _napari_keys().get(key, "")
    if own:
        return f"{shown} is napari's: {own}"
    other = next((entry for entry in table if entry.key == key and entry.action != action), None)
    return "" if other is None else f"{shown} is taken: {other.title}"


def _napari_keys() -> dict[str, str]:
    """Return napari's own keys that stay free for it, each with what it does there."""
    shortcuts = get_settings().shortcuts.shortcuts
    found = {}
    for name in NAPARI:
        words = name.removeprefix("napari:").removeprefix("activate_").replace("_", " ")
        found.update({str(binding).replace("+", "-"): words for binding in shortcuts.get(name, ())})
    return found


def key_in(event: QKeyEvent) -> str:
    """Return the key of an event as napari writes it, "" for a modifier; of other scripts by its place."""
    if event.key() in (Qt.Key.Key_Shift, Qt.Key.Key_Control, Qt.Key.Key_Alt, Qt.Key.Key_Meta, Qt.Key.Key_AltGr):
        return ""
    name = latin_key(event) or QKeySequence(event.key()).toString(QKeySequence.SequenceFormat.PortableText)
    name = {"PgUp": "PageUp", "PgDown": "PageDown", "Del": "Delete", "Ins": "Insert"}.get(name, name)
    held = event.modifiers()
    modifiers = (
        ("Ctrl", Qt.KeyboardModifier.ControlModifier),
        ("Alt", Qt.KeyboardModifier.AltModifier),
        ("Meta", Qt.KeyboardModifier.MetaModifier),
        ("Shift", Qt.KeyboardModifier.ShiftModifier),
    )
    return "".join(f"{title}-" for title, flag in modifiers if held & flag) + name
