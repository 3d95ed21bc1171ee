"""Reading files of every envelope, and refusing everything that is not weights."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch.torch_version import TorchVersion

from napari_wsss.core.errors import WeightsError
from napari_wsss.weights.read import read
from tests.weights.test_mxnet_params import params

STATE = {"conv.weight": torch.randn(2, 3), "norm.num_batches_tracked": torch.tensor(7)}


def _assert_is_state(found: dict[str, torch.Tensor]) -> None:
    assert list(found) == list(STATE)
    assert torch.equal(found["conv.weight"], STATE["conv.weight"])
    assert found["norm.num_batches_tracked"].dtype == torch.int64


@pytest.mark.parametrize(
    "content",
    [
        STATE,
        OrderedDict(STATE),
        {"state_dict": STATE, "epoch": 3},
        {"model": {"state_dict": STATE}, "optimizer": {"lr": 0.1}},
        {"epoch": 3, **STATE},
        {f"module.{key}": value for key, value in STATE.items()},
        {"state_dict": {f"module.{key}": value for key, value in STATE.items()}},
    ],
)
@pytest.mark.parametrize(("zipped", "name"), [(True, "without_suffix"), (False, "torch.safetensors")])
def test_envelopes_of_torch_save(tmp_path: Path, content: object, zipped: bool, name: str) -> None:
    path = tmp_path / name
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    state, metadata = read(path)

    _assert_is_state(state)
    assert metadata == {}


def test_safetensors_with_metadata_under_any_name(tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    save_file(STATE, path, metadata={"note": "x"})
    state, metadata = read(str(path))

    _assert_is_state({key: state[key] for key in STATE})
    assert metadata["note"] == "x"


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_floating_point_becomes_float32(tmp_path: Path, kind: torch.dtype) -> None:
    path = tmp_path / "a.safetensors"
    save_file({"w": STATE["conv.weight"].to(kind)}, path)
    found = read(path)[0]["w"]

    assert found.dtype == torch.float32
    assert torch.equal(found, STATE["conv.weight"].to(kind).float())


def test_params_of_mxnet_under_any_name(tmp_path: Path) -> None:
    path = tmp_path / "download.pth"
    path.write_bytes(params({"arg:conv_weight": np.ones((2, 3), np.float16)}))
    state, metadata = read(path)

    assert torch.equal(state["conv_weight"], torch.ones(2, 3))
    assert metadata == {}
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(WeightsError, match=r"damaged or incomplete \(it ends .* early\)"):
        read(path)


def test_a_prefix_of_some_keys_only_is_kept(tmp_path: Path) -> None:
    torch.save({"module.a": torch.zeros(1), "b": torch.zeros(1)}, tmp_path / "a.pth")

    assert set(read(tmp_path / "a.pth")[0]) == {"module.a", "b"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<!DOCTYPE html><html>Sign in</html>", "web page"),
        (b"\n  <HTML>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00", "git lfs pull"),
        (b"", "empty"),
        (b"\x12\x01\x00\x00MXNet", "not a format known"),
    ],
)
def test_other_files_are_named(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(content)

    with pytest.raises(WeightsError, match=message):
        read(path)


@pytest.mark.parametrize("share", [0.02, 0.5, 0.97])
@pytest.mark.parametrize("envelope", ["safetensors", "zip", "legacy"])
def test_truncated_files_are_refused(tmp_path: Path, envelope: str, share: float) -> None:
    path, state = tmp_path / "a", {"w": torch.randn(100, 100)}
    if envelope == "safetensors":
        save_file(state, path)
    else:
        torch.save(state, path, _use_new_zipfile_serialization=envelope == "zip")
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])

    with pytest.raises(WeightsError, match=r"damaged|incomplete"):
        read(path)


class _Harmful:
    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (Path("executed"),))


@pytest.mark.parametrize("name", ["a.pth", "a.safetensors"])
@pytest.mark.parametrize("plain_pickle", [True, False])
def test_pickled_objects_are_never_executed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plain_pickle: bool, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / name
    if plain_pickle:
        path.write_bytes(pickle.dumps(_Harmful(), protocol=2))
    else:
        torch.save({"w": torch.zeros(1), "x": _Harmful()}, path)

    with pytest.raises(WeightsError, match="Python objects"):
        read(path)
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize(("version", "safe"), [("2.5.1+cu124", False), ("2.6.0", True), ("2.13.0+cpu", True)])
def test_pytorch_files_need_a_torch_that_reads_them_safely(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, safe: bool
) -> None:
    torch.save(STATE, tmp_path / "a.pth")
    save_file(STATE, tmp_path / "a.safetensors")
    monkeypatch.setattr(torch, "__version__", TorchVersion(version))

    assert set(read(tmp_path / "a.safetensors")[0]) == set(STATE)
    if safe:
        assert set(read(tmp_path / "a.pth")[0]) == set(STATE)
    else:
        with pytest.raises(WeightsError, match=r"torch 2\.5\.1.* Install torch 2\.6"):
            read(tmp_path / "a.pth")


def test_files_without_tensors_say_what_they_hold(tmp_path: Path) -> None:
    torch.save({"epoch": 3}, tmp_path / "a.pth")
    torch.save([torch.zeros(1)], tmp_path / "b.pth")

    with pytest.raises(WeightsError, match="found: epoch"):
        read(tmp_path / "a.pth")
    with pytest.raises(WeightsError, match="holds a list"):
        read(tmp_path / "b.pth")
    with pytest.raises(WeightsError, match="no weights file"):
        read(tmp_path / "c.pth")
