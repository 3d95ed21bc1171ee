"""The labeler works by clusters: names and merges them, takes a label from some images, accepts what is sure together.

What is accepted together must be the proposals that were seen one by one before, and Backspace takes all of it away.
"""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest

from tests.e2e import mouse
from tests.e2e.correcting import fresh, shown_value
from tests.e2e.desk import Desk

BY_HAND = 5
"""Images of a cluster that a person accepts one by one before the rest may be accepted together."""
NAME = "my friends"
UNTOUCHED = ("todo", "skipped")
Seen = dict[str, np.ndarray]


def find(desk: Desk) -> str:
    """Find clusters; return the class with most images."""
    desk.look_at("Clusters")
    page = desk.dock.tabs.clusters
    mouse.write(page.count.lineEdit(), "2")
    mouse.click(page.find_button)
    desk.until(lambda: page.rows and not desk.session.jobs.all)
    classes = [page.class_box.itemData(row) for row in range(page.class_box.count())]
    members = {name: sum(name in one.labels for one in desk.diary.pages.values()) for name in classes}
    name = max(classes, key=members.__getitem__)
    mouse.pick(page.class_box, name)
    desk.until(lambda: not desk.session.jobs.all)
    assert sum(len(row.shown.members) for row in page.rows) == members[name]
    desk.shot("clusters")
    return name


def name_and_merge(desk: Desk) -> None:
    """Rename the largest cluster, merge all into it, take that back, merge again."""
    page = desk.dock.tabs.clusters
    mouse.write(page.rows[0].name, NAME)
    assert page.rows[0].name.text() == NAME
    several = len(page.rows)
    for time in range(2):
        for row in page.rows:
            mouse.click(row.pick)
        mouse.click(page.merge)
        assert len(page.rows) == 1
        if time == 0:
            mouse.click(page.undo)
            assert len(page.rows) == several
    assert page.rows[0].name.text() == NAME
    desk.check()


def thumbnail(desk: Desk, image_id: str, held: Qt.KeyboardModifier = mouse.NONE) -> None:
    """Click the thumbnail of an image in the first row."""
    row = desk.dock.tabs.clusters.rows[0]
    if row.all_shown.isVisible() and not row.all_shown.isChecked():
        mouse.click(row.all_shown)
    mouse.see(row.strip)
    box = row.strip.box_of(row.shown.members.index(image_id))
    parent = desk.dock.tabs.currentWidget()
    parent.ensureVisible(*_inside(row.strip, parent.widget(), box.center()))
    QTest.qWait(20)
    mouse.hit(row.strip, box.center(), held)


def _inside(part: object, page: object, where: QPoint) -> tuple[int, int]:
    found = part.mapTo(page, where)
    return found.x(), found.y()


def not_this_class(desk: Desk, name: str) -> None:
    """Select two untouched images and say that they are not of this class; bring one label back on its chip."""
    page = desk.dock.tabs.clusters
    members = page.rows[0].shown.members
    chosen = [one for one in members if desk.diary[one].state == "todo" and len(desk.diary[one].labels) > 1][-2:]
    thumbnail(desk, chosen[0])
    thumbnail(desk, chosen[1], Qt.KeyboardModifier.ShiftModifier)
    assert page.selection.ids == tuple(chosen)
    mouse.click(page.tools.wrong)
    for image_id in chosen:
        desk.diary[image_id].labels.discard(name)
    desk.until(lambda: not desk.session.jobs.all)
    assert not set(chosen) & set(page.rows[0].shown.members)
    desk.check()
    desk.go_to(chosen[0])
    assert desk.value_of(name) not in desk.proposal
    desk.add_label(name)
    desk.look_at("Clusters")
    desk.until(lambda: chosen[0] in page.rows[0].shown.members)


def own_parameters(desk: Desk) -> None:
    """Give the cluster a threshold of its own: its proposals follow, accepted masks do not."""
    page = desk.dock.tabs.clusters
    mouse.click(next(one for one in _buttons(page.rows[0]) if one.text() == "Parameters"))
    desk.arrive()
    refine = desk.dock.tabs.refine
    assert refine.scope.currentText().startswith("cluster")
    slider = refine.threshold.slider
    mouse.drag(slider.slider, 380)
    desk.settle()
    desk.diary.check_accepted_untouched()
    desk.shot("cluster_parameters")


def _buttons(row: object) -> list[object]:
    from qtpy.QtWidgets import QToolButton

    return row.findChildren(QToolButton)


def review_some(desk: Desk) -> Seen:
    """Review the cluster: paint in one and skip it, accept until five are, look at the others; return what was seen."""
    page = desk.dock.tabs.clusters
    desk.look_at("Clusters")
    row = page.rows[0]
    members = set(row.shown.members)
    mouse.click(next(one for one in _buttons(row) if one.text() == "Review"))
    assert set(desk.rows) == members
    desk.arrive()
    if desk.page.state not in UNTOUCHED:
        desk.go("U")
    spoilt = fresh(desk)
    desk.stroke(shown_value(desk), (44, 44), (48, 48), size=4)
    desk.skip()
    assert desk.diary[spoilt].draft is not None
    while sum(desk.diary[one].state == "accepted" for one in members) < BY_HAND:
        fresh(desk)
        desk.accept()
    seen: Seen = {}
    for image_id in desk.rows:
        if desk.diary[image_id].state in UNTOUCHED:
            desk.go_to(image_id)
            desk.settle()
            seen[image_id] = desk.proposal
    assert desk.search("") == sorted(desk.diary.pages)
    return {image_id: values for image_id, values in seen.items() if desk.diary[image_id].draft is None}


def accept_together(desk: Desk, seen: Seen) -> None:
    """Accept the sure ones in one step, take it back with Backspace, and accept fewer the second time."""
    page = desk.dock.tabs.clusters
    desk.look_at("Clusters")
    row = page.rows[0]
    mouse.click(row.accept_shown)
    desk.settle()
    accept = row.accept
    mouse.drag(accept.slider, 0)
    assert f"Would accept {len(seen)} of" in accept.remark.text(), accept.remark.text()
    desk.shot("batch")
    mouse.click(accept.accept)
    desk.settle()
    before = {image_id: desk.diary[image_id].state for image_id in seen}
    for image_id, values in seen.items():
        desk.diary.note_accepted(image_id, values, np.zeros(values.shape, bool))
    desk.diary.check_accepted_untouched()
    desk.arrive()

    desk.press("Backspace")
    for image_id in seen:
        page_ = desk.diary[image_id]
        page_.mask = page_.mask_person = None
        page_.state = before[image_id]
    desk.arrive()
    assert desk.image_id in seen
    desk.diary.check_accepted_untouched()
    _fewer(desk, row, seen)


def _fewer(desk: Desk, row: object, seen: Seen) -> None:
    """Drag the confidence up until fewer would be accepted, and accept these."""
    accept = row.accept
    for position in range(5, 100, 5):
        mouse.drag(accept.slider, position)
        count = int(accept.remark.text().split()[2])
        if 0 < count < len(seen):
            break
    mouse.click(accept.accept)
    desk.settle()
    done = [one for one in seen if desk.diary.file_of(one).exists()]
    assert len(done) == count
    for image_id in done:
        desk.diary.note_accepted(image_id, seen[image_id], np.zeros(seen[image_id].shape, bool))
    desk.arrive()
    desk.diary.check_accepted_untouched()


def work(desk: Desk) -> None:
    """Everything that is done on the Clusters page."""
    name = find(desk)
    name_and_merge(desk)
    not_this_class(desk, name)
    own_parameters(desk)
    accept_together(desk, review_some(desk))
