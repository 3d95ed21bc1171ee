from __future__ import annotations

import numpy as np
import pytest

from napari_wsss.core.errors import StepError
from napari_wsss.core.evidence import NOTHING, Given
from napari_wsss.core.maps import SaliencyMap


@pytest.mark.parametrize("evidence", [NOTHING, Given()])
@pytest.mark.parametrize("what", ["features", "saliency"])
def test_what_is_not_there_is_named(evidence: object, what: str) -> None:
    with pytest.raises(StepError, match=what) as caught:
        getattr(evidence, what)()

    assert caught.value.missing == (what,)


def test_what_is_given_comes_back() -> None:
    features, saliency = np.zeros((4, 2, 3), np.float32), SaliencyMap(np.ones((8, 9), np.float32))

    given = Given(features, saliency)

    assert given.features() is features
    assert given.saliency() is saliency
