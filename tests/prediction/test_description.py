"""What an exported network says of itself comes back, names every mask value, and is refused where it is damaged."""

from dataclasses import replace

import pytest

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import WeightsError
from napari_wsss.prediction.description import Description
from napari_wsss.weights.normalisation import CAFFE, IMAGENET

SEGMENTER = Description(
    kind="segment",
    method="deeplab_v3",
    trunk="resnet50",
    classes=ClassList(("cat", "dog")),
    known=(True, False),
    normalisation=CAFFE,
    enlargement=1.5,
    side=0,
    stride=1,
    aligned_corners=False,
    map_range="",
    one_by_one=False,
    facts={"checkpoint": "best.safetensors"},
)


@pytest.mark.parametrize("what", [SEGMENTER, replace(SEGMENTER, kind="localize", side=320, normalisation=IMAGENET)])
def test_it_comes_back(what: Description) -> None:
    assert Description.from_dict(what.to_dict()) == what


def test_mask_values_are_told_by_name() -> None:
    assert SEGMENTER.to_dict()["values"] == {"background": 0, "cat": 1, "dog": 2, "ignore": 255}


@pytest.mark.parametrize(
    "wrong",
    [
        {"layout": 9},
        {"kind": "refine"},
        {"classes": []},
        {"known": 3},
        {"stride": "x"},
        {"enlargement": 1e9},
        {"stride": 7},
    ],
)
def test_another_one_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(WeightsError, match="Export it again"):
        Description.from_dict({**SEGMENTER.to_dict(), **wrong})


def test_a_missing_entry_is_named() -> None:
    record = SEGMENTER.to_dict()
    del record["normalisation"]
    with pytest.raises(WeightsError, match="normalisation"):
        Description.from_dict(record)
