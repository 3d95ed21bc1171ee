"""Differences of accepted masks and the model are counted class by class."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_wsss.core.classes import ClassList
from napari_wsss.session.models.disagreement import differences_of
from napari_wsss.session.models.second_masks import Second
from tests.session.conftest import Sitting

CLASSES = ClassList(("red", "green"))


@given(st.integers(0, 10**6))
def test_each_class_is_one_minus_its_iou(seed: int) -> None:
    random = np.random.default_rng(seed)
    accepted = random.choice(np.array([0, 1, 2, 255], np.uint8), (7, 9))
    proposal = random.choice(np.array([0, 1, 2], np.uint8), (7, 9))
    counted = accepted != 255
    for one in differences_of("a.png", accepted, proposal, CLASSES):
        value = CLASSES.mask_value(one.class_name)
        mine, models = (accepted == value) & counted, (proposal == value) & counted
        assert one.share == pytest.approx(1 - (mine & models).sum() / (mine | models).sum())
        assert one.missed == pytest.approx((mine & ~models).mean())
        assert one.added == pytest.approx((models & ~mine).mean())


def test_the_largest_comes_first_and_is_of_the_present_model(model_folder: Path, tmp_path: Path) -> None:
    sitting = Sitting(tmp_path / "config")
    session = sitting.session
    session.open_project(model_folder)
    session.inference.start()
    sitting.settle()
    first = session.table.image_id
    sitting.accept()  # the proposal as it is
    second = session.table.image_id
    sitting.paint(2, slice(0, 24), slice(0, 32))
    assert sitting.accept(and_next=False)
    sitting.settle()
    assert session.disagreement.measure()
    sitting.settle()
    found = session.disagreement.found
    assert found[0].image_id == second
    assert found[0].share > 0.5
    assert all(one.share == 0 for one in found if one.image_id == first)
    assert next(iter(session.disagreement.by_class())) == found[0].class_name
    session.navigation.set_order("differs")
    assert session.queue.at(0) == second
    assert session.disagreement.by_image()[second] == found[0].share
    first_again = session.disagreement.by_image().get(first)
    assert first_again in (None, 0)
    session.navigation.go_to(first)
    sitting.paint(2, slice(0, 24), slice(0, 32))
    assert sitting.accept(and_next=False)
    sitting.settle()
    assert session.disagreement.measure()
    sitting.settle()
    assert {session.queue.at(0), session.queue.at(1)} == {first, second}  # the order follows what is measured
    session.close_project()
    assert session.disagreement.found == ()


def test_what_was_found_of_one_second_is_never_shown_as_of_another(computed: Sitting, tmp_path: Path) -> None:
    session, failures = computed.session, []
    session.signals.failed.connect(failures.append)
    for _ in range(2):
        session.decisions.accept()
    session.disagreement.measure()
    computed.settle()
    assert session.disagreement.measured
    session.disagreement.measure(Second(tmp_path))  # no project
    assert (session.disagreement.found, session.disagreement.measured, session.queue.differs) == ((), False, {})
    computed.settle()
    assert failures
    assert not session.disagreement.measured
