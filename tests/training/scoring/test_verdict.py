from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest

from tests.training.scoring.test_paired import NAMES, cases
from training.scoring.paired import Case, Paired
from training.scoring.verdict import Basis, Verdict

FAIR = Basis(images=20, held_out=20, whole=20)


def verdict(found: Iterable[Case], basis: Basis = FAIR, *, is_applied: bool = False) -> Verdict:
    return Verdict(Paired.of(NAMES, found), basis, is_applied)


def without(value: int, case: Case) -> Case:
    """Return a case whose candidate draws background instead of a value."""
    candidate, present = case.masks
    return replace(case, masks=(np.where(candidate == value, 0, candidate).astype(np.uint8), present))


def test_a_candidate_that_is_what_is_used_is_neither_better_nor_worse() -> None:
    found = verdict(replace(one, masks=(one.masks[0],) * 2) for one in cases(20, 0.3, 0.3))
    assert found.better == found.worse == found.not_learned == found.too_few == ()
    assert found.recommendation == "keep"
    assert "No difference beyond chance on 3 classes" in found.text()


def test_a_better_candidate_is_recommended_and_a_worse_one_is_not() -> None:
    better, worse = verdict(cases(20, 0.1, 0.4)), verdict(cases(20, 0.4, 0.1))
    assert (better.better, better.worse, better.recommendation) == (NAMES, (), "apply")
    assert (worse.better, worse.worse, worse.recommendation) == ((), NAMES, "keep")
    assert better.text().startswith("Better on 3, worse on 0 of 3 classes. Apply it. Mean IoU ")


def test_a_class_that_was_lost_is_named_and_counts_as_worse() -> None:
    found = verdict([without(2, one) for one in cases(20, 0.1, 0.3)])
    assert found.not_learned == ("dog",)
    assert "dog" in found.worse
    assert "cat" in found.better
    assert "Shown in none of their images (not learned): dog." in found.text()
    assert next(row for row in found.rows() if row[0] == "dog")[-1] == "not learned"


def test_a_lost_class_counts_also_where_few_images_show_it() -> None:
    many, rare = cases(10, 0.1, 0.3), cases(3, 0.1, 0.3, seed=1)
    drop = [replace(one, truth=np.where(one.truth == 2, 0, one.truth).astype(np.uint8), labels=(0,)) for one in many]
    drop = [
        replace(one, masks=tuple(np.where(mask == 2, 0, mask).astype(np.uint8) for mask in one.masks)) for one in drop
    ]
    kept, lost = verdict([*drop, *rare]), verdict([*drop, *(without(2, one) for one in rare)])
    assert kept.too_few == ("dog",)
    assert "Shown by fewer than 6 images: dog." in kept.text()
    assert lost.worse == ("dog",)


@pytest.mark.parametrize(
    ("basis", "note"),
    [
        (Basis(images=20, held_out=5, whole=20), "15 of the 20 images taught one of the two"),
        (Basis(images=20, held_out=20, whole=3), "clicks and strokes only"),
    ],
)
def test_what_favours_the_candidate_is_said_and_nothing_is_recommended_on_it(basis: Basis, note: str) -> None:
    found = verdict(cases(20, 0.1, 0.4), basis)
    assert found.better == NAMES
    assert found.recommendation == "unsure"
    assert note in found.text()
    assert verdict(cases(20, 0.4, 0.1), basis).recommendation == "keep", "worse even so"


def test_masks_accepted_as_one_side_proposed_them_do_not_decide_for_it() -> None:
    of_present = verdict(cases(20, 0.4, 0.1), replace(FAIR, by_present=0.8))
    assert "80 % of the pixels were accepted as what it is held against proposed them" in of_present.text()
    assert of_present.recommendation == "unsure"
    assert verdict(cases(20, 0.1, 0.4), replace(FAIR, by_present=0.8)).recommendation == "apply", "in spite of it"
    assert verdict(cases(20, 0.1, 0.4), replace(FAIR, by_candidate=0.8)).recommendation == "unsure"
    assert verdict(cases(20, 0.4, 0.1), replace(FAIR, by_candidate=0.8)).recommendation == "keep"


def test_few_images_tell_nothing() -> None:
    found = verdict(cases(4, 0.0, 0.5), Basis(images=4, held_out=4, whole=4))
    assert found.recommendation == "unsure"
    assert found.too_few == NAMES
    assert "Not enough to tell." in found.text()
    assert "It takes 6 accepted masks" in found.text()


def test_of_an_applied_candidate_the_way_back_is_recommended() -> None:
    assert "Go back to the one before." in verdict(cases(20, 0.4, 0.1), is_applied=True).text()
    assert "Stay with it." in verdict(cases(20, 0.1, 0.4), is_applied=True).text()


def test_the_record_is_plain_json_and_says_nothing_of_what_no_truth_shows() -> None:
    found = [replace(one, truth=np.where(one.truth == 2, 255, one.truth).astype(np.uint8)) for one in cases(8, 0, 0.5)]
    record = json.loads(json.dumps(verdict(found).to_dict()))
    dog = next(one for one in record["classes"] if one["name"] == "dog")
    assert (dog["candidate"], dog["present"], dog["images"], dog["is"]) == (None, None, 0, "too few")
    assert record["better"] == ["background", "cat"]
    assert record["basis"]["whole"] == 20
