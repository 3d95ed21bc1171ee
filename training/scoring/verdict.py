"""What a comparison of a candidate with what is used now comes to: where it is better or worse, and what to do.

A value (a class, or background) counts as better or worse when at least `FEWEST` images show it and its difference in
IoU is beyond chance (`scoring.paired`, p below `ALPHA`; of twenty equal classes one is named by chance). A class that
only the candidate never shows is worse whatever its number of images. The recommendation asks more: the mean
IoU has to be better beyond chance, on images that taught neither model, with as many classes better as worse.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from training.scoring.paired import Paired

ALPHA = 0.05
FEWEST = 6
"""Images below which no p value can be under `ALPHA`."""
MOST_NAMES = 8
MUCH = 0.5
"""Share of pixels or images from which a reader has to know of it."""
Recommendation = Literal["apply", "keep", "unsure"]
ADVICE: dict[Recommendation, tuple[str, str]] = {
    "apply": ("Apply it.", "Stay with it."),
    "keep": ("Keep what is used now.", "Go back to the one before."),
    "unsure": ("Not enough to tell.", "Not enough to tell."),
}
"""What to do with a candidate, and with one that is applied already."""
HEADER = ("class", "candidate", "present", "difference", "p", "images", "")


@dataclass(frozen=True)
class Basis:
    """What a comparison stands on.

    Parameters
    ----------
    images : int
        Compared ones.
    held_out : int
        Those that taught neither model.
    whole : int
        Those of which a person decided about the whole picture; of others only strokes and clicks are known.
    by_candidate, by_present : float in [0, 1]
        Share of the known pixels that a person accepted as this side's model had proposed them.
    """

    images: int
    held_out: int
    whole: int
    by_candidate: float = 0.0
    by_present: float = 0.0

    @property
    def may_prefer_candidate(self) -> bool:
        """Whether there are enough whole masks, and neither training nor acceptance favours the candidate."""
        return self.held_out == self.images and self.whole >= FEWEST and self.by_candidate <= MUCH

    def notes(self) -> list[str]:
        """Return a sentence for each thing that favours one side, or is missing."""
        said = []
        if self.whole < FEWEST:
            said.append(f"It takes {FEWEST} accepted masks that taught neither.")
        if self.held_out < self.images:
            taught = self.images - self.held_out
            said.append(f"{taught} of the {self.images} images taught one of the two, which favours that one.")
        if self.whole < MUCH * self.images:
            said.append("Most are known by clicks and strokes only; drawn on errors, they favour the candidate.")
        for share, side in ((self.by_candidate, "the candidate"), (self.by_present, "what it is held against")):
            if share > MUCH:
                said.append(f"{100 * share:.0f} % of the pixels were accepted as {side} proposed them, a bias for it.")
        return said


@dataclass(frozen=True, eq=False)
class Verdict:
    """A candidate against what is used now.

    Parameters
    ----------
    scores : Paired
        Side 0 is the candidate.
    basis : Basis
    is_applied : bool
        Whether the candidate is used already, and held against what was used before.
    """

    scores: Paired
    basis: Basis
    is_applied: bool = False

    @cached_property
    def decided(self) -> NDArray[np.bool_]:
        """(K + 1,) bool: values that enough images show, or that only the candidate never shows."""
        return (self.scores.images >= FEWEST) | self._lost

    @property
    def _lost(self) -> NDArray[np.bool_]:
        vanished = self.scores.vanished
        return np.asarray(vanished[0] & ~vanished[1])

    @cached_property
    def _signs(self) -> NDArray[np.int64]:
        """(K + 2,) int64: 1 better, -1 worse, 0 neither; the last is the mean's."""
        iou = np.nan_to_num(np.column_stack([self.scores.iou, self.scores.mean_iou]))
        signs: NDArray[np.int64] = np.sign(iou[0] - iou[1]).astype(np.int64) * (self.scores.chance < ALPHA)
        signs[:-1] *= self.decided
        signs[:-1][self._lost] = -1
        return signs

    @property
    def better(self) -> tuple[str, ...]:
        """Values on which the candidate is better beyond chance."""
        return self._named(self._signs[:-1] > 0)

    @property
    def worse(self) -> tuple[str, ...]:
        """Values on which the candidate is worse beyond chance, or that only it never shows."""
        return self._named(self._signs[:-1] < 0)

    @property
    def not_learned(self) -> tuple[str, ...]:
        """Classes that the candidate shows in none of their images."""
        return self._named(self.scores.vanished[0])

    @property
    def too_few(self) -> tuple[str, ...]:
        """Classes that too few images show."""
        return self._named(~self.decided)

    @property
    def recommendation(self) -> Recommendation:
        """What to do: ``apply``, ``keep`` or ``unsure``."""
        if self.basis.images < FEWEST:
            return "unsure"
        if self._signs[-1] > 0 and len(self.better) >= len(self.worse):
            return "apply" if self.basis.may_prefer_candidate else "unsure"
        return "keep" if self.basis.by_present <= MUCH else "unsure"

    def _named(self, chosen: NDArray[np.bool_]) -> tuple[str, ...]:
        return tuple(name for name, is_one in zip(self.scores.names, chosen, strict=True) if is_one)

    # -- in words -------------------------------------------------------------------------------------------

    @property
    def headline(self) -> str:
        """One line: ``Better on 5, worse on 1 of 6 classes``."""
        compared, better, worse = int(self.decided.sum()), len(self.better), len(self.worse)
        if not compared:
            return f"No class is shown by {FEWEST} of the compared images"
        if not better and not worse:
            return f"No difference beyond chance on {compared} classes"
        return f"Better on {better}, worse on {worse} of {compared} classes"

    @property
    def advice(self) -> str:
        """What to do, in a sentence."""
        return ADVICE[self.recommendation][self.is_applied]

    @property
    def reasons(self) -> tuple[str, ...]:
        """Sentences behind the headline: the means, the classes by name, and what favours one side."""
        present, candidate = (100 * float(value) for value in self.scores.mean_iou[::-1])
        which = "held-out " if self.basis.held_out == self.basis.images else ""
        return (
            f"Mean IoU {present:.1f} → {candidate:.1f} % on {self.basis.images} {which}images.",
            *_listed("Worse", self.worse),
            *_listed("Shown in none of their images (not learned)", self.not_learned),
            *_listed(f"Shown by fewer than {FEWEST} images", self.too_few),
            *self.basis.notes(),
        )

    def text(self) -> str:
        """Return the verdict in sentences."""
        return " ".join((f"{self.headline}.", self.advice, *self.reasons))

    def rows(self) -> list[list[str]]:
        """Return a table, header first: IoU of both in percent, their difference, p, images with it, and what it is."""
        found = self.to_dict()["classes"]
        return [list(HEADER), *(_cells(one) for one in found)]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types; IoU in [0, 1], None where no truth shows a value."""
        mean = [round(float(value), 6) for value in self.scores.mean_iou]
        return {
            "recommendation": self.recommendation,
            "headline": self.headline,
            "advice": self.advice,
            "reasons": list(self.reasons),
            "better": list(self.better),
            "worse": list(self.worse),
            "not_learned": list(self.not_learned),
            "too_few": list(self.too_few),
            "mean": {"candidate": mean[0], "present": mean[1], "p": round(float(self.scores.chance[-1]), 4)},
            "basis": vars(self.basis),
            "is_applied": self.is_applied,
            "classes": [self._class(k) for k in range(len(self.scores.names))],
        }

    def _class(self, k: int) -> dict[str, Any]:
        scores = self.scores
        candidate, present = (round(float(value), 6) if scores.compared[k] else None for value in scores.iou[:, k])
        word = {1: "better", -1: "worse"}.get(int(self._signs[k]), "" if self.decided[k] else "too few")
        return {
            "name": scores.names[k],
            "candidate": candidate,
            "present": present,
            "p": round(float(scores.chance[k]), 4),
            "images": int(scores.images[k]),
            "is": "not learned" if scores.vanished[0, k] else word,
        }


def _listed(title: str, names: tuple[str, ...]) -> Iterable[str]:
    """Yield a sentence that names what there is, nothing without names."""
    if names:
        more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
        yield f"{title}: {', '.join(names[:MOST_NAMES])}{more}."


def _cells(one: dict[str, Any]) -> list[str]:
    if one["candidate"] is None:
        return [one["name"], "", "", "", "", str(one["images"]), one["is"]]
    percent = [100 * one["candidate"], 100 * one["present"]]
    shares = [*(f"{value:.1f}" for value in percent), f"{percent[0] - percent[1]:+.1f}"]
    return [one["name"], *shares, f"{one['p']:.3f}", str(one["images"]), one["is"]]
