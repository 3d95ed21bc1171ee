"""Choosing the device, threads and precision."""

from __future__ import annotations

import os

import pytest
import torch
from torch import nn

from napari_wsss.networks.device import autocast, background_threads, bf16_pays, choose_device, laid_out, seed_step


def test_auto_takes_the_best_device_there_is() -> None:
    expected = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"

    assert choose_device("auto").type == expected
    assert choose_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("name", ["cuda:99", "gpu", ""])
def test_an_absent_device_is_refused_with_the_choices(name: str) -> None:
    with pytest.raises(ValueError, match="cpu"):
        choose_device(name)


def test_background_work_leaves_a_core_free() -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads((os.cpu_count() or 2) + 1)
        threads = background_threads()
        assert threads == torch.get_num_threads() == max(1, (os.cpu_count() or 2) - 1)
    finally:
        torch.set_num_threads(before)


def test_background_work_never_raises_the_thread_count() -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        assert background_threads() == 1
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("told", [{"amx_bf16": True}, {"amx_bf16": False, "avx512_bf16": True}, {}])
def test_what_the_processor_is_decides_about_half_precision(
    told: dict[str, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: told, raising=False)
    assert bf16_pays.__wrapped__(torch.device("cpu")) is told.get("amx_bf16", False)
    assert not bf16_pays.__wrapped__(torch.device("meta"))


@pytest.mark.parametrize(("precision", "dtype"), [("float32", torch.float32), ("bfloat16", torch.bfloat16)])
def test_autocast_follows_the_named_precision(precision: str, dtype: torch.dtype) -> None:
    convolution = torch.nn.Conv2d(3, 4, 3)
    with autocast(torch.device("cpu"), precision), torch.no_grad():
        out = convolution(torch.zeros(1, 3, 8, 8))

    assert out.dtype == dtype


@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_a_layout_changes_where_weights_lie_and_not_what_they_are(layout: torch.memory_format) -> None:
    network = nn.Conv2d(4, 6, 3)
    before = network.weight.detach().clone()

    assert laid_out(network, layout) is network
    assert network.weight.is_contiguous(memory_format=layout)
    assert torch.equal(network.weight, before)


def test_a_step_on_a_cpu_draws_as_ever_and_asks_no_other_device(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(5)
    wanted = torch.rand(3)
    asked: list[int] = []
    for kind in (torch.cuda, torch.xpu, torch.mps):
        for name in ("manual_seed", "manual_seed_all"):
            monkeypatch.setattr(kind, name, asked.append, raising=False)
    torch.rand(2)

    seed_step(torch.device("cpu"), 5)

    assert torch.equal(torch.rand(3), wanted)
    assert not asked
    seed_step(torch.device("cuda"), 5)
    assert asked
