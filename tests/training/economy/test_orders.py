from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_wsss.core.classes import ClassList
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.project.project import Project
from napari_wsss.project.records import NewImage
from training.economy.orders import NEED_PROPOSALS, ORDERS, Pool

LABELS = [*["cat"] * 9, *["dog"] * 2, "cat dog"]
IDS = [f"{number:02d}.png" for number in range(len(LABELS))]


class Oracle:
    """Is as unsure about an image as its number says: the last one most."""

    knows = True

    def maps(self, image_id: str, *, refined: bool = True) -> ActivationMaps | None:
        if not self.knows:
            return None
        score = 0.5 + 0.04 * (len(IDS) - IDS.index(image_id))
        scores = np.full((1, 4, 4), score, np.float32)
        return ActivationMaps(scores, (0,), 1 - scores[0])

    def described(self, image_id: str) -> np.ndarray:
        return np.asarray([IDS.index(image_id), 1.0])


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[Pool]:
    (tmp_path / "images").mkdir()
    images = []
    for image_id, labels in zip(IDS, LABELS, strict=True):
        Image.new("RGB", (4, 4)).save(tmp_path / "images" / image_id)
        images.append(NewImage(image_id, frozenset(labels.split())))
    with Project.create(tmp_path / "project", tmp_path / "images", ClassList(("cat", "dog")), images) as project:
        yield Pool(project, Oracle(), IDS, seed=3)


@pytest.mark.parametrize("order", ORDERS)
def test_every_order_picks_waiting_images_once_and_all_in_the_end(pool: Pool, order: str) -> None:
    seen: list[str] = []
    for count in (3, 4, 99):
        picked = ORDERS[order](pool, count)
        assert len(picked) == min(count, len(IDS) - len(seen))
        seen += picked
        pool.spent.update(dict.fromkeys(picked, 2.0))
    assert sorted(seen) == IDS


@pytest.mark.parametrize("order", ORDERS)
def test_the_same_seed_the_same_order(pool: Pool, order: str) -> None:
    again = Pool(pool.project, pool.machine, IDS, seed=3)
    assert ORDERS[order](pool, 5) == ORDERS[order](again, 5)


def test_file_and_random(pool: Pool) -> None:
    assert ORDERS["file"](pool, 3) == IDS[:3]
    assert ORDERS["random"](pool, 6)[:3] == ORDERS["random"](pool, 3)
    assert ORDERS["random"](Pool(pool.project, pool.machine, IDS, seed=4), 12) != ORDERS["random"](pool, 12)


@pytest.mark.parametrize("order", ["stratified", "gain_by_label"])
def test_rare_labels_come_as_often_as_usual_ones(pool: Pool, order: str) -> None:
    picked = ORDERS[order](pool, 5)
    counted = Counter(label for image_id in picked for label in pool.labels(image_id))
    assert abs(counted["cat"] - counted["dog"]) <= 1
    pool.spent.update(dict.fromkeys(IDS[:4], 1.0))  # four cats
    assert all("dog" in pool.labels(one) for one in ORDERS[order](pool, 3))


def test_the_unsure_come_first(pool: Pool) -> None:
    assert ORDERS["uncertainty"](pool, 3) == IDS[:-4:-1]
    assert ORDERS["queue"](pool, 1) == [IDS[-1]]  # all others lie outside of its margin


def test_gain_counts_what_an_image_costs(pool: Pool) -> None:
    assert ORDERS["gain"](pool, 2) == [IDS[-2], IDS[-3]]  # the last one has two labels
    assert pool.expected_seconds(IDS[-1]) > pool.expected_seconds(IDS[0])
    pool.spent.update({IDS[0]: 10.0, IDS[1]: 30.0})  # two parts each: one label and background
    assert pool.expected_seconds(IDS[2]) == 20
    assert pool.expected_seconds(IDS[-1]) == 30


def test_the_diverse_lie_apart(pool: Pool) -> None:
    first, second, third = ORDERS["diversity"](pool, 3)
    assert IDS.index(first) in (5, 6)
    assert {second, third} == {IDS[0], IDS[-1]}


@pytest.mark.parametrize("order", NEED_PROPOSALS)
def test_before_anything_is_proposed_nothing_is_preferred(pool: Pool, order: str) -> None:
    pool.machine.knows = False
    assert sorted(ORDERS[order](pool, 99)) == IDS
