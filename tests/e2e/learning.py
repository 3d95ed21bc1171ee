"""The labeler hands a correction on, trains again, looks at what changed, and at how far the work is.

Nothing of it may touch an accepted mask: their files are compared after each step.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from tests.e2e import mouse
from tests.e2e.desk import Desk
from tests.e2e.diary import read_png, table_of
from tests.e2e.grouping import UNTOUCHED, thumbnail

NEIGHBOURS = 3
LEFT_ALONE = 2
"""Images that stay as they are in the end: the batch in which they were accepted was taken back."""


def hand_on(desk: Desk) -> None:
    """Propose a correction for images like it; accept one as proposed, give another its own proposal back."""
    desk.look_at("Clusters")
    page = desk.dock.tabs.clusters
    members = page.rows[0].shown.members
    source = next(one for one in members if is_painted(desk, one))
    thumbnail(desk, source)
    mouse.write(page.tools.count.lineEdit(), str(NEIGHBOURS))
    mouse.click(page.tools.borrow)
    desk.until(lambda: page.borrowed.isVisible() and not desk.session.jobs.all)
    desk.shot("proposed_for_others")
    mouse.click(page.borrowed)
    desk.arrive()
    rows = desk.rows
    assert 0 < len(rows) <= NEIGHBOURS
    assert all(desk.diary[one].state in UNTOUCHED for one in rows)
    assert f"from {source}" in desk.dock.header.why.text()
    assert desk.page.state in UNTOUCHED
    done = desk.accept()
    assert [one["from_image"] for one in table_of(desk.diary.file_of(done))] == [source]
    if len(rows) > 1:
        desk.go_to(next(one for one in rows if one != done))
        mouse.click(desk.dock.tabs.review.cluster_line.own)
        desk.settle()
        assert f"from {source}" not in desk.dock.header.why.text()
    desk.search("")
    desk.diary.check_accepted_untouched()


def is_painted(desk: Desk, image_id: str) -> bool:
    """Return whether an image has an accepted mask that was drawn by hand, at least in part."""
    page = desk.diary[image_id]
    return page.state == "accepted" and bool(page.mask_person.any())


def train_again(desk: Desk, options: dict[str, object]) -> None:
    """Train with the accepted masks and go on correcting meanwhile; apply what was learned."""
    desk.train(lambda: on_the_side(desk), **{**options, "epochs": 12, "seed": 5, "labels_from_masks": True})
    desk.diary.check_accepted_untouched()
    desk.check()
    shown = desk.image_id
    desk.look_at("Train")
    desk.apply()
    assert desk.image_id == shown
    desk.check()
    desk.diary.check_accepted_untouched()
    desk.shot("applied_again")


def on_the_side(desk: Desk) -> None:
    """Correct and accept an image while a training runs."""
    assert desk.session.training.running
    desk.go_to(next(one for one in desk.rows if desk.diary[one].state == "todo"))
    desk.copy_all()
    desk.stroke(0, (15, 10), (15, 60), size=4)
    desk.undo()
    desk.redo()
    desk.accept()


def what_changed(desk: Desk) -> None:
    """Sort by what changed; look at after, before and difference; painting ends the comparison; accept."""
    rows = desk.order("changed")
    assert sorted(rows) == sorted(desk.diary.pages)
    desk.go_to(rows[0])
    assert desk.page.state in (*UNTOUCHED, "draft")
    assert "changed" in desk.dock.header.why.text()
    for word in ("After", "Before", "Difference"):
        desk.press("B")
        desk.until(lambda word=word: desk.status.startswith(word))
        assert "comparison" in desk.viewer.layers
        desk.shot(f"comparing_{word}")
    desk.press("B")
    desk.until(lambda: "comparison" not in desk.viewer.layers)
    desk.press("B")
    desk.until(lambda: "comparison" in desk.viewer.layers)
    value = min(desk.value_of(name) for name in desk.page.labels)
    desk.copy_all()
    desk.stroke(value, (12, 12), (12, 50), size=5)
    assert "comparison" not in desk.viewer.layers
    desk.undo()
    desk.redo()
    desk.accept()
    desk.order("file")


def whose_pixels(desk: Desk) -> None:
    """Look at who made which pixel of a mask that was painted by hand in part."""
    desk.go_to(next(one for one in desk.diary.of("accepted") if is_painted(desk, one)))
    box = desk.dock.tabs.review.provenance
    mouse.click(box.switch)
    desk.until(lambda: "provenance" in desk.viewer.layers)
    legend = " ".join(box.lines.itemAt(line).widget().text() for line in range(box.lines.count()))
    assert "you" in legend
    shown = np.asarray(desk.viewer.layers["provenance"].data)
    np.testing.assert_array_equal(shown == 1, desk.page.mask_person)
    desk.shot("provenance")
    mouse.click(box.switch)
    desk.until(lambda: "provenance" not in desk.viewer.layers)


def leave_some(desk: Desk) -> None:
    """Edit an accepted mask and leave it as a draft; flag a painted one; exclude one."""
    accepted = [one for one in desk.diary.of("accepted") if is_painted(desk, one)]
    desk.go_to(accepted[0])
    desk.stroke(255, (90, 5), (90, 60), size=3)
    assert desk.diary[accepted[0]].mask is not None
    untouched = [one for one in desk.diary.of("todo") if desk.diary[one].draft is None]
    if len(untouched) > 1:
        desk.go_to(untouched[0])
        desk.stroke(0, (20, 20), (20, 40), size=3)
        desk.stroke(255, (24, 20), (24, 40), size=3)
        desk.flag()
        desk.go_to(untouched[1])
        excluded = desk.image_id
        desk.look_at("Review")
        mouse.click(desk.dock.tabs.review.exclude)
        desk.diary[excluded].state = "excluded"
        desk.arrive()


def look_around(desk: Desk) -> None:
    """Hold keys to see proposal or image alone, zoom to unsure places, go through the classes: nothing changes."""
    seen = [layer.visible for layer in desk.viewer.layers]
    for key, alone in (("C", "proposal"), ("H", "image")):
        desk.hands.hold(key)
        assert desk.viewer.layers[alone].visible
        assert not desk.layer.visible
        desk.hands.let_go(key)
        assert [layer.visible for layer in desk.viewer.layers] == seen
    desk.press("J", "J", "Ctrl-R", "T", "T", "K", "K")
    desk.check()


def the_rest(desk: Desk) -> None:
    """Accept what is left, as proposed or with a stroke, but for the images that are left alone."""
    for number, image_id in enumerate(sorted(desk.diary.of("todo"))[LEFT_ALONE:]):
        desk.go_to(image_id)
        desk.settle()
        if number % 2:
            desk.copy_all()
            desk.stroke(0, (5, 5), (5, 50), size=4)
        desk.accept()


def statistics(desk: Desk) -> None:
    """Compare the figures with the diary and save them as a picture."""
    desk.look_at("Stats")
    page = desk.dock.tabs.statistics
    included = [one for one in desk.diary.pages.values() if one.state != "excluded"]
    wanted = f"{len(desk.diary.of('accepted'))} of {len(included)}"
    desk.until(lambda: wanted in page.summary.text())
    path = Path(desk.diary.folder).parent / "statistics.png"
    mouse.save_as(path)
    mouse.click(page.save_picture)
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        assert min(picture.size) > 200
    desk.shot("statistics")


def work(desk: Desk, options: dict[str, object]) -> None:
    """Everything from handing a correction on to the figures."""
    hand_on(desk)
    train_again(desk, options)
    what_changed(desk)
    whose_pixels(desk)
    look_around(desk)
    leave_some(desk)
    the_rest(desk)
    statistics(desk)
    for image_id in desk.diary.of("accepted"):
        assert read_png(desk.diary.file_of(image_id))[0].shape == desk.diary[image_id].mask.shape
