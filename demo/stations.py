"""What the demonstration shows: one small function per picture, each done with the dock as a person would.

A new page of the dock gets its picture by one function and one line in `STATIONS`.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from qtpy.QtWidgets import QApplication

from napari_wsss.core.classes import BACKGROUND
from napari_wsss.core.masks import read_mask
from napari_wsss.session.correct.propagation import mask_so_far
from napari_wsss.session.review.last_decisions import last_decisions
from napari_wsss.session.table.table import Table
from napari_wsss.widgets.dock import WsssDock
from napari_wsss.widgets.filmstrip_dock import strip_of
from training.economy.clicking import next_click, targets_in
from training.economy.things import deepest, things

CLUSTERS = 3
GOOD, CLICKS, THINGS, LEAST = 0.92, 8, 6, 0.002
"""When the mask of a thing is good enough, clicks at most on each; how many things at most, and from which share on."""
PATIENCE = 20.0


def nothing(dock: WsssDock) -> None:
    """Look at the page as it is."""


@dataclass(frozen=True)
class Station:
    """One picture.

    Parameters
    ----------
    name : str
        Of the picture's file.
    page : str
        Tab that is in front.
    act : callable
        What is done with the dock before.
    panel_only : bool
        Whether the picture is of the dock alone, not of the window.
    """

    name: str
    page: str
    act: Callable[[WsssDock], None] = nothing
    panel_only: bool = False


def hide_filmstrip(dock: WsssDock) -> None:
    """Give the room below the image back."""
    strip = strip_of(dock.viewer)
    if strip is not None and strip.isVisible():
        dock.tabs.review.queue.strip.click()


def show_filmstrip(dock: WsssDock) -> None:
    """Open the filmstrip below the image."""
    if strip_of(dock.viewer) is None:
        dock.tabs.review.queue.strip.click()


def move_threshold(dock: WsssDock) -> None:
    """Lower the background threshold with the key."""
    hide_filmstrip(dock)
    if dock.session.shown_table is not None and dock.session.shown_table.maps is not None:
        dock.actions_.run("threshold_down")


def seen(table: Table) -> NDArray[np.uint8]:
    """Return what a person sees in the picture: the sample's exact mask (H, W) uint8, elsewhere what is proposed."""
    name = f"{table.image_id.rpartition('.')[0]}.png"
    exact = table.project.images_root.parent / "SegmentationClass" / name
    if exact.exists():
        return read_mask(exact)
    return table.proposal if table.proposal is not None else table.mask


def point(dock: WsssDock) -> None:
    """Point at each thing, where its mask is most wrong, until it is good enough."""
    session, table = dock.session, dock.session.shown_table
    if table is None:
        return
    if not dock.sync.pointing.is_on:
        dock.actions_.run("point")
    values = [table.classes.mask_value(name) for name in table.record.labels]
    for target in targets_in(table.image_id, seen(table), values, THINGS, LEAST):
        dock.sync.choose_value(target.value)
        for _ in range(CLICKS):
            overlap, click = next_click(target, mask_so_far(table))
            if click is None or overlap >= GOOD or not session.pointing.click(click, target.value):
                break
            let_work(lambda: not session.pointing.busy)
        session.pointing.end()


def let_work(is_done: Callable[[], bool]) -> None:
    """Let Qt work until something is so, for a while at most."""
    until = time.monotonic() + PATIENCE
    while not is_done() and time.monotonic() < until:
        QApplication.processEvents()
        time.sleep(0.005)


def scribble(dock: WsssDock) -> None:
    """Scribble once on each thing and once on the background, and make a mask of it."""
    tool, table = dock.sync.scribbles, dock.session.shown_table
    if table is None:
        return
    tool.choose(True)
    layer = tool.layer
    assert layer is not None  # chosen just now
    for value, row, columns in lines(seen(table)):
        dock.sync.choose_value(value)
        with layer.block_history():
            for column in columns:
                layer.paint((row, column), layer.selected_label)
    dock.actions_.run("propagate")


def lines(mask: NDArray[np.uint8]) -> Iterator[tuple[int, int, range]]:
    """Yield mask value, row and columns of a line through the middle of each thing, and of one on the background."""
    for value, region in (*things(mask), (BACKGROUND, mask == BACKGROUND)):
        if region.any():
            row, column, _ = deepest(region)
            before, after = region[row, :column][::-1], region[row, column:]
            left, right = (int(side.argmin()) if not side.all() else len(side) for side in (before, after))
            yield value, row, range(column - left * 2 // 3, column + right * 2 // 3)


def look_at_result(dock: WsssDock) -> None:
    """Put the tool away and look at the mask as a whole."""
    dock.sync.pointing.put_away()
    dock.sync.flush()


def look_first(dock: WsssDock) -> None:
    """Ask what an export would write."""
    dock.tabs.export.look.click()


def accept(dock: WsssDock) -> None:
    """Accept, with the key; the next image comes."""
    dock.actions_.run("accept")


def find_clusters(dock: WsssDock) -> None:
    """Look for clusters where there are none yet."""
    end_difference(dock)
    if dock.session.gallery.clusters is None:
        dock.session.gallery.find(CLUSTERS)


def show_difference(dock: WsssDock) -> None:
    """Go back to the mask that was just accepted, and look at where the model disagrees."""
    project = dock.session.project
    accepted = [one.image_id for one in last_decisions(project) if one.state == "accepted"] if project else []
    if accepted:
        dock.session.navigation.go_to(accepted[0])
        dock.session.comparison.show("difference")


def end_difference(dock: WsssDock) -> None:
    """Look at the image again."""
    dock.session.comparison.show("")


def show_keys(dock: WsssDock) -> None:
    """Open the list of keys."""
    dock.key_help.open()


STATIONS = (
    Station("project", "Project", panel_only=True),
    Station("review", "Review", show_filmstrip),
    Station("refine", "Refine", move_threshold, panel_only=True),
    Station("pointed", "Correct", point),
    Station("window", "Review", look_at_result),
    Station("accepted", "Review", accept, panel_only=True),
    Station("scribbles", "Correct", scribble),
    Station("difference", "Review", show_difference),
    Station("clusters", "Clusters", find_clusters, panel_only=True),
    Station("train", "Train", panel_only=True),
    Station("statistics", "Stats", panel_only=True),
    Station("export", "Export", look_first, panel_only=True),
    Station("keys", "Review", show_keys, panel_only=True),
)
