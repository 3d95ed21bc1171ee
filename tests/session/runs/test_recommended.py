import pytest

from napari_wsss.core.registry import method_names
from napari_wsss.session.runs.recommended import MASKS_TO_FINE_TUNE, recommended


@pytest.mark.parametrize("accepted", [0, MASKS_TO_FINE_TUNE - 1, MASKS_TO_FINE_TUNE, 10_000])
def test_what_is_recommended_exists_and_changes_with_the_masks(accepted: int) -> None:
    found = recommended("segmentation", accepted)

    assert found in method_names("segment")
    assert (found == "hypercolumns") == (accepted >= MASKS_TO_FINE_TUNE)


def test_other_stages_have_no_recommendation() -> None:
    assert recommended("classifier", 1000) == ""
