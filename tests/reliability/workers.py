"""Kills workers (SIGKILL) that share the images of a project, again and again, and compares with what one would make.

``python -m tests.reliability.workers --kills 200``. Three processes compute the maps of 5,000 tiny pictures; whenever
some more are done one of them is killed, wherever it is: opening the project, taking a lease, computing, writing. Most
are started again as a queue of jobs would; what the others leave is to be taken over. The last line is
``kills=N lost=L different=D twice=T (P %)``; the exit code is 1 when a result is missing or not byte for byte that of a
single undisturbed run, or more than 1 % of the images were computed twice.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from napari_wsss.core.classes import ClassList
from napari_wsss.core.plan import Plan, Step
from napari_wsss.core.trunk_choice import TrunkChoice
from napari_wsss.localize.base import Localizer
from napari_wsss.pipeline import ready
from napari_wsss.pipeline.lineage import Lineage
from napari_wsss.project.project import Project
from napari_wsss.project.records import NewImage
from napari_wsss.project.sharing.share import LEASES, Part
from training.run import main as run_stage

SIDE = 16
STARTED_AGAIN = 0.8
"""Share of the killed workers that are started again at once; the part of the others is to be taken over."""
MOST_TWICE = 0.01
POLL_SECONDS = 0.01


@dataclass
class Outcome:
    """What all kills came to."""

    images: int
    kills: int = 0
    lost: int = 0
    different: int = 0
    left_over: int = 0
    computed: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def twice(self) -> int:
        """Maps that were finished before a kill and had to be made again, as they were not on disk."""
        return sum(count - 1 for count in self.computed.values())

    @property
    def is_sound(self) -> bool:
        return not (self.lost or self.different or self.left_over) and self.twice <= MOST_TWICE * self.images

    def line(self) -> str:
        share = 100 * self.twice / self.images
        return f"kills={self.kills} lost={self.lost} different={self.different} twice={self.twice} ({share:.2f} %)"


def build(folder: Path, images: int) -> Path:
    """Make a project of tiny pictures with an untrained classifier applied."""
    pictures, chance = folder / "pictures", np.random.default_rng(0)
    pictures.mkdir(parents=True)
    classes = ClassList(("cat", "dog", "cow"))
    names = [f"{at:05d}.png" for at in range(images)]
    for name in names:
        Image.fromarray(chance.integers(0, 255, (SIDE, SIDE, 3), dtype=np.uint8)).save(pictures / name)
    known = (NewImage(name, frozenset({classes.names[at % 3]})) for at, name in enumerate(names))
    with Project.create(folder / "project", pictures, classes, known) as project:
        localizer = Localizer.build("cam", TrunkChoice("resnet18", width=1 / 16), class_count=3)
        project.training_folder.mkdir()
        localizer.save(project.training_folder / "net.safetensors", classes, {})
        step = Step("cam", {"preset": "single", "precision": "float32"})
        project.set_plan(Plan(localizer=step, localizer_checkpoint="training/net.safetensors"))
    return folder / "project"


def stored(project: Path) -> dict[str, str]:
    """Return the digest of every file of results."""
    found = (path for path in (project / "results").rglob("*.*") if path.is_file() and LEASES not in path.parts)
    return {
        path.relative_to(project).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in found
        if not path.name.endswith(".tmp")  # a killed process leaves those; opening the project sweeps them
    }


class Workers:
    """Workers of one project, by the number of their part.

    Parameters
    ----------
    project : Path
    count : int
    log : Path
        Gets a line for every image whose maps are ready, by all of them.
    """

    def __init__(self, project: Path, count: int, log: Path) -> None:
        self._project, self._count, self._log = project, count, log
        self.running: dict[int, int] = {}
        log.touch()

    def start(self, number: int) -> None:
        child = os.fork()
        if child == 0:
            _work(self._project, Part(number, self._count), self._log)
        self.running[number] = child

    def kill(self, number: int) -> None:
        os.kill(self.running[number], signal.SIGKILL)
        os.waitpid(self.running.pop(number), 0)

    def ended(self) -> list[int]:
        """Return the parts of those that have ended by themselves; raise where one did not end well."""
        found = []
        for number, child in list(self.running.items()):
            pid, status = os.waitpid(child, os.WNOHANG)
            if pid:
                if status:
                    raise RuntimeError(f"worker {number} ended with {os.waitstatus_to_exitcode(status)}")
                del self.running[number]
                found.append(number)
        return found

    def lines(self) -> list[str]:
        return self._log.read_text().splitlines()

    def count_lines(self) -> int:
        return self._log.stat().st_size // len("00000.png\n")


def _work(project: Path, part: Part, log: Path) -> None:
    """Be a worker to the end of this process."""
    code = 1
    try:
        real = ready.model_maps

        def noted(item: Lineage, *given: object) -> object:
            maps = real(item, *given)  # type: ignore[arg-type]
            with log.open("a") as file:
                file.write(f"{item.image_id}\n")
            return maps

        ready.model_maps = noted  # type: ignore[assignment]
        words = ["localize", "--project", str(project), "--device", "cpu", "--threads", "1", "--events"]
        with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):
            code = run_stage([*words, "--shard", str(part)])
    except BaseException:  # noqa: BLE001 - nothing of this process may run on as its parent
        traceback.print_exc()
    finally:
        os._exit(code)


def kill_workers(folder: Path, images: int, kills: int, workers: int, seed: int) -> Outcome:
    """Compute the maps once undisturbed, then with kills, and compare."""
    chance = random.Random(seed)
    project = build(folder, images)
    alone = Workers(project, 1, folder / "alone.txt")
    alone.start(1)
    while not alone.ended():
        time.sleep(0.05)
    expected = stored(project)
    shutil.rmtree(project / "results")

    outcome, begun = Outcome(images), time.monotonic()
    several = Workers(project, workers, folder / "several.txt")
    parts = range(1, workers + 1)
    for number in parts:
        several.start(number)
    at = sorted(chance.randrange(images) for _ in range(kills))
    left: set[int] = set(parts)
    while several.running or left:
        left -= set(several.ended())
        if at and several.running and several.count_lines() >= at[0]:
            del at[0]
            # Any moment of a worker's: one that was counted just now would be writing more often than chance has it.
            time.sleep(chance.uniform(0, 2) * workers * (time.monotonic() - begun) / (several.count_lines() + 1))
            number = chance.choice(list(several.running))
            several.kill(number)
            outcome.kills += 1
            if chance.random() < STARTED_AGAIN:
                several.start(number)
        elif not several.running and left:  # all that live have ended: the queue starts one again
            several.start(min(left))
        else:
            time.sleep(POLL_SECONDS)
    outcome.seconds = time.monotonic() - begun
    compare(outcome, expected, stored(project))
    outcome.left_over = sum(1 for path in (project / "results" / LEASES).rglob("*.[0-9]*"))
    outcome.computed = Counter(several.lines())
    return outcome


def compare(outcome: Outcome, expected: dict[str, str], found: dict[str, str]) -> None:
    """Count what is missing and what is another one of the results that were to be made."""
    outcome.lost = len(expected.keys() - found.keys())
    outcome.different = sum(found.get(name) != digest for name, digest in expected.items()) - outcome.lost
    outcome.different += len(found.keys() - expected.keys())


def main(arguments: list[str] | None = None) -> int:
    """Run the kills (see the module) and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="wsss-workers-") as folder:
        outcome = kill_workers(Path(folder), chosen.images, chosen.kills, chosen.workers, chosen.seed)
    print(f"{chosen.images} images, {chosen.workers} workers, {outcome.seconds:.0f} s, {outcome.left_over} leases left")
    print(outcome.line())
    return 0 if outcome.is_sound else 1


if __name__ == "__main__":
    sys.exit(main())
