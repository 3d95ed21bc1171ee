from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from napari_wsss.core.provenance import Provenance
from training.config import Optimisation
from training.data.samplers import BatchOrder
from training.hardware import Machine
from training.loop.learner import Learner
from training.loop.milestones import Milestones
from training.run_folder import RunFolder

CPU = Machine(torch.device("cpu"))


class _Bench:
    """A learner that takes empty steps, two per epoch, with given validation figures."""

    def __init__(self, folder: Path, figures: list[dict[str, float]], settings: Optimisation | None = None) -> None:
        layer = nn.Linear(1, 1)
        self.learner = Learner(layer, (layer.parameters(), ()), settings or Optimisation(), 6, CPU)
        self.run = RunFolder.create(folder, "classifier", Provenance("training.classifier"), {})
        self.written: list[tuple[int, str]] = []
        self.seen: dict[str, float] = {}
        found: Iterator[dict[str, float]] = iter(figures)
        order = BatchOrder([1] * 4, 2, 0)
        self.milestones = Milestones(
            "classifier", self.learner, order, self.run, lambda: next(found), lambda path: self._write(path)
        )

    def _write(self, path: Path) -> None:
        self.written.append((self.learner.step, path.name))
        self.seen[path.name] = self.learner.network.weight.item()

    def step(self) -> list[dict[str, float]]:
        self.learner.step += 1
        return [dict(p.metrics) for p in self.milestones.keep()] if self.milestones.due() else []


def test_epochs_end_with_validation_and_checkpoint(tmp_path: Path) -> None:
    bench = _Bench(tmp_path, [{"miou": 0.1}, {"miou": 0.3}, {"miou": 0.2}])
    assert [bench.step() for _ in range(6)] == [[], [{"miou": 0.1}], [], [{"miou": 0.3}], [], [{"miou": 0.2}]]
    assert [step for step, name in bench.written if name == "last.safetensors"] == [2, 4, 6]
    assert [step for step, name in bench.written if name == "best.safetensors"] == [2, 4]
    assert bench.learner.best == {"miou": 0.3}
    assert (bench.run.path / "resume.safetensors").exists()


def test_without_figures_the_last_model_is_the_best(tmp_path: Path) -> None:
    bench = _Bench(tmp_path, [{}, {}, {}])
    for _ in range(6):
        bench.step()
    assert [step for step, name in bench.written if name == "best.safetensors"] == [2, 4, 6]


def test_a_stop_in_the_middle_of_an_epoch_keeps_the_state_without_validation(tmp_path: Path) -> None:
    bench = _Bench(tmp_path, [])
    bench.run.request_stop()
    assert bench.step() == []
    assert bench.milestones.stopping()
    assert bench.written == [(1, "last.safetensors")]
    assert (bench.run.path / "resume.safetensors").exists()


def test_a_stop_at_the_last_step_is_no_stop(tmp_path: Path) -> None:
    bench = _Bench(tmp_path, [{"miou": 0.5}])
    bench.learner.step = 5
    bench.run.request_stop()
    assert bench.step() == [{"miou": 0.5}]
    assert not bench.milestones.stopping()


def test_progress_counts_steps_and_names_the_epoch(tmp_path: Path) -> None:
    bench = _Bench(tmp_path, [])
    bench.learner.step = 3
    progress = bench.milestones.progress({"loss": 1.0})
    assert (progress.done, progress.total, progress.message) == (3, 6, "epoch 2")
    assert progress.fraction == pytest.approx(0.5)


def test_the_mean_of_the_weights_is_validated_and_written_beside(tmp_path: Path) -> None:
    settings = replace(Optimisation(), average_decay=0.9)
    bench = _Bench(tmp_path, [{"miou": 0.5}, {"miou": 0.6}], settings)
    average, weight = bench.learner.average, bench.learner.network.weight
    assert average is not None
    nn.init.constant_(weight, 1.0)
    average.weights["weight"].fill_(3.0)
    bench.learner.step = 1

    assert bench.step() == [{"miou": 0.5, "miou_averaged": 0.6}]

    assert bench.seen == {
        **{"best.safetensors": 1.0, "best_averaged.safetensors": 3.0},
        **{"last.safetensors": 1.0, "last_averaged.safetensors": 3.0},
    }
    assert float(weight.detach()) == 1.0
    assert bench.learner.best == {"miou": 0.5, "miou_averaged": 0.6}
