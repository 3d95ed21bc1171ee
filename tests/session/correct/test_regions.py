"""Whole regions get a class: superpixels or somebody's instances, one step, a person's pixels left alone."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from tests.promptable.tiny_pair import write_pair

RED, GREEN = np.s_[6:18, 4:14], np.s_[8:16, 20:28]


@pytest.fixture
def regions(computed):
    computed.session.regions.want(True)
    computed.settle()
    return computed.session.regions


@pytest.fixture
def instances(tmp_path):
    numbers = np.zeros((24, 32), np.uint16)
    numbers[GREEN], numbers[RED] = 700, 701
    folder = tmp_path / "instances"
    folder.mkdir()
    Image.fromarray(numbers).save(folder / "p0.png")
    return folder


def test_superpixels_are_there_while_they_are_wanted(computed, regions):
    assert regions.numbers.min() == 1
    assert regions.numbers.shape == (24, 32)
    first = regions.numbers
    computed.session.navigation.next()
    computed.settle()
    assert regions.numbers is not first
    regions.want(False)
    assert regions.numbers is None


def test_a_click_and_a_drag_give_whole_regions(computed, regions, instances):
    regions.use("instances", instances)
    computed.settle()
    computed.paint(2, slice(8, 10), slice(20, 22))
    assert regions.give([(12, 24)], 3)
    mask = computed.session.table.mask
    assert (mask[GREEN] == 3).mean() > 0.9
    assert (mask[8:10, 20:22] == 2).all()
    assert regions.give([(12, 8), (12, 16), (12, 24)], 0)
    assert not computed.session.table.mask[RED].any()
    assert not regions.give([(0, 0)], 1)
    assert "no region" in computed.notices[-1]


def test_all_that_look_alike_go_with_it_in_one_step(computed, regions):
    numbers = np.zeros((24, 32), np.int32)
    numbers[GREEN], numbers[RED], numbers[:3, :3], numbers[:3, 28:] = 700, 701, 5, 6
    regions.numbers = numbers
    before = computed.session.table.proposal.copy()
    assert regions.give([(1, 1)], 3, alike=True)
    mask = computed.session.table.mask
    assert (mask[:3, :3] == 3).all()
    assert (mask[:3, 28:] == 3).all()
    np.testing.assert_array_equal(mask[GREEN], before[GREEN])
    np.testing.assert_array_equal(mask[RED], before[RED])
    assert "2 regions in one step" in computed.notices[-1]


def test_what_is_missing_or_of_another_size_is_said(computed, regions, instances):
    regions.use("instances", instances)
    computed.session.navigation.next()
    computed.settle()
    assert "no instance mask" in computed.notices[-1]
    assert regions.numbers is None
    Image.fromarray(np.zeros((5, 5), np.uint8)).save(instances / "p2.png")
    computed.session.navigation.next()
    computed.settle()
    assert "5x5" in computed.failures[-1]


def test_the_segmenter_s_regions_come_with_its_embedding_and_stay(computed, tmp_path):
    session, regions = computed.session, computed.session.regions
    regions.use("segmenter")
    assert "Choose the files" in computed.notices[-1]
    session.segmenter.use(write_pair(tmp_path))
    regions.use("segmenter")
    regions.want(True)
    computed.settle()
    first = regions.numbers
    assert regions.give([(0, 0)], 3)  # the ground that both things stand on
    assert (session.table.mask[0] == 3).all()
    assert not (session.table.mask[GREEN] == 3).any()
    assert [one.method for one in session.table.sources.table if one.kind == "clicked"] == ["promptable segmenter"]
    session.navigation.next()
    computed.settle()
    assert regions.numbers is not first
    session.navigation.previous()
    computed.settle()
    assert regions.numbers is first  # not asked for again


def test_a_segmenter_that_fails_gives_way_to_superpixels(computed, tmp_path):
    encoder, decoder = write_pair(tmp_path)
    regions = computed.session.regions
    computed.session.segmenter.use((encoder, decoder))
    regions.use("segmenter")
    encoder.write_bytes(b"nothing")
    regions.want(True)
    computed.settle()
    assert computed.failures
    assert regions.kind == "superpixels"
    assert regions.numbers is not None
