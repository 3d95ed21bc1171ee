"""LDF's body and detail of a mask, exactly as the published code computes and stores them."""

from __future__ import annotations

import numpy as np
import pytest

from tests.parity.recipe import Fixture, load_fixture
from training.data.label_decoupling import decoupled, stored


@pytest.fixture(scope="module")
def fixture() -> Fixture:
    return load_fixture("ldf_split")


def test_every_mask_is_split_exactly(fixture: Fixture) -> None:
    for name in fixture.names("body_float/"):
        body, detail = decoupled(fixture.inputs[f"mask/{name}"])

        np.testing.assert_array_equal(body, fixture.outputs[f"body_float/{name}"], err_msg=name)
        np.testing.assert_array_equal(detail, fixture.outputs[f"detail_float/{name}"], err_msg=name)
        np.testing.assert_array_equal(stored(body), fixture.outputs[f"body_stored/{name}"], err_msg=name)
        np.testing.assert_array_equal(stored(detail), fixture.outputs[f"detail_stored/{name}"], err_msg=name)
