from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from napari_wsss.core.errors import ParameterError, StepError
from napari_wsss.core.provenance import Provenance
from napari_wsss.networks.deeplab_v3 import DeepLabV3
from napari_wsss.networks.trunk import build_trunk
from training.config import Optimisation
from training.data.samplers import BatchOrder
from training.hardware import Machine
from training.loop.learner import Learner, freeze, seed_everything, total_steps
from training.run_folder import RunFolder

SETTINGS = Optimisation(learning_rate=0.1, head_rate=10.0, momentum=0.0, weight_decay=0.5, poly_power=1.0)
CPU = Machine(torch.device("cpu"))


def _learner(settings: Optimisation = SETTINGS, total: int = 4) -> tuple[Learner, nn.Linear, nn.Linear]:
    trunk, head = nn.Linear(2, 2), nn.Linear(2, 2)
    network = nn.ModuleList([trunk, head])
    learner = Learner(network, (trunk.parameters(), head.parameters()), settings, total, CPU)
    return learner, trunk, head


def test_head_learns_faster_and_only_matrices_decay() -> None:
    learner, trunk, head = _learner()
    before = [p.detach().clone() for p in (trunk.weight, trunk.bias, head.weight, head.bias)]
    with learner.forward():
        loss = sum(p.sum() for p in (trunk.weight, trunk.bias, head.weight, head.bias))
    learner.update({"sum": loss})
    moved = [(b - p).detach() for b, p in zip(before, (trunk.weight, trunk.bias, head.weight, head.bias), strict=True)]
    # Gradient 1 everywhere, plus decay 0.5 * w on matrices.
    assert torch.allclose(moved[0], 0.1 * (1 + 0.5 * before[0]))
    assert torch.allclose(moved[1], torch.full((2,), 0.1))
    assert torch.allclose(moved[2], 1.0 * (1 + 0.5 * before[2]))
    assert torch.allclose(moved[3], torch.full((2,), 1.0))


def test_nesterov_looks_ahead_where_there_is_momentum() -> None:
    moved = {}
    for momentum in (0.0, 0.5):
        learner, trunk, _ = _learner(replace(SETTINGS, momentum=momentum, nesterov=True, poly_power=0.0))
        before = trunk.bias.detach().clone()
        with learner.forward():
            learner.update({"sum": trunk.bias.sum()})
        moved[momentum] = float((before - trunk.bias.detach())[0])
    assert moved == pytest.approx({0.0: 0.1, 0.5: 0.15})  # the first step: rate x (1 + momentum)


@dataclass(frozen=True)
class Arrays:
    images: Any
    labels: Any = None
    given: Any = None


@dataclass(frozen=True)
class Seen(Arrays):
    done: float = 0.0


def test_a_batch_has_the_types_that_losses_want() -> None:
    learner, *_ = _learner()
    arrays = Arrays(np.ones((1, 2), np.float32), np.array([[3, 255]], np.uint8), np.array([True, False]))
    batch = learner.batch(Seen, arrays, done=0.5)
    assert (batch.images.dtype, batch.labels.dtype, batch.given.dtype) == (torch.float32, torch.int64, torch.float32)
    assert (batch.labels.tolist(), batch.given.tolist(), batch.done) == ([[3, 255]], [1.0, 0.0], 0.5)
    assert learner.batch(Seen, Arrays(np.zeros(1, np.float32))).labels is None


@pytest.mark.parametrize(("channels", "fast"), [(4, False), (8, False), (16, True)])
def test_networks_too_narrow_for_channels_last_keep_their_layout(channels: int, fast: bool) -> None:
    network = nn.Sequential(nn.Conv2d(3, channels, 3), nn.Conv2d(channels, 8, 1, stride=2))
    learner = Learner(network, (network[0].parameters(), network[1].parameters()), SETTINGS, 4, CPU)
    images = learner.batch(Seen, Arrays(np.ones((2, 3, 10, 10), np.float32))).images
    assert images.is_contiguous(memory_format=torch.channels_last) == fast
    with learner.forward():
        learner.update({"sum": network(images).square().sum()})


def test_the_rate_falls_by_the_schedule() -> None:
    learner, trunk, _ = _learner()
    rates = []
    for _ in range(4):
        with learner.forward():
            loss = trunk.bias.sum()
        rates.append(learner.update({"sum": loss})["learning_rate"])
    assert rates == pytest.approx([0.1, 0.075, 0.05, 0.025])


