"""How far a project's pictures are enlarged before a trunk sees them: by a rule, and which ones are worth a try."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from napari_wsss.pipeline.picture_sides import middle_side, wanted_enlargement
from napari_wsss.pixels.working_size import FEATURES_SIDE, LARGEST
from napari_wsss.project.project import Project
from napari_wsss.segment.pixel_classifier import PixelClassifier

SIDES = (FEATURES_SIDE * 2 // 3, FEATURES_SIDE, FEATURES_SIDE * 4 // 3)
"""Longer sides that are tried: 320, 480 and 640. Features of the largest take 1.8 times as long, and as many bytes."""
GAIN = 0.02
"""Agreement (mIoU) by which another size must be better than the rule's: with few masks a fold is a matter of luck."""


@dataclass(frozen=True)
class Sizes:
    """How far a learner agrees with a person on images left out, at each size of the pictures that was tried.

    Parameters
    ----------
    pictures : int
        Longer side in pixels of the project's middle picture.
    usual : float
        Enlargement by the rule.
    images : int
        Images that were left out, fold by fold.
    agreement : mapping of float to float
        Mean intersection over union in [0, 1] by enlargement.
    """

    pictures: int
    usual: float
    images: int
    agreement: Mapping[float, float] = field(default_factory=dict)

    @property
    def best(self) -> float:
        """The enlargement to take: the usual one, unless another one is better by more than luck."""
        found = max(self.agreement, key=lambda factor: self.agreement[factor])
        return found if self.agreement[found] > self.agreement[self.usual] + GAIN else self.usual

    def __str__(self) -> str:
        others = [factor for factor in self.agreement if factor != self.best]
        told = ", ".join(f"{self.side(factor)}: {100 * self.agreement[factor]:.0f} %" for factor in others)
        best = f"{self.side(self.best)} pixels (held-out {100 * self.agreement[self.best]:.0f} %"
        return f"pictures at {best}; at {told})" if told else f"pictures at {best})"

    def side(self, factor: float) -> int:
        """Return the longer side in pixels at which the middle picture is seen."""
        return round(self.pictures * factor)


def usual_enlargement(project: Project) -> float:
    """Return the enlargement that brings a project's middle picture to the side where features tell most."""
    return wanted_enlargement(middle_side(project))


def enlargements_to_try(project: Project) -> tuple[float, ...]:
    """Return the enlargements that are worth a try, the usual one first; it alone where there is no picture."""
    pictures, usual = middle_side(project), usual_enlargement(project)
    others = [round(min(LARGEST, side / pictures), 3) for side in SIDES] if pictures else []
    return tuple(dict.fromkeys((usual, *others)))


def fix_enlargement(classifier: PixelClassifier, project: Project) -> float:
    """Decide the enlargement that the parameters left open, and return it."""
    if not classifier.settings.enlargement:
        classifier.enlarge(usual_enlargement(project))
    return classifier.enlargement
