"""The labeler corrects: every way from a proposal to an accepted mask, and every way back."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

import numpy as np
from qtpy.QtWidgets import QToolButton

from tests.e2e import mouse
from tests.e2e.desk import Desk, distance_to
from tests.e2e.diary import Page


def fresh(desk: Desk, wish: Callable[[Page], bool] = lambda page: True) -> str:
    """Go to the first image of the queue that nobody has touched and that fits a wish."""
    found = next(one for one in desk.rows if desk.diary[one].state == "todo" and wish(desk.diary[one]))
    if found != desk.image_id:
        desk.go_to(found)
    desk.until(lambda: not desk.session.jobs.all)
    return found


def shown_value(desk: Desk) -> int:
    """Return the mask value of one of the image's classes that is proposed somewhere, else of its first class."""
    values = sorted(desk.value_of(name) for name in desk.page.labels)
    return next((value for value in values if (desk.proposal == value).any()), values[0])


def work(desk: Desk) -> None:
    """Correct the first dozen images."""
    for part in (
        strokes,
        as_proposed,
        decisions,
        by_threshold,
        by_gain,
        by_preset,
        with_labels,
        with_scribbles,
        little,
        taken_back,
        three_back,
        draft,
    ):
        part(desk)
        desk.diary.check_accepted_untouched()


def strokes(desk: Desk) -> None:
    """Copy everything, paint over it, take back, make again, accept."""
    fresh(desk)
    desk.copy_all()
    desk.check()
    value = shown_value(desk)
    desk.stroke(value, (30, 10), (30, 60))
    desk.stroke(0, (34, 20), (60, 20), size=9)
    desk.stroke(255, (80, 5), (80, 90), size=3)
    desk.check()
    desk.undo()
    desk.undo()
    desk.redo()
    desk.undo()
    desk.undo()
    desk.undo()  # the copied proposal too
    assert not desk.layer.data.any()
    for _ in range(3):
        desk.redo()
    desk.undo()
    desk.stroke_again(255, (86, 30), (86, 70))  # at once, within the moment in which undo is noted
    desk.undo()
    desk.undo()
    desk.undo()
    desk.redo()  # what the machine made stays the machine's, also when a stroke follows at once
    desk.stroke_again(255, (88, 30), (88, 70))
    desk.check()
    desk.shot("corrected")
    desk.accept()


def as_proposed(desk: Desk) -> None:
    """Accept what is proposed, by the button of the footer."""
    fresh(desk)
    desk.accept(by=lambda: mouse.click(desk.dock.footer.accept))


def decisions(desk: Desk) -> None:
    """Skip one; flag another and write a note."""
    fresh(desk)
    desk.skip()
    image_id = fresh(desk)
    desk.flag()
    desk.write_note("whose legs are these?")
    desk.go("D")
    desk.go("A")
    assert desk.image_id == image_id
    assert desk.dock.tabs.review.note.text() == "whose legs are these?"
    desk.go("D")


def by_threshold(desk: Desk) -> None:
    """Drag the threshold until the proposal is right, and accept that."""
    fresh(desk)
    desk.look_at("Refine")
    slider = desk.dock.tabs.refine.threshold.slider
    before = desk.proposal
    for position in (700, 150, 450):
        mouse.drag(slider.slider, position)
        desk.settle()
    assert abs(slider.value - 0.45) < 0.03
    assert (desk.proposal != before).any()
    desk.press(",", ",", ".")
    desk.settle()
    desk.shot("threshold")
    mouse.click(desk.dock.tabs.refine.spread)
    desk.settle()
    chosen = slider.value
    desk.accept()
    assert slider.value == chosen  # used for all undecided images


def by_gain(desk: Desk) -> None:
    """Give a class more, copy it alone, paint background."""
    fresh(desk)
    desk.look_at("Refine")
    name, slider = next(iter(desk.dock.tabs.refine.gains.sliders.items()))
    value, before = desk.value_of(name), (desk.proposal == desk.value_of(name)).sum()
    mouse.drag(slider.slider, 900)
    desk.settle()
    assert slider.value > 2
    assert (desk.proposal == value).sum() >= before
    desk.copy_class(value)
    desk.stroke(0, (48, 10), (48, 80), size=4)
    desk.copy_into_empty()
    assert (desk.layer.data[48, 14:76] == 0).all()
    desk.check()
    desk.accept()


def by_preset(desk: Desk) -> None:
    """Take a preset for this image, type a parameter of a refiner, fill, draw a polygon of what nobody can tell."""
    fresh(desk)
    desk.look_at("Refine")
    page = desk.dock.tabs.refine
    mouse.pick(page.preset, "crisp")
    desk.settle()
    crisp = desk.proposal
    mouse.pick(page.preset, "soft")
    desk.settle()
    mouse.click(page.undo)
    desk.settle()
    np.testing.assert_array_equal(desk.proposal, crisp)
    assert page.preset.currentData() == "crisp"
    typed_parameter(desk)
    desk.copy_all()
    value = shown_value(desk)
    corner = (2, 2)
    desk.stroke(value, (20, 0), (20, 20), size=3)
    desk.stroke(value, (0, 20), (20, 20), size=3)
    desk.fill(value, corner)
    desk.polygon(255, [(60, 60), (60, 85), (85, 85), (85, 60)])
    desk.undo()
    desk.redo()
    desk.check()
    desk.accept()


