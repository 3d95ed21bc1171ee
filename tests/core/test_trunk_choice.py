"""The torch-free list of trunks is the registry's list."""

from __future__ import annotations

import pytest

from napari_wsss.core.trunk_choice import OUTPUT_STRIDES, TIMM, TRUNKS, TrunkChoice

trunks = pytest.importorskip("napari_wsss.networks.trunk", reason="needs torch")


def test_the_names_are_those_of_the_registry() -> None:
    assert tuple(trunks._TRUNKS) == TRUNKS
    assert trunks.TIMM == TIMM


@pytest.mark.parametrize("name", TRUNKS)
@pytest.mark.parametrize("stride", [8, 16])
def test_every_choice_can_be_built(name: str, stride: int) -> None:
    choice = TrunkChoice(name, stride, 1 / 16)

    trunk = trunks.build_trunk(choice.name, output_stride=choice.output_stride, width=choice.width)

    assert trunk.output_stride in OUTPUT_STRIDES


def test_dilation_is_the_default_and_known_without_torch() -> None:
    assert TrunkChoice().dilated
