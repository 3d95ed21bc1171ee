"""The files of ResNet-38 and its localizers: recognised for any class count, their trunk loads without a leftover."""

from __future__ import annotations

import pytest
import torch

from napari_wsss.networks.trunk import build_trunk
from napari_wsss.weights.fit import fit
from napari_wsss.weights.identify import identify
from napari_wsss.weights.published import published
from napari_wsss.weights.published_resnet38 import RESNET38, VOC_CLASSES
from tests.weights.states import mxnet_names, resnet38_heads, resnet38_state

SCALE = 16


@pytest.mark.parametrize("name", ["psa_cls_resnet38", "seam_resnet38", "sccam_resnet38", "edam_resnet38"])
@pytest.mark.parametrize("classes", [1, 7, 20])
def test_each_localizer_is_recognised_and_has_a_place_for_the_trunk(name: str, classes: int) -> None:
    descriptor = published(name)
    state = resnet38_state(SCALE, resnet38_heads(name, classes))
    target = build_trunk("resnet38", width=1 / SCALE).state_dict()

    assert identify(state) is descriptor
    own = {descriptor.renamed(key): value for key, value in state.items() if not descriptor.is_head(key)}
    trunk = {key.removeprefix("trunk."): value for key, value in own.items() if key.startswith("trunk.")}
    assert set(trunk) == {key for key in target if not key.endswith("num_batches_tracked")}
    assert all(trunk[key].shape == target[key].shape for key in trunk)


@pytest.mark.parametrize("mxnet", [False, True])
def test_both_names_of_the_trunk_load_the_same_values(mxnet: bool) -> None:
    state = resnet38_state(SCALE)
    trunk = build_trunk("resnet38", width=1 / SCALE)
    report = fit(trunk, mxnet_names(state) if mxnet else state)
    found = trunk.state_dict()

    assert report.descriptor.name == ("resnet38_imagenet" if mxnet else "resnet38_converted")
    assert not report.missing
    for theirs, ours in {
        "conv1a.weight": "stem.weight",
        "b4.bn_branch2a.running_var": "entry4.0.running_var",
        "b4_3.bn_branch2a.bias": "stage4.3.norm1.bias",
        "b5.conv_branch1.weight": "stage5.0.shortcut.weight",
        "b6.bn_branch2b2.weight": "stage6.0.norm3.weight",
        "b7.conv_branch2b2.weight": "stage7.0.conv3.weight",
        "bn7.running_mean": "norm.running_mean",
    }.items():
        assert torch.equal(found[ours], state[theirs])


def test_known_classes_are_those_of_voc() -> None:
    assert len(set(VOC_CLASSES)) == 20
    assert list(VOC_CLASSES) == sorted(VOC_CLASSES)
    assert {len(entry.classes) for entry in RESNET38} == {0, 20}


def test_two_files_of_one_trunk_never_share_their_tell_tales() -> None:
    names = [entry.name for entry in RESNET38 if entry.name != "resnet38_imagenet"]

    assert [identify(resnet38_state(SCALE, resnet38_heads(name, 5))).name for name in names] == names  # type: ignore[union-attr]
