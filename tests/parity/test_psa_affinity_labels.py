"""PSA's confident labels from two score stacks, and which pairs of cells they make."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_wsss.networks.neighbourhood import half_disc, pair_labels, sources
from tests.parity.recipe import Fixture, load_fixture, relative_error
from training.data.affinity_labels import agreed

IGNORE = 255


@pytest.fixture(scope="module")
def fixture() -> Fixture:
    return load_fixture("psa_affinity_labels")


def test_labels_of_pooled_scores(fixture: Fixture) -> None:
    side = fixture.config["pool"]
    pooled = []
    for name in ("score_la", "score_ha"):
        scores = fixture.inputs[name].astype(np.float32)
        count, height, width = scores.shape
        pooled.append(scores.reshape(count, height // side, side, width // side, side).mean((2, 4)))

    together = np.concatenate(pooled).transpose(1, 2, 0)
    assert relative_error(together, fixture.outputs["pooled"]) < 3e-4
    np.testing.assert_array_equal(agreed(*pooled), fixture.outputs["label"])


@pytest.mark.parametrize(("case", "labels"), [("pairs", "label"), ("pairs_12", "label_12"), ("pairs_b", "label_b")])
def test_pairs(fixture: Fixture, case: str, labels: str) -> None:
    values = fixture.outputs[labels] if labels in fixture.outputs else fixture.inputs[labels]
    offsets = half_disc(fixture.config["radius"])
    assert offsets == tuple(map(tuple, fixture.outputs["search_offsets_dy_dx"].tolist()))
    inner = sources(*values.shape, offsets)

    found = pair_labels(torch.from_numpy(values)[None], offsets, ignore=IGNORE, border_pairs=False)

    for kind, theirs in (("background", "bg_pos"), ("foreground", "fg_pos"), ("different", "neg")):
        plane = getattr(found, kind)[0]
        np.testing.assert_array_equal(plane[:, inner].numpy(), fixture.outputs[f"{case}/{theirs}"].astype(bool))
        assert not plane[:, ~inner].any()


def test_indices_of_both_ends(fixture: Fixture) -> None:
    offsets = half_disc(fixture.config["radius"])
    for grid in sorted({name.partition("/")[0] for name in fixture.names("index_")}):
        height, width = map(int, grid.split("x"))
        cells = np.arange(height * width).reshape(height, width)
        start = cells[sources(height, width, offsets).numpy()]

        np.testing.assert_array_equal(start, fixture.outputs[f"index_{grid}/from"])
        ends = np.concatenate([start + dy * width + dx for dy, dx in offsets])
        np.testing.assert_array_equal(ends, fixture.outputs[f"index_{grid}/to"])
