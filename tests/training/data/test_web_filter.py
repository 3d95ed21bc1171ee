"""Web images are judged by what they share with trusted ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import ProjectError
from napari_wsss.core.progress import finish
from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.localize.base import Localizer
from napari_wsss.localize.co_attention import CoAttention
from napari_wsss.project.records import ImageRecord
from training.data.extra_images import ExtraImage
from training.data.pictures import Pixels
from training.data.web_filter import TRUSTED, Judged, judged, trusted_images

CLASSES = ClassList(["red", "blue"])


def of_colour(channel: int) -> Pixels:
    pixels = np.full((32, 32, 3), 20, np.uint8)
    pixels[..., channel] = 240
    return pixels


COLOURS = {"red": of_colour(0), "blue": of_colour(2)}


class Colours(nn.Module):
    """Features that are the colours themselves."""

    def forward(self, images: Tensor) -> Tensor:
        return nn.functional.avg_pool2d(images, 16).relu()


@pytest.fixture
def localizer() -> CoAttention:
    """Return a localizer that knows red from blue."""
    found = Localizer.build(
        "co_attention", TrunkChoice(width=1 / 16), {"web_threshold": 0.5, "convolutions": 0}, class_count=2
    )
    assert isinstance(found, CoAttention)
    assert found.co_classifier is not None
    found.features = Colours().forward  # type: ignore[method-assign]
    for head in (found.classifier, found.co_classifier):
        head.weight = nn.Parameter(torch.tensor([[5.0, 0, -5], [-5, 0, 5]])[..., None, None])
    nn.init.zeros_(found.classifier.bias)  # type: ignore[arg-type]
    found.attention.affinity_weight.weight = nn.Parameter(torch.eye(3))
    return found


def run(localizer: CoAttention, truth: dict[str, str], trusted: tuple[str, ...] = ("red", "blue")) -> Judged:
    found = [ExtraImage(Path(name), "red", 0.5) for name in truth]

    def read(extra: ExtraImage) -> Pixels:
        if truth[str(extra.path)] == "broken":
            raise ProjectError("broken")
        return COLOURS[truth[str(extra.path)]]

    readers = {name: [lambda name=name: COLOURS[name]] * 2 for name in trusted}
    return finish(judged(localizer, CLASSES, found, readers, read))


@pytest.mark.parametrize("trusted", [("red", "blue"), ()])
def test_wrong_and_broken_images_are_left_out(localizer: CoAttention, trusted: tuple[str, ...]) -> None:
    found = run(localizer, {"a": "red", "b": "blue", "c": "broken", "d": "red"}, trusted)

    assert [extra.path.name for extra in found.kept] == ["a", "d"]
    assert set(found.dropped) == {"b", "c"}
    assert 0 <= found.dropped["b"] < 0.5
    assert found.dropped["c"] == -1
    assert found.summary == "2 of 4 web images left out"


def test_what_became_of_them_can_be_read_back(localizer: CoAttention, tmp_path: Path) -> None:
    found = run(localizer, {"a": "red", "b": "blue"})
    found.save(tmp_path / "web.json")

    assert Judged.load(tmp_path / "web.json", [*found.kept, ExtraImage(Path("new"), "red")]) == found


def test_trusted_images_carry_the_class_and_few_others() -> None:
    records = [ImageRecord(f"{n}", f"{n}", frozenset({"red"} if n < 3 else {"red", "blue"}), "todo") for n in range(9)]
    records.append(ImageRecord("other", "other", frozenset({"blue"}), "todo"))

    found = trusted_images(records, "red")

    assert len(found) == TRUSTED
    assert {"0", "1", "2"} == set(found[:3])
    assert "other" not in found
    assert found == trusted_images(records[::-1], "red")
