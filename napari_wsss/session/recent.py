"""Recently opened projects and where a person was in them: personal, so kept in the user's configuration folder."""

import json
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_config_path

from napari_wsss.core.files import MOST_RECORD_BYTES, parsed, publish, read_regular
from napari_wsss.core.inside import has_file

KEPT = 12


@dataclass(frozen=True)
class RecentProject:
    """A project folder and the id of the image last shown there ("" when unknown)."""

    folder: Path
    image_id: str = ""


class RecentProjects:
    """The list, newest first; a missing or damaged file is an empty list, and failing to write it harms nobody."""

    def __init__(self, folder: Path | None = None) -> None:
        self._path = (folder or user_config_path("napari-wsss", appauthor=False)) / "recent.json"

    def all(self) -> list[RecentProject]:
        """Return the projects that still exist."""
        try:
            records = parsed(read_regular(self._path, MOST_RECORD_BYTES))
            found = [RecentProject(Path(record["folder"]), str(record["image_id"])) for record in records]
        except (OSError, ValueError, KeyError, TypeError):
            return []
        return [project for project in found if has_file(project.folder, "project.sqlite")]

    def note(self, folder: Path, image_id: str = "") -> None:
        """Put a project first and remember the image shown in it."""
        others = [project for project in self.all() if project.folder != folder]
        kept = [RecentProject(folder, image_id), *others][:KEPT]
        records = [{"folder": str(project.folder), "image_id": project.image_id} for project in kept]
        try:
            with publish(self._path) as file:
                file.write(json.dumps(records, indent=1).encode())
        except OSError:
            return

    def image_of(self, folder: Path) -> str:
        """Return the image last shown in a project, "" when unknown."""
        return next((project.image_id for project in self.all() if project.folder == folder), "")
