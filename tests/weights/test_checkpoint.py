"""Our own checkpoints: round trip, atomicity, foreign files."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save, save_file
from torch import nn

from napari_wsss.core.errors import WeightsError
from napari_wsss.weights.checkpoint import checkpoint_meta, is_checkpoint, load_checkpoint, save_checkpoint
from napari_wsss.weights.read import read
from napari_wsss.weights.trained import load_trained


def test_round_trip_keeps_types_and_configuration(tmp_path: Path) -> None:
    state = {
        "half": torch.randn(3, 4).half(),
        "last": torch.randn(2, 3, 4, 4).to(memory_format=torch.channels_last),
        "count": torch.tensor(5),
        "empty": torch.zeros(0, 2),
    }
    meta = {"classes": ["Katze", "größer"], "rate": 0.1, "nested": {"list": [1, None, True]}}
    save_checkpoint(tmp_path / "run" / "last.safetensors", state, meta)
    found, found_meta = load_checkpoint(tmp_path / "run" / "last.safetensors")

    assert found_meta == meta
    assert set(found) == set(state)
    assert all(torch.equal(found[key], state[key]) and found[key].dtype == state[key].dtype for key in state)


def test_tensors_that_share_memory_are_stored_each(tmp_path: Path) -> None:
    shared = nn.Linear(2, 2)
    tied = nn.ModuleDict({"a": shared, "b": shared})
    save_checkpoint(tmp_path / "a.safetensors", tied.state_dict(), {})

    assert set(load_checkpoint(tmp_path / "a.safetensors")[0]) == set(tied.state_dict())


def test_a_failed_write_leaves_the_old_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_checkpoint(path, {"w": torch.ones(2)}, {"epoch": 1})
    with pytest.raises(TypeError):
        save_checkpoint(path, {"w": torch.zeros(2)}, {"epoch": object()})

    assert load_checkpoint(path)[1] == {"epoch": 1}
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("place", [-1, -7, 0.5])
def test_a_changed_byte_is_noticed(tmp_path: Path, place: float) -> None:
    path = tmp_path / "a.safetensors"
    save_checkpoint(path, {"w": torch.randn(40, 40), "b": torch.ones(3).half()}, {"epoch": 1})
    content = bytearray(path.read_bytes())
    content[int(place * len(content)) if place > 0 else int(place)] ^= 1
    path.write_bytes(content)
    for reader in (load_checkpoint, read):
        with pytest.raises(WeightsError, match=r"a\.safetensors is damaged.*digest"):
            reader(path)


def test_a_changed_configuration_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_checkpoint(path, {"w": torch.randn(4)}, {"classes": ["cat", "dog"]})
    path.write_bytes(path.read_bytes().replace(b"cat", b"cow"))
    with pytest.raises(WeightsError, match="digest"):
        load_checkpoint(path)


def test_checkpoints_from_before_the_digest_are_read(tmp_path: Path) -> None:
    save_file({"w": torch.ones(2)}, tmp_path / "a.safetensors", metadata={"napari-wsss": '{"epoch": 1}'})
    assert load_checkpoint(tmp_path / "a.safetensors")[1] == {"epoch": 1}


@pytest.mark.parametrize("kind", [torch.float32, torch.float16, torch.bfloat16])
def test_weights_that_are_no_numbers_are_refused_by_name(tmp_path: Path, kind: torch.dtype) -> None:
    state = {"good": torch.ones(2), "head.weight": torch.tensor([1.0, float("nan")]).to(kind)}
    save_checkpoint(tmp_path / "a.safetensors", state, {})
    torch.save(state, tmp_path / "b.pth")
    for name, reader in (("a.safetensors", load_checkpoint), ("b.pth", read)):
        with pytest.raises(WeightsError, match=rf"{name} knows nothing.*head\.weight"):
            reader(tmp_path / name)


def test_the_state_is_untouched_by_saving(tmp_path: Path) -> None:
    layer = nn.Linear(2, 3)
    save_checkpoint(tmp_path / "a.safetensors", layer.state_dict(keep_vars=True), {})

    assert layer.weight.requires_grad


def test_foreign_files_are_told_apart(tmp_path: Path) -> None:
    save_file({"w": torch.zeros(1)}, tmp_path / "foreign.safetensors")
    (tmp_path / "page.safetensors").write_bytes(b"<html>")

    assert checkpoint_meta(read(tmp_path / "foreign.safetensors")[1]) is None
    with pytest.raises(WeightsError, match="not a checkpoint"):
        load_checkpoint(tmp_path / "foreign.safetensors")
    with pytest.raises(WeightsError, match="web page"):
        load_checkpoint(tmp_path / "page.safetensors")


def test_ours_are_told_from_others_without_reading_them(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "ours", {"w": torch.ones(2)}, {})
    save_file({"w": torch.ones(2)}, tmp_path / "theirs")
    torch.save({"w": torch.ones(2)}, tmp_path / "a.pth")

    assert [is_checkpoint(tmp_path / name) for name in ("ours", "theirs", "a.pth", "none")] == [True] + [False] * 3


@pytest.mark.parametrize("meta", ["not JSON", "[1, 2]", "", "7", "[" * 50_000, '{"shelf": 3}'])
def test_a_configuration_that_cannot_be_read_is_one_sentence(tmp_path: Path, meta: str) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(save({"a": torch.zeros(1)}, metadata={"napari-wsss": meta}))
    with pytest.raises(WeightsError):
        load_trained(path, "localize")
    assert is_checkpoint(path), "so that whoever opens it hears of the damage, not of an unknown origin"
