from __future__ import annotations

from collections.abc import Iterator

import pytest

from napari_wsss.core.errors import StepError
from napari_wsss.core.progress import Progress, finish
from training.distributed import World, dealt, explained, first_node, joined, meeting_point, world

TORCHRUN = {"RANK": "5", "WORLD_SIZE": "8", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "4"}
SRUN = {
    **{"SLURM_PROCID": "3", "SLURM_NTASKS": "8", "SLURM_STEP_NUM_TASKS": "4", "SLURM_LOCALID": "1"},
    **{"SLURM_STEP_TASKS_PER_NODE": "2(x2)", "SLURM_STEP_NODELIST": "gpu[07-08]", "SLURM_JOB_ID": "123456"},
}


def test_who_a_process_is_stands_in_its_environment() -> None:
    assert World.from_environment({}) == World()
    assert World.from_environment({"WORLD_SIZE": "1", "RANK": "0"}) == World()
    assert World.from_environment(TORCHRUN) == World(5, 8, 1, 4, "torchrun")
    assert World.from_environment(SRUN) == World(3, 4, 1, 2, "srun")
    assert World.from_environment(SRUN | TORCHRUN).launcher == "torchrun"  # torchrun within a job of SLURM
    assert World.from_environment({"SLURM_NTASKS": "8"}) == World(), "a job may have tasks without being in one"


@pytest.mark.parametrize(
    ("nodes", "first"),
    [("gpu07", "gpu07"), ("gpu[07-09,12],cpu1", "gpu07"), ("a1,b2", "a1"), ("n-[3]", "n-3"), ("", "")],
)
def test_the_first_machine_of_a_list(nodes: str, first: str) -> None:
    assert first_node(nodes) == first


def test_slurm_jobs_meet_at_their_first_machine_at_a_port_of_their_own() -> None:
    address, port = meeting_point(SRUN)
    assert address == "gpu07"
    assert 20_000 <= port < 40_000
    assert meeting_point({**SRUN, "SLURM_JOB_ID": "123457"}) == (address, port + 1)
    assert meeting_point({**SRUN, "MASTER_ADDR": "10.0.0.1", "MASTER_PORT": "29500"}) == ("10.0.0.1", 29500)


@pytest.mark.parametrize("group", [1, 2, 3])
@pytest.mark.parametrize("among", [1, 2, 5])
@pytest.mark.parametrize("items", [0, 1, 7, 12])
def test_items_are_dealt_out_in_order_in_whole_groups_and_evenly(items: int, group: int, among: int) -> None:
    parts = dealt(items, group, among)
    assert [item for part in parts for item in part] == list(range(items))
    assert len(parts) == among
    assert all(part.start % group == 0 for part in parts if part)
    groups = [-(-len(part) // group) for part in parts]
    assert max(groups) - min(groups) <= 1


def _steps(result: int) -> Iterator[Progress]:
    yield Progress("classifier")
    return result  # type: ignore[return-value]  # a generator's result


def test_one_alone_asks_and_tells_nobody() -> None:
    alone = world()
    assert (alone.agreed(True), alone.any(False), alone.told("what")) == (True, False, "what")
    assert alone.first_does(lambda: 3) == 3
    assert finish(alone.by_first(_steps(4))) == 4
    assert alone.dealt(5) == (range(5),)
    assert alone.device_name("auto") == "auto"
    with joined({}) as found:
        assert found.size == 1
    error = RuntimeError("gloo: Connection closed by peer")
    assert explained(error) is error


def test_on_a_machine_without_gpus_several_processes_take_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    assert World(1, 2, 1, 2).device_name("auto") == "cpu"


def test_every_process_has_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    assert [World(rank, 2, rank, 2).device_name("auto") for rank in range(2)] == ["cuda:0", "cuda:1"]
    assert World(1, 2, 1, 2).device_name("cpu") == "cpu"
    with pytest.raises(StepError, match="4 processes on a machine with 2 GPUs"):
        World(3, 4, 3, 4).device_name("cuda")
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)  # as srun --gpus-per-task=1 shows them
    assert World(3, 4, 3, 4).device_name("auto") == "cuda:0"


def test_who_does_not_meet_the_others_is_told_what_to_do() -> None:
    told = r"Process 0 of 2 did not meet the others.*srun stands before the command"
    with pytest.raises(StepError, match=told), joined({"WORLD_SIZE": "2"}):
        pass
    assert world().size == 1
