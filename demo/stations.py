"""What the demonstration shows: one small function per picture, each done with the dock as a person would.

A new page of the dock gets its picture by one function and one line in `STATIONS`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from napari_wsss.core.classes import BACKGROUND
from napari_wsss.session.review.last_decisions import last_decisions
from napari_wsss.widgets.dock import WsssDock
from napari_wsss.widgets.filmstrip_dock import strip_of

CLUSTERS = 3


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


def scribble(dock: WsssDock) -> None:
    """Scribble once on each labelled class and once on the background, and make a mask of it."""
    session, tool = dock.session, dock.sync.scribbles
    table = session.shown_table
    if table is None or table.maps is None or not table.maps.classes:
        return
    tool.choose(True)
    layer, scores = tool.layer, table.maps.scores
    assert layer is not None  # chosen just now
    values = [table.classes.mask_value(table.classes.names[index]) for index in table.maps.classes]
    places = [int(score.argmax()) for score in scores]
    for value, place in zip([*values, BACKGROUND], [*places, int(scores.max(0).argmin())], strict=True):
        dock.sync.choose_value(value)
        row, column = np.unravel_index(place, scores.shape[1:])
        with layer.block_history():
            for step in range(-8, 9):
                across = min(max(column + step, 4), scores.shape[2] - 4)
                layer.paint((row, across), layer.selected_label)
    dock.actions_.run("propagate")


def correct(dock: WsssDock) -> None:
    """Copy the proposal and paint a stroke over it."""
    dock.sync.scribbles.choose(False)
    mask, session = dock.sync.mask, dock.session
    table = session.shown_table
    if mask is None or table is None:
        return
    if table.proposal is not None:
        dock.actions_.run("copy_all")
    named = sorted(table.record.labels) or table.classes.names
    dock.sync.choose_value(table.classes.mask_value(named[0]))
    mask.mode = "paint"
    height, width = mask.data.shape
    mask.brush_size = max(4, height // 16)
    with mask.block_history():
        for share in np.linspace(0.35, 0.65, 24):
            mask.paint((height * 0.55, width * share), dock.sync.value)
    dock.sync.flush()


def look_first(dock: WsssDock) -> None:
    """Ask what an export would write."""
    dock.tabs.export.look.click()


def accept(dock: WsssDock) -> None:
    """Accept, with the key."""
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
    Station("scribbles", "Correct", scribble),
    Station("corrected", "Review", correct),
    Station("accepted", "Review", accept, panel_only=True),
    Station("difference", "Review", show_difference),
    Station("clusters", "Clusters", find_clusters, panel_only=True),
    Station("train", "Train", panel_only=True),
    Station("statistics", "Stats", panel_only=True),
    Station("export", "Export", look_first, panel_only=True),
    Station("keys", "Review", show_keys, panel_only=True),
)
