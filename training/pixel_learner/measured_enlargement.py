"""Choosing by measuring how far a project's pictures are enlarged: whichever size agrees best with what was accepted.

On photographs the usual size is the best one, on textures a larger one (docs/benchmarks.md), and nothing but the
person's own masks says which a project is. A learner is fitted at each size to all folds but one and held against that
one; the folds are the same at every size. This costs seconds to a minute, so it is done where nobody waits.
"""

import math

from napari_wsss.core.progress import Progress, Steps
from napari_wsss.pipeline.picture_sides import middle_side
from napari_wsss.project.project import Project
from training.data.samplers import spread
from training.pixel_learner.enlargement import Sizes, enlargements_to_try
from training.pixel_learner.pixel_learner import PixelLearner

STAGE = "size"
ENOUGH = 8
"""Images that were decided as a whole from which on it is measured: fewer say nothing reliable."""
MOST = 48
"""Images at most, evenly from all: more would only take longer."""
FOLDS = 3


def measured_enlargement(
    project: Project, learner: PixelLearner, folds: int = FOLDS, last: int = 0
) -> Steps[Sizes | None]:
    """Return how far a learner agrees with a person at each size of the pictures; None where that is not measured.

    It is measured where the learner's configuration leaves the enlargement open, and at least 8 images that teach were
    decided as a whole. The learner stays as it is (see `PixelLearner.enlarge`).

    Parameters
    ----------
    project : Project
        Read only; features go to its disposable results.
    learner : PixelLearner
        Has taken what is known.
    folds : int
        Fewer than 2 measure nothing.
    last : int
        Images that were decided as a whole when it was measured before: it is measured anew from twice as many on.
    """
    whole = learner.decided()
    if folds < 2 or not learner.leaves_enlargement_open or len(whole) < max(ENOUGH, 2 * last):
        return None
    ids = spread(whole, MOST)
    found: dict[float, float] = {}
    factors = enlargements_to_try(project)
    if len(factors) < 2:
        return None
    for factor in factors:
        yield Progress(STAGE, len(found), len(factors), f"pictures at {round(middle_side(project) * factor)} pixels")
        other = learner.at_enlargement(factor)
        yield from other.take_all(ids)
        # Features of what maps would teach are not computed for sizes that are only tried.
        agreement = yield from other.agreement(folds, with_maps=False, uses_maps=False)
        if not math.isfinite(agreement.mean):
            return None
        found[factor] = agreement.mean
    return Sizes(middle_side(project), factors[0], len(ids), found)
