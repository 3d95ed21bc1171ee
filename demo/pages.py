"""``python -m demo.pages --project DIR --screenshots DIR``: every page of the panel, in both themes, at two sizes.

The pictures are for looking at: is a text cut, does a page ask for room it has not got, are colours readable? What can
be said without eyes is said: pages that scroll sideways are named, and the command ends with 1.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import napari
from qtpy.QtWidgets import QAbstractScrollArea, QApplication, QWidget

from napari_wsss.widgets.controls.stubs import certain
from napari_wsss.widgets.dock import WsssDock, open_dock
from napari_wsss.widgets.pages import PAGES

THEMES = ("dark", "light")
SIZES = ((1280, 720), (1920, 1080))
SETTLING = 0.6  # seconds in which Qt lays out and paints


def main(arguments: list[str] | None = None) -> int:
    """Write the pictures; return 0 where no page scrolls sideways."""
    parser = argparse.ArgumentParser(prog="python -m demo.pages", description=__doc__)
    parser.add_argument("--project", type=Path, required=True, help="project folder; it is opened for changes")
    parser.add_argument("--screenshots", type=Path, required=True, help="write the pictures here")
    options = parser.parse_args(arguments)
    options.screenshots.mkdir(parents=True, exist_ok=True)
    viewer = napari.Viewer(title="napari-wsss", show=False)
    before = viewer.theme
    dock = open_dock(viewer)
    viewer.window.show()
    dock.open_project(options.project)
    try:
        problems = list(shoot(viewer, dock, options.screenshots))
    finally:
        viewer.theme = before
        dock.shut_down()
        viewer.close()
    sys.stdout.write("".join(f"{problem}\n" for problem in problems) or "No page scrolls sideways.\n")
    return 1 if problems else 0


def shoot(viewer: napari.Viewer, dock: WsssDock, folder: Path) -> Iterator[str]:
    """Write ``<page>_<theme>_<width>_<part>.png`` of every page, scrolled on for each part, and of the key list.

    Yields
    ------
    str
        What is wrong with one, as a sentence.
    """
    for theme in THEMES:
        viewer.theme = theme
        for width, height in SIZES:
            viewer.window.resize(width, height)
            for page in PAGES:
                dock.tabs.bring(page)
                settle(dock)
                bar = certain(dock.tabs.front.verticalScrollBar())
                for part in range(1 + -(-bar.maximum() // max(bar.pageStep(), 1))):
                    bar.setValue(part * bar.pageStep())
                    photograph(viewer, dock, folder / f"{page.lower()}_{theme}_{width}_{part + 1}.png")
                    for area in sideways(dock):
                        yield f"{page} at {width}x{height} ({theme}): {area} scrolls sideways"
                bar.setValue(0)
            dock.key_help.open()
            settle(dock)
            photograph(viewer, dock, folder / f"keys_{theme}_{width}_1.png")
            dock.key_help.close()


def photograph(viewer: napari.Viewer, dock: WsssDock, path: Path) -> None:
    """Write a picture of the whole window."""
    close_notifications(dock)
    QApplication.processEvents()
    viewer.window.screenshot(str(path), canvas_only=False, flash=False)


def sideways(dock: WsssDock) -> list[str]:
    """Return what is seen of the panel and has a horizontal scroll bar."""
    areas = dock.findChildren(QAbstractScrollArea)
    found = [area for area in areas if area.isVisible() and (bar := area.horizontalScrollBar()) and bar.isVisible()]
    return [type(area).__name__ for area in found]


def settle(dock: WsssDock, longest: float = 30.0) -> None:
    """Let Qt work until no job is left, at least long enough to paint."""
    began = time.monotonic()
    quiet = began + SETTLING
    while time.monotonic() < quiet or (dock.session.jobs.all and time.monotonic() - began < longest):
        QApplication.processEvents()
        time.sleep(0.02)


def close_notifications(dock: WsssDock) -> None:
    """Take napari's own words away, which cover the picture."""
    for widget in QApplication.topLevelWidgets() + (dock.window() or dock).findChildren(QWidget):
        if type(widget).__name__ == "NapariQtNotification":
            widget.close()


if __name__ == "__main__":
    raise SystemExit(main())
