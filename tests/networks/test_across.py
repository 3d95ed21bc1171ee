"""Two processes on gloo, each with a share of a batch, against one with all of it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
import torch.nn.functional as F
from torch import Tensor, nn

from napari_wsss.networks.across import Shares, count, drawn, drawn_apart, group_seeds, mean, shared, total
from napari_wsss.networks.batch_norm import BatchNorm

COUNTS = (3, 2)


def _batch() -> Tensor:
    return torch.randn(5, 4, 3, 3, generator=torch.Generator().manual_seed(1)).double()


def _normed(norm: nn.BatchNorm2d, images: Tensor) -> dict[str, Tensor]:
    """Return what a loss of normalised images gives: it, its gradients and the running statistics."""
    images = images.clone().requires_grad_()
    loss = total(norm(images).pow(3).sum()) / total(torch.tensor(float(images.numel())))
    loss.backward()
    assert images.grad is not None
    assert norm.weight.grad is not None
    running = {"mean": norm.running_mean, "var": norm.running_var}
    return {"loss": loss.detach(), "images": images.grad, "weight": norm.weight.grad, **running}


def _found(images: Tensor) -> dict[str, object]:
    """Return what is computed from some images, or from a share of them."""
    torch.manual_seed(3)
    weight = torch.ones(4, dtype=torch.float64, requires_grad=True)
    scaled = images * weight[:, None, None]
    ratio = total(scaled.relu().square().sum()) / total((images > 0).sum())
    (mean(scaled.abs()) + ratio).backward()
    found: dict[str, object] = {"ratio": ratio.detach(), "gradient": weight.grad, "count": count(images.numel())}
    found |= {"norm": _normed(BatchNorm(4).double(), images), "plain": _normed(nn.BatchNorm2d(4).double(), images)}
    found |= {"dropout": F.dropout(images, 0.5), "channels": nn.Dropout2d(0.4)(images), "drawn": drawn(len(images), 2)}
    striped = images.contiguous(memory_format=torch.channels_last)
    found["striped"] = F.dropout(striped, 0.5)
    apart = []
    for at, seed in enumerate(group_seeds(len(images))):  # groups of one
        with drawn_apart(seed):
            apart.append(F.dropout(images[at : at + 1], 0.5))
    return found | {"apart": torch.cat(apart)}


def _share(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    shares = Shares(COUNTS, rank)
    with shared(shares):
        found = _found(_batch()[shares.own])
    torch.save(found, f"{folder}/{rank}.pt")
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def halves(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Tensor]]:
    folder = tmp_path_factory.mktemp("across")
    mp.spawn(_share, (str(folder),), nprocs=2)
    return [torch.load(Path(folder) / f"{rank}.pt", weights_only=True) for rank in range(2)]


@pytest.fixture(scope="module")
def whole() -> dict[str, Tensor]:
    found: dict[str, Tensor] = _found(_batch())  # type: ignore[assignment]  # of tensors, and of mappings of them
    return found


def test_sums_and_means_are_those_of_all_images(whole: dict[str, Tensor], halves: list[dict[str, Tensor]]) -> None:
    for half in halves:
        torch.testing.assert_close(half["ratio"], whole["ratio"])
        assert half["count"] == whole["count"]
    # As torch's distributed training does: the mean of the gradients of all processes.
    torch.testing.assert_close(sum(half["gradient"] for half in halves) / 2, whole["gradient"], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["norm", "plain"])
def test_batch_norm_sees_all_images(name: str, whole: dict[str, Tensor], halves: list[dict[str, Tensor]]) -> None:
    one, both = whole[name], [half[name] for half in halves]

    def close(a: Tensor, b: Tensor) -> None:
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)

    for part in both:
        close(part["loss"], one["loss"])
        close(part["mean"], one["mean"])
        close(part["var"], one["var"])
    close(torch.cat([part["images"] for part in both]) / 2, one["images"])
    close((both[0]["weight"] + both[1]["weight"]) / 2, one["weight"])


@pytest.mark.parametrize("name", ["dropout", "channels", "striped", "drawn", "apart"])
def test_random_numbers_are_those_of_the_whole_batch(
    name: str, whole: dict[str, Tensor], halves: list[dict[str, Tensor]]
) -> None:
    assert torch.equal(torch.cat([half[name] for half in halves]), whole[name])
    assert float(torch.as_tensor(whole[name] == 0).float().mean()) < 1


def test_alone_everything_is_as_it_was() -> None:
    values = torch.randn(7)
    assert mean(values) == values.mean()
    assert total(values) is values
    assert count(7) == 7
    with shared(Shares((7,), 0)):
        assert mean(values) == values.mean()
