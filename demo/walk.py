"""``python -m demo.walk --project DIR --screenshots DIR``: one walk through the work, a picture of each station.

Every picture is of the real window or of its panel; see `stations`.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import napari
from qtpy.QtWidgets import QApplication, QWidget

from demo.stations import STATIONS, Station
from napari_wsss.widgets.dock import WsssDock, open_dock
from napari_wsss.widgets.pages import PAGES

SIZE = (1280, 860)
LONGEST_WAIT = 90.0
SETTLING = 0.5  # seconds in which Qt lays out and paints


def main(arguments: list[str] | None = None) -> int:
    """Walk through a project; return 0 when all pictures are written."""
    parser = argparse.ArgumentParser(prog="python -m demo.walk", description=__doc__)
    parser.add_argument("--project", type=Path, required=True, help="project folder")
    parser.add_argument("--screenshots", type=Path, required=True, help="write the pictures here")
    options = parser.parse_args(arguments)
    viewer = napari.Viewer(title="napari-wsss", show=False)
    dock = open_dock(viewer)
    viewer.window.show()
    viewer.window.resize(*SIZE)
    dock.open_project(options.project)
    Walk(viewer, dock, options.screenshots).run()
    dock.shut_down()
    viewer.close()
    return 0


class Walk:
    """The stations of the demonstration, one picture each.

    Parameters
    ----------
    viewer : napari.Viewer
    dock : WsssDock
        With a project open.
    folder : Path
        Receives the pictures.
    """

    def __init__(self, viewer: napari.Viewer, dock: WsssDock, folder: Path) -> None:
        self._viewer, self._dock, self._folder = viewer, dock, folder
        self._number = 0
        folder.mkdir(parents=True, exist_ok=True)

    def run(self, stations: Sequence[Station] = STATIONS) -> None:
        """Walk through the stations."""
        session = self._dock.session
        if session.shown_table is not None and session.shown_table.record.state == "accepted":  # an earlier walk
            session.navigation.next_undecided()
        self._wait(lambda: session.table is not None and (session.table.proposal is not None or not session.jobs.all))
        for station in stations:
            self._stop_at(station)

    def _stop_at(self, station: Station) -> None:
        self._dock.tabs.setCurrentIndex(PAGES.index(station.page))
        station.act(self._dock)
        self._wait(lambda: not self._dock.session.jobs.all)
        self._number += 1
        for widget in QApplication.topLevelWidgets() + (self._dock.window() or self._dock).findChildren(QWidget):
            if type(widget).__name__ == "NapariQtNotification":  # napari's word about Qt 5 covers the picture
                widget.close()
        path = str(self._folder / f"{self._number:02d}_{station.name}.png")
        if station.panel_only:
            self._dock.grab().save(path)
        else:
            self._viewer.window.screenshot(path, canvas_only=False, flash=False)

    def _wait(self, condition: Callable[[], bool]) -> None:
        """Let Qt work until `condition` has held for a while: what is painted then may ask for more, as thumbnails."""
        began = held_since = time.monotonic()
        while (now := time.monotonic()) - began < LONGEST_WAIT and now - held_since < 2 * SETTLING:
            QApplication.processEvents()
            if not condition():
                held_since = time.monotonic()
            time.sleep(0.02)


if __name__ == "__main__":
    raise SystemExit(main())
