"""Several processes that share a stage's images on this machine: started, followed as one, started again when killed.

Each is the very command that was typed, with a part of the images (`--shard`) of its own; leases keep them out of each
other's way (`project.sharing`). So it does not matter whether all of them are started here, or by an array of jobs.
"""

from __future__ import annotations

import argparse
import os
import queue
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from napari_wsss.core.errors import StepError
from napari_wsss.core.progress import Progress, Steps, read_report
from napari_wsss.pipeline.over_images import large_words
from napari_wsss.processes.children import SILENCE, Followed, python
from napari_wsss.project.sharing.share import Part
from training.report import Reporter, watched

DONE, SOME_FAILED = 0, 4
RESTARTS = 3
"""How often a worker's part is started again after it was killed, before its picture or the memory must be at fault."""
_OURS = {"--workers": 1, "--shard": 1, "--device": 1, "--threads": 1, "--events": 0, "--json": 0, "--apply": 0}
"""Options that workers are given anew, or not at all, and how many words follow each."""


@dataclass
class Worker:
    """One part of the images, and what its process said.

    Parameters
    ----------
    part : Part
    command : sequence of str
    done, total : int
        Images so far, and all of its part.
    report : mapping, optional
        What it came to, once it has ended well.
    complaints : list of str
        What it said besides.
    code : int, optional
        Its exit code, once it has ended.
    starts : int
        How often it was started.
    """

    part: Part
    command: Sequence[str]
    done: int = 0
    total: int = 0
    report: dict[str, Any] | None = None
    complaints: list[str] = field(default_factory=list)
    code: int | None = None
    starts: int = 0

    @property
    def was_killed(self) -> bool:
        """True when it ended by no will of its own."""
        return self.report is None and self.code is not None and (self.code < 0 or self.code > 128)

    def hear(self, line: str) -> None:
        """Take in a line that it printed."""
        found = read_report(line)
        if found is None:
            self.complaints.append(line)
        elif found.get("stage") == "report" and "done" in found and "failed" in found:
            self.report = found
        elif found.get("stage") != "report":
            self.done, self.total = int(found.get("done", 0)), int(found.get("total", 0))


def together(options: argparse.Namespace, parts: Sequence[Part], report: Reporter) -> int:
    """Carry out a stage by a worker for each part; print what all came to and return the exit code.

    Parameters and errors are those of `carried_out`.
    """
    workers = carried_out(options, parts, report)
    failed: dict[str, str] = {}
    for worker in workers:
        failed |= (worker.report or {}).get("failed", {})
    for image_id, reason in failed.items():
        report.say(f"failed: {image_id}: {reason}", image=image_id)
    done, reused = (sum(int((worker.report or {}).get(name, 0)) for worker in workers) for name in ("done", "reused"))
    large = sum(int((worker.report or {}).get("large", 0)) for worker in workers)
    if large:
        report.say(large_words(large))
    report.say(
        f"{done} computed, {reused} reused, {len(failed)} failed, by {len(workers)} workers",
        done=done,
        reused=reused,
        large=large,
        failed=failed,
        workers=len(workers),
        restarts=sum(worker.starts - 1 for worker in workers),
    )
    return SOME_FAILED if failed else DONE


def carried_out(
    options: argparse.Namespace, parts: Sequence[Part], report: Reporter, more: Sequence[str] = ()
) -> list[Worker]:
    """Carry out a stage by a worker for each part, and return them, all ended well.

    Parameters
    ----------
    options : Namespace
        Of the stage; `typed` are the words of its command line.
    parts : sequence of Part
    report : Reporter
    more : sequence of str
        Further words for every worker, which count instead of those that were typed before.

    Raises
    ------
    StepError
        When a worker ends with an error, or is killed again and again.
    """
    places = devices(options.device, len(parts))
    threads = options.threads or max(1, cores() // len(parts))
    shared = [options.stage, *without(options.typed[1:], _OURS), "--events", "--threads", str(threads), *more]
    command = ("-m", "training.run", *shared)
    workers = [
        Worker(part, python(*command, "--device", place, "--shard", str(part)))
        for part, place in zip(parts, places, strict=True)
    ]
    watched(followed(options.stage, workers), report)
    return workers


def followed(stage: str, workers: Sequence[Worker]) -> Steps[None]:
    """Run workers to their ends, reporting them as one; those that are killed are started again.

    Raises
    ------
    StepError
        As `together` has it; the others are ended.
    """
    news: queue.SimpleQueue[tuple[Worker, str | None]] = queue.SimpleQueue()
    with ExitStack() as stack:
        for worker in workers:
            _start(worker, news, stack)
        running = len(workers)
        while running:
            worker, line = news.get()
            if line is not None:
                worker.hear(line)
                yield Progress(stage, sum(one.done for one in workers), sum(one.total for one in workers))
            elif worker.was_killed and worker.starts <= RESTARTS:
                _start(worker, news, stack)
            elif worker.report is None:
                raise StepError(_why(worker))
            else:
                running -= 1


def _start(worker: Worker, news: queue.SimpleQueue[tuple[Worker, str | None]], stack: ExitStack) -> None:
    worker.starts, worker.code = worker.starts + 1, None
    output = stack.enter_context(Followed(worker.command))
    name = f"wsss-worker-{worker.part.number}"
    threading.Thread(target=_listen, args=(worker, output, news), name=name, daemon=True).start()


def _listen(worker: Worker, output: Followed, news: queue.SimpleQueue[tuple[Worker, str | None]]) -> None:
    for line in output:
        if line != SILENCE:
            news.put((worker, line))
    worker.code = output.code
    news.put((worker, None))


def _why(worker: Worker) -> str:
    if worker.was_killed:
        return (
            f"The worker of part {worker.part} was killed {worker.starts} times (exit code {worker.code}), most likely "
            "because memory ran out. Use fewer --workers, a smaller --pixel-budget, or --device cpu; what is stored "
            "stays, and the same command goes on."
        )
    said = "\n".join(worker.complaints[-20:]) or "it said nothing"
    return f"The worker of part {worker.part} ended with exit code {worker.code}: {said}"


def devices(chosen: str, count: int) -> list[str]:
    """Return a device for each of `count` workers: the GPUs in turn where there are some and none was chosen."""
    if chosen != "auto" or find_spec("torch") is None:
        return [chosen] * count
    from napari_wsss.networks.device import choose_device

    if choose_device("auto").type != "cuda":
        return [chosen] * count
    import torch

    return [f"cuda:{at % torch.cuda.device_count()}" for at in range(count)]


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def without(words: Sequence[str], options: dict[str, int]) -> Iterator[str]:
    """Yield the words of a command line without these options and what follows them (their numbers of words)."""
    left = 0
    for word in words:
        name, equals, _ = word.partition("=")
        if left:
            left -= 1
        elif name in options:
            left = 0 if equals else options[name]
        else:
            yield word
