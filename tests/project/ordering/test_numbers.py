"""Orders that are sorted here are those that SQLite would sort, whatever is known of the images."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from napari_wsss.core.classes import ClassList
from napari_wsss.project.criteria import ORDERS, Criteria, Order, shuffled
from napari_wsss.project.image_clusters import ClusterRow
from napari_wsss.project.project import Project
from napari_wsss.project.records import NewImage
from napari_wsss.project.states import STATES, UNDECIDED

COUNT = 300


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Yield a project in which everything that orders go by is random, and often unknown or equal."""
    folder, random = tmp_path_factory.mktemp("mixed"), np.random.default_rng(0)
    images = [NewImage(f"{at:03d}.png", frozenset(random.choice(["cat", "dog"], 1))) for at in range(COUNT)]
    with Project.create(folder / "project", folder, ClassList(("cat", "dog")), images) as project:
        rows = [
            (
                str(random.choice(STATES)),
                *(float(random.integers(0, 4)) / 4 if random.random() < 0.6 else None for _ in range(2)),
                str(random.choice(["", "cat"])),
                int(random.integers(0, 2)),
                str(random.choice(["0", "1", "0,1"])) if random.random() < 0.5 else None,
                str(random.choice(["", "train", "val"])),
                number,
            )
            for number in range(1, COUNT + 1)
        ]
        with project._database.transaction() as connection:
            connection.executemany(
                "UPDATE images SET state = ?, score = ?, changed = ?, doubtful = ?, disagrees = ?, painted = ?, "
                "split = ? WHERE number = ?",
                rows,
            )
        yield project


@pytest.mark.parametrize("order", list(ORDERS))
@pytest.mark.parametrize(
    "criteria",
    [
        Criteria(),
        Criteria(states=UNDECIDED),
        Criteria(states=("accepted", "todo"), split="val"),
        Criteria(classes=("cat",), mismatch=False),
        Criteria(states=()),
    ],
)
def test_they_are_the_same(mixed: Project, order: Order, criteria: Criteria) -> None:
    """`find` has the order of SQLite."""
    catalog = mixed.catalog
    found = catalog.numbers(criteria, order, 5)
    assert found.dtype == np.int32
    assert catalog.ids_of(found) == catalog.find(criteria, order, 5)


def test_kept_orders_follow_every_change(tmp_path: Path) -> None:
    """What orders by score, change, clusters and states are made of is remembered until something writes it."""
    images = [NewImage(f"{at}.png", frozenset({"cat"})) for at in range(6)]
    rows = [ClusterRow(f"{at}.png", 0, f"cat {at % 2}", float(at)) for at in range(6)]
    with Project.create(tmp_path / "project", tmp_path, ClassList(("cat", "dog")), images) as project:
        catalog = project.catalog
        orders: tuple[Order, ...] = (
            "score_ascending",
            "score_descending",
            "uncertainty",
            "changed",
            "diversity",
            "flagged",
        )
        changes: tuple[Callable[[], object], ...] = (
            lambda: catalog.set_score("3.png", 0.9),
            lambda: catalog.set_proposed("4.png", 0.95, ()),
            lambda: catalog.set_score("4.png", None),
            lambda: catalog.set_changes({"2.png": 0.5, "5.png": 0.7}),
            catalog.forget_changes,
            lambda: catalog.clusters.replace(rows),
            lambda: catalog.clusters.replace(rows[3:]),
            lambda: project.class_changes.delete("cat", "ignore"),
            lambda: catalog.add([NewImage("6.png")]),
            lambda: catalog.set_state("2.png", "flagged"),
            lambda: catalog.set_accepted(catalog.get("6.png"), None, (1,)),
            lambda: catalog.restore_state("6.png", "todo"),
        )
        seen = set()
        for change in changes:
            change()
            for order in orders:
                found = catalog.ids_of(catalog.numbers(Criteria(), order))
                assert found == catalog.find(Criteria(), order)
                seen.add((order, *found))
        assert len(seen) > 2 * len(orders)


