"""Round the clusters, as SQLite's own query goes."""

from __future__ import annotations

import numpy as np
import pytest

from napari_wsss.core.classes import ClassList
from napari_wsss.project.criteria import Criteria
from napari_wsss.project.image_clusters import ClusterRow
from napari_wsss.project.project import Project
from napari_wsss.project.records import NewImage
from napari_wsss.project.states import UNDECIDED


@pytest.mark.parametrize("seed", range(4))
def test_the_order_is_that_of_the_query(tmp_path, seed: int) -> None:  # type: ignore[no-untyped-def]
    random = np.random.default_rng(seed)
    names = [f"{at:03d}.png" for at in range(120)]
    with Project.create(tmp_path / "p", tmp_path, ClassList(("cat", "dog")), [NewImage(one) for one in names]) as made:
        catalog, rows = made.catalog, []
        for number, _ in enumerate(names, 1):
            for k in (0, 1):
                if random.random() < 0.6:
                    distance = round(float(random.random()), 1)  # some as far as others
                    rows.append((number, k, f"cluster {random.integers(0, 4)}", distance))
        with made._database.transaction() as connection:
            connection.executemany(
                "INSERT INTO image_clusters (image, class, cluster, distance) VALUES (?, ?, ?, ?)", rows
            )
        for one in random.choice(names, 30, replace=False):
            catalog.set_state(str(one), str(random.choice(["flagged", "skipped", "excluded"])))
        for criteria in (
            Criteria(),
            Criteria(states=UNDECIDED),
            Criteria(text="05"),
            Criteria(clusters=("cluster 1",)),
        ):
            assert catalog.ids_of(catalog.numbers(criteria, "diversity")) == catalog.find(criteria, "diversity")
    assert ClusterRow
