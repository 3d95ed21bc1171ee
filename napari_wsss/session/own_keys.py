"""Keys a person has chosen for actions: personal, so kept in the user's configuration folder, not in a project."""

import json
from collections.abc import Mapping
from pathlib import Path

from platformdirs import user_config_path
from psygnal import Signal

from napari_wsss.core.files import publish, read_object


class OwnKeys:
    """Action -> key, for those actions whose key was changed.

    A missing or damaged file means: none. Which keys are possible is the window's to know (`widgets.keys.own_keys`).

    Parameters
    ----------
    folder : Path, optional
        The user's configuration folder by default.
    """

    changed = Signal()

    def __init__(self, folder: Path | None = None) -> None:
        self._path = (folder or user_config_path("napari-wsss", appauthor=False)) / "keys.json"
        self._keys = self._read()

    def _read(self) -> dict[str, str]:
        try:
            found = read_object(self._path)
        except (OSError, ValueError):
            return {}
        return {str(action): key for action, key in found.items() if isinstance(key, str) and key}

    @property
    def keys(self) -> dict[str, str]:
        """The chosen keys by action."""
        return dict(self._keys)

    def choose(self, action: str, key: str) -> None:
        """Give an action a key; raise OSError when it cannot be kept."""
        self._keep({**self._keys, action: key})

    def reset(self, action: str = "") -> None:
        """Give an action (or, without one, every action) its default key back; raise OSError as `choose`."""
        self._keep({kept: key for kept, key in self._keys.items() if action and kept != action})

    def _keep(self, keys: Mapping[str, str]) -> None:
        with publish(self._path) as file:
            file.write(json.dumps(dict(keys), indent=1, sort_keys=True).encode())
        self._keys = dict(keys)
        self.changed.emit()
