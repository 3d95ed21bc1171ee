"""The generated pictures do what they are for: from image-level labels alone a small classifier, trained from scratch
within three CPU minutes, finds the objects, and its activation maps show the textbook fault (heads, hardly bodies)."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from napari_wsss.sample.pictures import CLASSES, Picture, SampleObject, draw_picture

torch = pytest.importorskip("torch", reason="trains a classifier")
TRAIN, TEST, SIZE, EPOCHS, BATCH, RATE = 240, 40, 160, 26, 16, 2e-3
CPU_MINUTES = 3


@dataclass(frozen=True)
class Trained:
    """Maps (N, K, H, W) of the test pictures, scaled to a maximum of 1, their logits (N, K), and the CPU seconds."""

    pictures: list[Picture]
    maps: np.ndarray
    logits: np.ndarray
    seconds: float


def labels(pictures: list[Picture]) -> Any:
    return torch.tensor(
        np.array([CLASSES.vector(item.name for item in p.objects) for p in pictures]), dtype=torch.float
    )


def images(pictures: list[Picture]) -> Any:
    return torch.from_numpy(np.stack([p.pixels for p in pictures])).permute(0, 3, 1, 2).float() / 127.5 - 1


@pytest.fixture(scope="module")
def trained() -> Trained:
    from napari_wsss.networks.trunk import build_trunk

    torch.manual_seed(0)
    pictures = [draw_picture(f"p{index}", index, size=SIZE, seed=0) for index in range(TRAIN + TEST)]
    pixels, targets = images(pictures[:TRAIN]), labels(pictures[:TRAIN])
    trunk = build_trunk("resnet18", output_stride=16, width=0.25)
    network = torch.nn.Sequential(trunk, torch.nn.Conv2d(trunk.channels, len(CLASSES), 1, bias=False))
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=EPOCHS * TRAIN // BATCH, pct_start=0.05)
    start = time.process_time()
    for _ in range(EPOCHS):
        for batch in torch.randperm(TRAIN).split(BATCH):
            turned = torch.rot90(pixels[batch], int(torch.randint(4, ())), (2, 3))
            loss = torch.nn.functional.multilabel_soft_margin_loss(network(turned).mean((2, 3)), targets[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    seconds = time.process_time() - start
    with torch.inference_mode():
        raw = network.eval()(images(pictures[TRAIN:]))
        maps = torch.nn.functional.interpolate(raw.relu(), (SIZE, SIZE), mode="bilinear")
        maps = maps / maps.amax((2, 3), keepdim=True).clamp_min(1e-6)
    return Trained(pictures[TRAIN:], maps.numpy(), raw.mean((2, 3)).numpy(), seconds)


def spot(item: SampleObject, along: float) -> tuple[float, float]:
    """Return the (row, column) of a point on an object's axis; `along` in half body lengths, the head is at above 1."""
    row, column = item.centre
    return row + along * item.scale * np.sin(item.angle), column + along * item.scale * np.cos(item.angle)


def head(item: SampleObject) -> tuple[float, float]:
    return spot(item, 1.15 if item.look == "round" else 1.45)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_it_trains_within_the_time(trained: Trained) -> None:
    assert trained.seconds < 60 * CPU_MINUTES


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_it_knows_the_classes_of_new_pictures(trained: Trained) -> None:
    correct = (trained.logits > 0) == labels(trained.pictures).numpy().astype(bool)
    assert correct.mean() > 0.85


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_maps_peak_at_a_head_of_their_class(trained: Trained) -> None:
    hits = []
    for picture, maps in zip(trained.pictures, trained.maps, strict=True):
        for name in {item.name for item in picture.objects}:
            peak = np.unravel_index(maps[CLASSES.index(name)].argmax(), (SIZE, SIZE))
            heads = [head(item) for item in picture.objects if item.name == name]
            hits.append(min(np.hypot(peak[0] - row, peak[1] - column) for row, column in heads) < 16)
    assert np.mean(hits) > 0.75


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_maps_leave_out_most_of_the_bodies(trained: Trained) -> None:
    at_head, at_tail = [], []
    for picture, maps in zip(trained.pictures, trained.maps, strict=True):
        for item in picture.objects:
            scores = maps[CLASSES.index(item.name)]
            at_head.append(scores[tuple(int(c) for c in head(item))])
            at_tail.append(scores[tuple(int(c) for c in spot(item, -0.7))])
    assert np.mean(at_head) > 0.6
    assert np.mean(at_tail) < 0.5 * np.mean(at_head)
