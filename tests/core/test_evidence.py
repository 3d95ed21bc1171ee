from __future__ import annotations

import pytest

from napari_wsss.core.errors import StepError
from napari_wsss.core.evidence import NOTHING


@pytest.mark.parametrize("what", ["features", "saliency", "affinity"])
def test_what_is_not_there_is_named(what: str) -> None:
    with pytest.raises(StepError, match=what) as caught:
        getattr(NOTHING, what)()

    assert caught.value.missing == (what,)
