"""Which network did best where it was measured, by how many masks are accepted (docs/benchmarks.md)."""

MASKS_TO_FINE_TUNE = range(100, 400)
"""Accepted masks with which fine-tuning the trunk paid: after the CRF from 100 by 2.6 points, from 400 not at all."""


def recommended(stage: str, accepted: int) -> str:
    """Return the method of a stage that is worth trying first, "" where nothing says which.

    Parameters
    ----------
    stage : str
        As on the Train page.
    accepted : int
        Number of accepted masks.
    """
    if stage != "segmentation":
        return ""
    return "hypercolumns" if accepted in MASKS_TO_FINE_TUNE else "pixel_classifier"