def test_random_numbers_depend_on_seed_and_step() -> None:
    learner, _, _ = _learner()
    with learner.forward():
        first = torch.rand(3)
    torch.rand(100)
    with learner.forward():
        again = torch.rand(3)
    learner.step += 1
    with learner.forward():
        later = torch.rand(3)
    assert torch.equal(first, again)
    assert not torch.equal(first, later)


def test_a_diverged_loss_says_what_to_do() -> None:
    learner, trunk, _ = _learner()
    with learner.forward():
        loss = trunk.weight.sum() * float("nan")
    with pytest.raises(StepError, match="Lower the learning rate"):
        learner.update({"classification": loss})


def _moved(settings: Optimisation, factor: float) -> torch.Tensor:
    """Return by how much the trunk's bias moves in a step whose gradient is `factor` times 3 and 4."""
    learner, trunk, _ = _learner(settings)
    before = trunk.bias.detach().clone()
    with learner.forward():
        figures = learner.update({"sum": (factor * torch.tensor([3.0, 4.0]) * trunk.bias).sum()})
    assert figures["gradient_norm"] == pytest.approx(5 * factor)
    return before - trunk.bias.detach()


def test_a_gradient_too_large_keeps_its_direction_and_gets_the_largest_norm_allowed() -> None:
    clipped = replace(SETTINGS, clip_gradient=10.0)

    torch.testing.assert_close(_moved(clipped, 1e6), 0.1 * torch.tensor([6.0, 8.0]))
    torch.testing.assert_close(_moved(replace(SETTINGS, clip_gradient=0.0), 1e6), 0.1 * torch.tensor([3e6, 4e6]))


@pytest.mark.parametrize("factor", [0.0, 0.3, 1.9])
def test_a_gradient_below_the_largest_is_left_alone_bit_by_bit(factor: float) -> None:
    found = []
    for most in (0.0, 10.0):
        seed_everything(0)
        found.append(_moved(replace(SETTINGS, clip_gradient=most), factor))

    assert torch.equal(*found)


def test_a_gradient_that_is_not_finite_says_what_to_do_and_moves_nothing() -> None:
    learner, trunk, _ = _learner()
    before = trunk.weight.detach().clone()
    with learner.forward():
        loss = (0 * trunk.weight).sqrt().sum()
    assert torch.isfinite(loss)
    with pytest.raises(StepError, match="gradient became nan at step 0"):
        learner.update({"classification": loss})
    assert torch.equal(trunk.weight.detach(), before)
    assert learner.step == 0


@pytest.mark.parametrize("share", [0.5, 0.7])
def test_no_step_is_larger_than_rate_times_the_largest_norm(share: float) -> None:
    """A trunk most of whose channels are dead gives features close to nothing, and the norm behind them huge slopes."""
    seed_everything(0)
    network = DeepLabV3(build_trunk("vgg16", width=1 / 8), 2, rates=(1, 2))
    for layer in network.trunk.layers:
        if isinstance(layer, nn.Conv2d):
            layer.bias.data[torch.rand(layer.out_channels) < share] = -1e3
    settings = Optimisation(learning_rate=0.01, head_rate=1.0, weight_decay=0.0, momentum=0.0, clip_gradient=100.0)
    groups = (network.trunk.parameters(), network.head_parameters())
    learner = Learner(network, groups, settings, 6, CPU)
    images, target = torch.randn(1, 3, 49, 49), torch.randint(0, 2, (1, 4, 4))
    norms = []
    for _ in range(6):
        before = [weight.detach().clone() for weight in network.parameters()]
        with learner.forward():
            loss = nn.functional.cross_entropy(network(images).main, target)
        norms.append(learner.update({"segmentation": loss})["gradient_norm"])
        moved = [(w.detach() - b).flatten() for w, b in zip(network.parameters(), before, strict=True)]
        assert torch.cat(moved).norm() <= 1.01 * settings.learning_rate * settings.clip_gradient
    assert max(norms) > settings.clip_gradient


def test_frozen_weights_are_in_no_group() -> None:
    trunk = build_trunk("mobilenet_v2", width=1 / 16)
    freeze(trunk, Optimisation(freeze_stages=2, freeze_batch_norm=True))
    head = nn.Conv2d(trunk.channels, 2, 1)
    network = nn.Sequential(trunk, head)
    groups = (trunk.parameters(), head.parameters())
    learner = Learner(network, groups, Optimisation(), 1, CPU)
    learning = sum(p.numel() for g in learner._optimiser.param_groups for p in g["params"])
    assert learning == sum(p.numel() for p in network.parameters() if p.requires_grad)
    assert not any(m.weight.requires_grad for m in trunk.modules() if isinstance(m, nn.BatchNorm2d))


