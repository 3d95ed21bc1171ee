"""What parts came to is added up to what one process would have counted, or it is said what is wrong."""

from pathlib import Path

import numpy as np
import pytest

from napari_wsss.core.errors import StepError
from napari_wsss.project.sharing.share import Part
from training.scoring.left_out import LeftOut
from training.scoring.metrics import Scores, Sweep
from training.scoring.missing import Missing
from training.scoring.part_sums import added_up, leave, parts_in

NAMES, THRESHOLDS = ("background", "cat", "dog"), (0.1, 0.5)


def sums(kind: type[Scores] | type[Sweep], seed: int) -> Scores | Sweep:
    """Return random counts."""
    random = np.random.default_rng(seed)
    counts = random.integers(0, 9, (2, 4, 3))
    if kind is Sweep:
        return Sweep(THRESHOLDS, random.integers(0, 99, (2, 3, 3)), NAMES, counts)
    return Scores(random.integers(0, 99, (3, 3)), NAMES, seed, Missing(*counts[0]))


def nothing(kind: type[Scores] | type[Sweep]) -> Scores | Sweep:
    return Sweep.nothing(THRESHOLDS, NAMES) if kind is Sweep else Scores.nothing(NAMES)


@pytest.mark.parametrize("kind", [Scores, Sweep])
def test_parts_add_up_in_any_order(tmp_path: Path, kind: type[Scores] | type[Sweep]) -> None:
    found, left_out = [sums(kind, seed) for seed in range(3)], LeftOut()
    for at in (2, 0, 1):
        leave(tmp_path, Part(at + 1, 3), "key", found[at], LeftOut({f"{at}.png": "damaged"}))
    parts = parts_in(tmp_path)
    added = added_up(tmp_path, parts, "key", nothing(kind), left_out)
    assert parts == Part().split(3)
    assert sorted(left_out) == ["0.png", "1.png", "2.png"]
    wanted = nothing(kind)
    for one in found:
        wanted = wanted + one  # type: ignore[operator]
    if isinstance(added, Sweep):
        assert isinstance(wanted, Sweep)
        np.testing.assert_array_equal(added.matrices, wanted.matrices)
        np.testing.assert_array_equal(added.missing, wanted.missing)  # type: ignore[arg-type]
        assert added.scores(1).missing is not None
    else:
        assert isinstance(wanted, Scores)
        np.testing.assert_array_equal(added.matrix, wanted.matrix)
        assert added.undecided == wanted.undecided == 3
        np.testing.assert_array_equal(added.missing.missed, wanted.missing.missed)  # type: ignore[union-attr]


def test_what_does_not_belong_together_is_not_added_up(tmp_path: Path) -> None:
    part, both = Part(1, 2), Part().split(2)
    with pytest.raises(StepError, match="found none"):
        parts_in(tmp_path)
    leave(tmp_path, part, "key", sums(Scores, 0), LeftOut())
    with pytest.raises(StepError, match="first part 2/2"):
        added_up(tmp_path, both, "key", nothing(Scores), LeftOut())
    leave(tmp_path, both[1], "another", sums(Scores, 0), LeftOut())
    with pytest.raises(StepError, match="another run"):
        added_up(tmp_path, both, "key", nothing(Scores), LeftOut())
    leave(tmp_path, both[1], "key", sums(Sweep, 0), LeftOut())
    with pytest.raises(StepError, match="damaged"):
        added_up(tmp_path, both, "key", nothing(Scores), LeftOut())
    leave(tmp_path, Part(1, 3), "key", sums(Scores, 0), LeftOut())
    with pytest.raises(StepError, match="parts of 2 and of 3"):
        parts_in(tmp_path)
