"""The script behind `make bench-gpu` at its smallest, on the CPU: every part of it runs, and gives rates."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from tests.benchmarks.heard import Heard  # noqa: E402
from tests.benchmarks.rates import HEAD, PARTS, Bench, Rate, Sizes  # noqa: E402


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "parts", [("cam maps", "crf", "crf at once"), pytest.param(PARTS, marks=pytest.mark.slow)], ids=["some", "all"]
)
def test_every_part_gives_a_rate(tmp_path: Path, parts: tuple[str, ...]) -> None:
    sizes = Sizes(images=5, size=64, steps=2, batch=2, crop=48, trunk="mobilenet_v2", width=1 / 16)
    bench = Bench.made(tmp_path, sizes, "cpu", "wall", lambda _: None)
    found = dict(zip(parts, bench.rates(parts), strict=True))
    assert all(rate.whole > 0 for rate in found.values())
    assert all(rate.row().count("|") == HEAD.splitlines()[0].count("|") for rate in found.values())
    for part in parts:
        assert (found[part].network is not None) == (part not in ("reference", "sharded", "walk"))


def test_a_share_is_that_of_the_slower_part() -> None:
    assert Rate("x", 3.0, decode=4.0, network=10.0).row().endswith("| 0.75 |")


def test_what_a_stage_reports_is_timed_without_the_ends_of_epochs() -> None:
    now = iter([1.0, 2.0, 4.0, 12.0, 15.0])
    heard = Heard("seam", lambda: next(now))
    heard.write('nothing\n{"stage": "other", "done": 1}\n')
    for done, message in ((0, ""), (1, ""), (2, ""), (2, ""), (2, "validated"), (3, ""), (4, "")):
        heard.write(f'{{"stage": "seam", "done": {done}, "message": "{message}"}}\n')
    assert heard.rate(1) == 2 / ((4.0 - 2.0) + (15.0 - 12.0))