def typed_parameter(desk: Desk) -> None:
    """Type a parameter of a refiner for this image, forget it by the arrow, and take the forgetting back."""
    page = desk.dock.tabs.refine
    form, before = next(iter(page.forms.values())), desk.proposal
    line = form.fields[next(iter(form.fields))].native.lineEdit()
    mouse.write(line, "0.9")
    line.clearFocus()
    desk.settle()
    typed = desk.proposal
    assert (typed != before).any()
    mouse.click(next(one for one in form.findChildren(QToolButton) if one.text() == "↺"))
    desk.settle()
    assert (desk.proposal != typed).any()
    mouse.click(page.undo)
    desk.settle()
    np.testing.assert_array_equal(desk.proposal, typed)


def with_labels(desk: Desk) -> None:
    """Take a label away, with its pixels; bring both back; take it away again; add one."""
    fresh(desk, lambda page: len(page.labels) > 1)
    desk.copy_all()
    name = min(desk.page.labels)
    value = desk.value_of(name)
    desk.stroke(value, (70, 20), (70, 70))
    desk.remove_label(name)
    desk.shot("label_removed")
    desk.page.labels.add(name)
    desk.undo()
    desk.until(lambda: desk.chips == desk.page.labels and not desk.session.jobs.all)
    desk.check()
    desk.remove_label(name)
    desk.until(lambda: not desk.session.jobs.all)
    other = next(one for one in desk.session.table.classes.names if one not in desk.page.labels and one != name)
    desk.add_label(other)
    desk.copy_class(desk.value_of(other))
    desk.accept()


def with_scribbles(desk: Desk) -> None:
    """Scribble, propagate, clean up with a look before, accept."""
    image_id = fresh(desk)
    value = shown_value(desk)
    desk.look_at("Correct")
    box = desk.dock.tabs.correct.propagate
    mouse.click(box.scribble)
    lines = [(value, (40, 30), (40, 60)), (0, (6, 6), (6, 80))]
    for painted, start, end in lines:
        desk.press(desk.key_of(painted))
        desk.brush(3)
        desk.hands.stroke(start, end)
    assert "Scribbled" in box.said.text()
    desk.press("R")
    desk.until(lambda: (desk.layer.data != desk.now).any() and not desk.session.jobs.all)
    desk.did()
    for painted, start, end in lines:
        assert (desk.now[distance_to(start, end, desk.now.shape) < 0.5] == painted).all()
    desk.shot("propagated")
    desk.press("O")
    assert desk.painted is desk.layer
    desk.stroke(value, (86, 86), (88, 88), size=3)
    clean_up(desk)
    desk.accept()
    desk.go_to(image_id)
    desk.look_at("Correct")
    assert box.said.text().startswith("Nothing scribbled")


def clean_up(desk: Desk) -> None:
    """Drag the sliders, look at the outlines, apply; what was painted stays."""
    box = desk.dock.tabs.correct.cleanup
    mouse.drag(box.sliders["smallest"], 12)
    mouse.drag(box.sliders["hole"], 10)
    mouse.drag(box.sliders["smooth"], 8)
    # The first slider alone may have been looked at already, and change nothing.
    desk.until(lambda: box.apply.isEnabled() and not desk.session.jobs.all)
    desk.check()  # only looked at
    desk.shot("clean_up")
    told = int("".join(letter for letter in box.outcome.text().split("px")[0] if letter.isdigit()))
    mouse.click(box.apply)
    assert (desk.layer.data == desk.now)[desk.person].all()
    changed = desk.did()
    assert changed.sum() == told
    desk.undo()
    desk.redo()
    desk.check()


def little(desk: Desk) -> None:
    """Paint a little and accept without the proposal: asked once, then it is what counts."""
    fresh(desk, lambda page: bool(page.labels))
    value = shown_value(desk)
    desk.stroke(value, (10, 10), (10, 16), size=3)
    much = (desk.proposal > 0).sum() > 200
    desk.accept(asked_twice=bool(much))


def taken_back(desk: Desk) -> None:
    """Accept, take it back, skip it; accept painted work, take that back, paint on, accept."""
    image_id = fresh(desk)
    desk.accept()
    page = desk.diary[image_id]
    page.mask = page.mask_person = None
    page.state = "todo"
    assert desk.undo_decision() == image_id
    assert not desk.layer.data.any()
    assert not desk.diary.file_of(image_id).exists()
    desk.skip()
    image_id = fresh(desk)
    desk.copy_all()
    desk.stroke(shown_value(desk), (50, 10), (50, 70))
    desk.accept()
    page = desk.diary[image_id]
    page.draft, page.draft_person, page.state = page.mask, page.mask_person, "draft"
    page.mask = page.mask_person = None
    assert desk.undo_decision(key=False) == image_id
    desk.stroke(0, (55, 10), (55, 70), size=3)
    desk.accept()


def three_back(desk: Desk) -> None:
    """Skip one, flag a painted one, accept one; take all three back, the last one first."""
    fresh(desk)
    before = []
    for decide in (desk.skip, desk.flag, desk.accept):
        if decide == desk.accept:
            desk.go("U")
        if decide == desk.flag:
            desk.stroke(shown_value(desk), (62, 20), (62, 40), size=4)
        before.append((desk.image_id, deepcopy(desk.page)))
        decide()
    for image_id, page in reversed(before):
        desk.diary.pages[image_id] = page
        assert desk.undo_decision() == image_id
        desk.diary.check_accepted_untouched()
    (flagged, _) = before[1]
    desk.go_to(flagged)
    assert desk.page.state == "draft"
    desk.copy_all()
    desk.accept()


def draft(desk: Desk) -> None:
    """Leave an image unfinished, go round, come back to it."""
    image_id = fresh(desk)
    desk.stroke(shown_value(desk), (40, 40), (60, 60), size=8)
    desk.stroke(255, (20, 40), (20, 60), size=4)
    desk.go("D")
    desk.go("U")
    while desk.image_id != image_id:
        desk.go("Shift-U")
    assert desk.diary[image_id].state == "draft"
