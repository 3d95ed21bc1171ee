"""Sorting a file's tensors: where each goes, what is left over, and that nothing needs memory for it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from napari_wsss.weights.descriptor import WeightsDescriptor
from napari_wsss.weights.matching import matched

TOY = WeightsDescriptor(
    "toy",
    "Toy",
    "toy",
    trunk="resnet18",
    class_layout="background_last",
    head=r"^(out|aux)\.",
    rename=((r"^base\.", "trunk."), (r"^out\.", "classifier.")),
    ignorable=(r"^alias\.",),
    optional=(r"^extra\.",),
)
TARGET = {
    "trunk.weight": torch.empty(4, 3, device="meta"),
    "trunk.num_batches_tracked": torch.empty((), device="meta"),
    "classifier.weight": torch.empty(3, 4, device="meta"),
    "extra.weight": torch.empty(2, device="meta"),
}
STATE = {
    "base.weight": torch.zeros(4, 3),
    "out.weight": torch.arange(12.0).reshape(3, 4),
    "aux.weight": torch.zeros(3, 2),
    "alias.weight": torch.zeros(4, 3),
}


def test_every_tensor_has_its_place() -> None:
    found = matched(STATE, TARGET, TOY)
    report = found.report()

    assert found.problem() is None
    assert found.class_count == 2
    assert report.loaded == ("trunk.weight", "classifier.weight")
    assert report.missing == ("extra.weight",)
    assert report.unexpected == ("alias.weight",)
    assert report.skipped_head == ("aux.weight",)
    assert torch.equal(found.accepted["classifier.weight"][0], STATE["out.weight"][-1])


@pytest.mark.parametrize(
    ("change", "message", "kind"),
    [
        ({"stray": torch.zeros(1)}, "names the network does not have: stray", "unexpected"),
        ({"base.weight": torch.zeros(4, 5)}, "sizes that do not fit", "unexpected"),
        ({"out.weight": torch.zeros(8, 4)}, "are for 2 classes", "skipped_head"),  # the auxiliary head still has 2
        ({"base.weight": None}, r"no values for: trunk\.weight\. They are for toy on resnet18", "missing"),
    ],
)
def test_what_does_not_fit_is_a_problem_and_in_the_report(
    change: dict[str, Tensor | None], message: str, kind: str
) -> None:
    state = {key: value for key, value in (STATE | change).items() if value is not None}
    found = matched(state, TARGET, TOY)
    problem = found.problem()

    assert problem is not None
    with pytest.raises(type(problem), match=message):
        raise problem
    names = {next(iter(change)), TOY.renamed(next(iter(change)))}
    assert names & set(getattr(found.report(), kind))


def test_another_head_is_no_problem_on_request() -> None:
    assert matched(STATE | {"out.weight": torch.zeros(8, 4)}, TARGET, TOY).problem(allow_head_mismatch=True) is None
