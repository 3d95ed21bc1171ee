"""PSA's classifier on VGG-16: recognised, opened whole, and arithmetic that differs from the AffinityNet's trunk."""

from __future__ import annotations

from pathlib import Path

import torch

from napari_wsss.core.classes import ClassList
from napari_wsss.networks.trunk import build_trunk
from napari_wsss.published import open_published
from napari_wsss.weights.identify import identify
from napari_wsss.weights.normalisation import CAFFE
from napari_wsss.weights.published_psa_vgg import PSA_VGG
from tests.weights.states import largefov_names

CLASSES = ClassList(["ant", "bee", "cow"])


def state() -> dict[str, torch.Tensor]:
    """Return a made-up file at 1/16 of the published width."""
    trunk = build_trunk("vgg16_largefov", output_stride=8, width=1 / 16)
    return largefov_names(trunk.state_dict()) | {"fc8.weight": torch.randn(len(CLASSES), trunk.channels, 1, 1)}


def test_it_opens_as_a_localizer(tmp_path: Path) -> None:
    torch.manual_seed(0)
    file = state()
    torch.save(file, tmp_path / "vgg16_cls.pth")
    network, report = open_published(tmp_path / "vgg16_cls.pth", CLASSES, "localize")

    assert (report.descriptor, report.missing, report.unexpected) == (PSA_VGG[0], (), ())
    assert torch.equal(network.classifier.weight, file["fc8.weight"])
    assert (network.normalisation, network.stride, network.settings.root) == (CAFFE, 8, True)
    assert network.trunk.wide.dilation == (1, 1)


def test_heads_tell_the_files_on_this_trunk_apart() -> None:
    names = {"fc8.weight": "psa_cls_vgg16", "": "vgg16_largefov_imagenet"}
    for head, name in names.items():
        found = identify({key: value for key, value in state().items() if head or not key.startswith("fc8")})
        assert found is not None
        assert found.name == name
