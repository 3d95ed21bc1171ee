"""Maps of scales that are joined by the window are those that are joined at once."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from napari_wsss.localize import _joining as module
from napari_wsss.localize._joining import joined

SIZE = (83, 131)
SCALED = ((42, 66), (83, 131), (166, 262))


@pytest.mark.parametrize("aligned", [False, True])
@pytest.mark.parametrize(("window", "side"), [(1024, 1), (16, 1), (16, 4), (7, 8), (48, 2)])
def test_windows_are_those_of_the_whole(monkeypatch: pytest.MonkeyPatch, aligned: bool, window: int, side: int) -> None:
    monkeypatch.setattr(module, "WINDOW", window)
    generator = torch.Generator().manual_seed(0)
    maps = [torch.rand(3, -(-h // 16), -(-w // 16), generator=generator) for h, w in SCALED]
    whole = torch.zeros(1, 3, *SIZE)
    for one, scaled in zip(maps, SCALED, strict=True):
        planes = one[None]
        if aligned:
            planes = F.interpolate(planes, scaled, mode="bilinear", align_corners=True)
        whole += F.interpolate(planes, SIZE, mode="bilinear", align_corners=False)
    found = joined(maps, SCALED, SIZE, side, aligned)
    wanted = F.avg_pool2d(whole, side, ceil_mode=True, count_include_pad=False)[0]
    assert torch.allclose(found.means, wanted, atol=1e-5)
    assert torch.allclose(found.highest, whole[0].amax((1, 2), keepdim=True), atol=1e-5)
    assert torch.allclose(found.lowest, whole[0].amin((1, 2), keepdim=True), atol=1e-5)
