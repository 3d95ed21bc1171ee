"""``python -m tests.benchmarks.first_opening``: CPU seconds of the panel's first opening, in a napari that is shown."""

from __future__ import annotations

import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import napari
from qtpy.QtWidgets import QApplication


def main() -> int:
    """Print what importing, building, docking and painting the panel cost; return 0."""
    viewer = napari.Viewer()
    paint(0.5)
    marks = [time.process_time()]
    from napari_wsss.session.session import Session
    from napari_wsss.widgets.dock import DOCK_NAME, WsssDock

    marks.append(time.process_time())
    dock = WsssDock(viewer, Session(config_folder=Path(tempfile.mkdtemp())))
    marks.append(time.process_time())
    viewer.window.add_dock_widget(dock, name=DOCK_NAME, area="right", add_vertical_stretch=False)
    paint(0.2)
    marks.append(time.process_time())
    spent = [after - before for before, after in pairwise(marks)]
    names = ("import", "build", "dock and paint")
    parts = [f"{name} {seconds:.2f} s" for name, seconds in zip(names, spent, strict=True)]
    sys.stdout.write(f"{', '.join(parts)}; together {sum(spent):.2f} s; pages made: {', '.join(dock.tabs.made)}\n")
    dock.shut_down()
    viewer.close()
    return 0


def paint(seconds: float) -> None:
    """Let Qt lay out and paint."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        QApplication.processEvents()


if __name__ == "__main__":
    raise SystemExit(main())
