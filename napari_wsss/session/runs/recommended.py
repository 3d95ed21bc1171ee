"""Which network did best where it was measured, by how many masks are accepted (docs/benchmarks.md)."""

MASKS_TO_FINE_TUNE = 100
"""Accepted masks from which fine-tuning the trunk was measured to pay."""


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
    return "hypercolumns" if accepted >= MASKS_TO_FINE_TUNE else "pixel_classifier"
