import pytest

from napari_wsss.core.registry import method_names
from napari_wsss.session.runs.recommended import MASKS_TO_FINE_TUNE, recommended

FEWEST, TOO_MANY = MASKS_TO_FINE_TUNE.start, MASKS_TO_FINE_TUNE.stop


@pytest.mark.parametrize("accepted", [0, FEWEST - 1, FEWEST, TOO_MANY - 1, TOO_MANY, 10_000])
def test_what_is_recommended_exists_and_changes_with_the_masks(accepted: int) -> None:
    found = recommended("segmentation", accepted)

    assert found in method_names("segment")
    assert (found == "hypercolumns") == (FEWEST <= accepted < TOO_MANY)


def test_other_stages_have_no_recommendation() -> None:
    assert recommended("classifier", 1000) == ""