def test_more_frozen_stages_than_there_are_is_a_parameter_error() -> None:
    with pytest.raises(ParameterError, match="stages"):
        freeze(build_trunk("mobilenet_v2", width=1 / 16), Optimisation(freeze_stages=10))


def test_iterations_go_before_epochs() -> None:
    order = BatchOrder([1] * 10, 2, 0)
    assert total_steps(Optimisation(epochs=3, iterations=0), order) == 15
    assert total_steps(Optimisation(epochs=3, iterations=7), order) == 7


def test_seeding_repeats_new_layers() -> None:
    seed_everything(4)
    first = nn.Linear(3, 3).weight
    seed_everything(4)
    assert torch.equal(first, nn.Linear(3, 3).weight)


class _Squares(nn.Module):
    """A network whose loss is a mean over images, as a batch dataclass gives them."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 1)

    def loss(self, batch: Seen) -> dict[str, torch.Tensor]:
        return {"square": self.layer(batch.images).square().mean()}


def _steps(settings: Optimisation, machine: Machine = CPU, steps: int = 3) -> tuple[Learner, list[dict[str, float]]]:
    seed_everything(0)
    network, order = _Squares(), BatchOrder([1] * 6, 6, 0)
    learner = Learner(network, (network.parameters(), ()), settings, steps, machine, order)
    images = np.random.default_rng(0).normal(size=(6, 2)).astype(np.float32)
    figures = []
    for _ in range(steps):
        for part in learner.parts(Seen, Arrays(images)):
            learner.backward(learner.loss(part))
        figures.append(learner.update())
    return learner, figures


@pytest.mark.parametrize("parts", [2, 4, 6])
def test_a_batch_in_parts_is_learned_as_a_whole_one(parts: int) -> None:
    whole, figures = _steps(SETTINGS)
    cut, found = _steps(replace(SETTINGS, parts=parts))
    for one, other in zip(found, figures, strict=True):
        assert one == pytest.approx(other, rel=1e-5)
    torch.testing.assert_close(cut.network.state_dict(), whole.network.state_dict())


def test_float16_leaves_steps_out_whose_gradient_overflows_and_goes_on() -> None:
    half, figures = _steps(SETTINGS, Machine(torch.device("cpu"), torch.float16), steps=12)
    _, exact = _steps(SETTINGS, steps=12)
    assert not np.isfinite(figures[0]["gradient_norm"]), "the first scale is too large for it"
    finite = [one for one in figures if np.isfinite(one["gradient_norm"])]
    assert finite
    assert figures[0]["loss"] == pytest.approx(exact[0]["loss"], rel=1e-2)
    assert finite[-1]["loss"] < figures[0]["loss"]
    assert all(bool(torch.isfinite(weight).all()) for weight in half.network.parameters())


def test_the_scale_of_float16_and_the_mean_of_the_weights_are_kept(tmp_path: Path) -> None:
    settings, machine = replace(SETTINGS, average_decay=0.5), Machine(torch.device("cpu"), torch.float16)
    learner, _ = _steps(settings, machine, steps=4)
    run = RunFolder.create(tmp_path, "classifier", Provenance("training.classifier"), {})
    learner.save(run)

    again, _ = _steps(settings, machine, steps=0)
    again.resume(run)

    assert again.step == 4
    assert again._scaler.get_scale() == learner._scaler.get_scale() != torch.amp.GradScaler("cpu").get_scale()
    assert learner.average is not None
    assert again.average is not None
    torch.testing.assert_close(again.average.weights, learner.average.weights)
    assert again.figures == learner.figures
    assert (run.record["processes"], run.record["images_of_processes"], run.record["batch_norm"]) == (1, [6], "none")


def test_a_network_that_cannot_be_compiled_says_so_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(module: nn.Module) -> None:
        raise RuntimeError("no compiler here")

    monkeypatch.setattr(torch, "compile", fail)
    learner, figures = _steps(SETTINGS, Machine(torch.device("cpu"), None, True))
    assert figures == _steps(SETTINGS)[1]
    assert "could not be compiled (no compiler here)" in learner.said
