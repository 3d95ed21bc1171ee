from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import ParameterError
from napari_wsss.core.registry import method_names
from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.localize.base import Localizer
from napari_wsss.localize.lpcam import Lpcam, standing_on

BASES = [name for name in method_names("localize") if name != "lpcam"]
EVERY = torch.ones(2, 3, dtype=torch.bool)


def build(method: str, **parameters: Any) -> Localizer:
    torch.manual_seed(0)
    return Localizer.build(method, TrunkChoice(width=1 / 16), parameters, class_count=3).eval()


def images() -> torch.Tensor:
    return torch.randn(2, 3, 64, 80, generator=torch.Generator().manual_seed(1))


def test_without_prototypes_of_its_own_it_points_where_cam_points() -> None:
    cam = build("cam")
    lpcam = standing_on(cam, Lpcam.Parameters())
    with torch.no_grad():
        features = cam.trunk(images())
        expected = cam.localize(images(), EVERY) / features.norm(dim=1, keepdim=True)
        found = lpcam.localize(images(), EVERY)

    scale = cam.classifier.weight.norm(dim=1).view(1, 3, 1, 1)
    torch.testing.assert_close(found * scale, expected, atol=1e-6, rtol=1e-4)


def test_the_map_is_likeness_to_the_class_less_that_to_its_context() -> None:
    lpcam = standing_on(build("cam"), Lpcam.Parameters(cluster_count=4))
    prototypes, context = ([torch.rand(n, lpcam.trunk.channels) for n in counts] for counts in ((4, 1, 2), (2, 3, 0)))
    lpcam.put(prototypes, context)
    with torch.no_grad():
        features, found = lpcam.trunk(images()), lpcam.localize(images(), EVERY)

    def likeness(rows: torch.Tensor) -> torch.Tensor:
        return F.cosine_similarity(features[:, None], rows[None, :, :, None, None], dim=2).mean(1)

    for k in (0, 1):
        torch.testing.assert_close(found[:, k], (likeness(prototypes[k]) - likeness(context[k])).relu())
    torch.testing.assert_close(found[:, 2], likeness(prototypes[2]))


@pytest.mark.parametrize("method", BASES)
def test_any_trained_localizer_is_a_base_and_lies_in_the_checkpoint(method: str, tmp_path: Path) -> None:
    base = build(method)
    with torch.no_grad():
        for weight in base.parameters():
            weight.add_(0.01)  # not what building it anew would give
    lpcam = standing_on(base, Lpcam.Parameters(cluster_count=2))
    lpcam.put([torch.rand(2, lpcam.trunk.channels)] * 3, [])
    lpcam.save(tmp_path / "x.safetensors", ClassList("abc"), {})

    found, _, what = Localizer.restore(tmp_path / "x.safetensors", "cpu")

    assert what.method == "lpcam"
    assert isinstance(found, Lpcam)
    assert found.base.method == method
    with torch.no_grad():
        torch.testing.assert_close(found.classify(images()), base.classify(images()))
        torch.testing.assert_close(found.localize(images(), EVERY), lpcam.localize(images(), EVERY))
        assert found.localize(images(), EVERY).any()
        grid = [-(-side // found.stride) for side in (64, 80)]
        assert list(found.pixel_features(images()).shape[2:]) == grid


def test_the_trunk_is_one_part_only() -> None:
    lpcam = build("lpcam")
    assert isinstance(lpcam, Lpcam)

    assert lpcam.base.trunk is lpcam.trunk
    assert not any(name.startswith("base.trunk") for name in lpcam.state_dict())
    assert any(name.startswith("base.classifier") for name in lpcam.state_dict())


def test_a_finer_base_describes_pixels_on_this_methods_grid() -> None:
    lpcam = standing_on(build("seam", correlation_stride=8), Lpcam.Parameters())
    with torch.no_grad():
        assert lpcam.pixel_features(images()).shape[2:] == (4, 5)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [({"base_method": "lpcam"}, "stand on"), ({"base_parameters": "{"}, "no JSON")],
)
def test_an_impossible_base_is_refused(parameters: dict[str, str], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        build("lpcam", **parameters)


def test_pixels_of_the_context_are_dark() -> None:
    lpcam = standing_on(build("cam"), Lpcam.Parameters(cluster_count=1))
    with torch.no_grad():
        features = lpcam.trunk(images())
    own, other = features[0, :, 0, 0], features[0, :, 3, 4]
    lpcam.put([own[None]] * 3, [other[None]] * 3)
    with torch.no_grad():
        maps = lpcam.localize(images(), EVERY)[0, 0].numpy()

    assert maps[3, 4] == 0
    assert maps[0, 0] == np.max(maps)