def test_states_are_asked_for_once_between_two_decisions(mixed: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    catalog, asked, read = mixed.catalog, [], mixed._database.numbers_by_group
    monkeypatch.setattr(mixed._database, "numbers_by_group", lambda sql: (asked.append(sql), read(sql))[1])
    catalog.restore_state("007.png", "flagged")
    for order in ("undecided first", "random", "flagged"):
        catalog.numbers(Criteria(states=UNDECIDED), order)
    assert len(asked) == 1
    for state in ("excluded", "flagged"):
        catalog.restore_state("007.png", state)
        assert catalog.number("007.png") in catalog.numbers(Criteria(states=(state,)))
    assert len(asked) == 3


@pytest.mark.parametrize("classes", [("cat",), ("dog",), ("cat", "dog"), ("none",)])
def test_text_in_few_ids_of_a_class(mixed: Project, classes: tuple[str, ...]) -> None:
    for text in ("01", "299", "29", ".png", "nowhere"):
        for states in (None, UNDECIDED):
            criteria = Criteria(text=text, classes=classes, states=states)
            assert mixed.catalog.ids_of(mixed.catalog.numbers(criteria)) == mixed.catalog.find(criteria)
            assert mixed.catalog.count(criteria) == len(mixed.catalog.find(criteria))


def test_text_in_few_and_in_most_ids(tmp_path: Path) -> None:
    """Whether most hold it or few, in ids or in remarks, with characters that mean something to SQLite."""
    images = [NewImage(f"{'x' if at < 90 else 'y'}%_{at:03d}.png") for at in range(100)]
    with Project.create(tmp_path / "project", tmp_path, ClassList(("cat",)), images) as project:
        catalog = project.catalog
        catalog.set_note("y%_099.png", "as X%")
        catalog.set_note("y%_098.png", "other")
        catalog.set_state("x%_001.png", "flagged")
        for text in ("x", "X%", "y%_", "%", "_0", "png", "other", "\\", "nowhere"):
            for states in (None, ("flagged",), UNDECIDED):
                criteria = Criteria(text=text, states=states)
                found = catalog.ids_of(catalog.numbers(criteria))
                assert found == catalog.find(criteria)
                assert catalog.count(criteria) == len(found)
        assert catalog.count(Criteria(text="X%")) == 91


def test_counts_of_labels_are_kept(mixed: Project) -> None:
    """Whatever is done with labels and states, and taken back: what is kept is what counting finds."""
    counted = (
        "SELECT state, class, count(*) FROM labels JOIN images ON number = image GROUP BY state, class "
        "EXCEPT SELECT * FROM class_counts"
    )
    kept = "SELECT * FROM class_counts WHERE many != 0 EXCEPT SELECT state, class, count(*) FROM labels JOIN images ON "
    of_images = "SELECT number FROM images WHERE label_count != (SELECT count(*) FROM labels WHERE image = number)"

    def is_right() -> bool:
        rows = mixed._database.rows
        return not (rows(counted) or rows(f"{kept}number = image GROUP BY state, class") or rows(of_images))

    assert is_right()
    before = mixed.catalog.class_counts("flagged")
    for image_id, labels in (("000.png", ()), ("001.png", ("cat", "dog")), ("002.png", ("dog",))):
        mixed.catalog.set_labels(image_id, labels)
        mixed.catalog.restore_state(image_id, "flagged")
        assert is_right()
    assert mixed.catalog.class_counts("flagged") != before
    for name in ("cat", "dog"):
        for states in (None, ("flagged",), UNDECIDED):
            criteria = Criteria(states=states, classes=(name,))
            assert mixed.catalog.count(criteria) == len(mixed.catalog.find(criteria))
    assert sum(mixed.catalog.class_counts().values()) == mixed._database.value("SELECT count(*) FROM labels")


def test_random_numbers_are_those_of_single_images() -> None:
    """Python's whole numbers have no end, numpy's wrap around: both must be the same."""
    mask = (1 << 64) - 1

    def by_hand(number: int, seed: int) -> int:
        found = (number * 0x9E3779B97F4A7C15 + seed * 0xD1B54A32D192ED03) & mask
        found = ((found ^ (found >> 30)) * 0xBF58476D1CE4E5B9) & mask
        found = ((found ^ (found >> 27)) * 0x94D049BB133111EB) & mask
        return (found ^ (found >> 31)) >> 1

    for number, seed in ((1, 0), (2**31 - 1, 5), (77, 2**40), (3, -1)):
        assert shuffled(number, seed) == by_hand(number, seed)
