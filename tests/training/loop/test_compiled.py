from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from training.loop.compiled import Compiled


class _Losses(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(2)

    def forward(self, batch: Tensor) -> dict[str, Tensor]:
        return {"sum": nn.functional.dropout(self.norm(batch), 0.5).square().sum()}


BATCH = torch.arange(8.0).view(4, 2)


def _found(module: nn.Module) -> tuple[float, Tensor]:
    torch.manual_seed(0)
    loss = module(BATCH)["sum"]
    loss.backward()
    return loss.item(), next(m for m in module.modules() if isinstance(m, nn.BatchNorm1d)).running_mean.clone()


def test_what_cannot_be_compiled_runs_as_it_is_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(module: nn.Module) -> Callable[[Tensor], dict[str, Tensor]]:
        def fail(batch: Tensor) -> dict[str, Tensor]:
            module(batch)  # half of the way, which must leave no trace
            raise RuntimeError("no compiler\nof a kind")

        return fail

    monkeypatch.setattr(torch, "compile", refuse)
    told: list[str] = []
    loss, running = _found(Compiled(_Losses(), told.append))
    expected, as_it_is = _found(_Losses())
    assert loss == expected
    assert torch.equal(running, as_it_is)
    assert told == ["The network could not be compiled (no compiler); it runs as it is."]


def test_what_is_compiled_is_tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def compile_it(module: nn.Module) -> Callable[[Tensor], dict[str, Tensor]]:
        calls.append(0)
        return lambda batch: module(batch)

    monkeypatch.setattr(torch, "compile", compile_it)
    told: list[str] = []
    module = Compiled(_Losses(), told.append)
    loss, running = _found(module)
    _found(module)
    expected, as_it_is = _found(_Losses())
    assert (loss, len(calls), told) == (expected, 1, [])
    assert torch.equal(running, as_it_is)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(not (shutil.which("c++") or shutil.which("g++")), reason="torch.compile needs a C++ compiler")
def test_torch_compiles_it() -> None:
    told: list[str] = []
    module = Compiled(_Losses().eval(), told.append)
    loss, _ = _found(module)
    assert told == []
    assert loss > 0
