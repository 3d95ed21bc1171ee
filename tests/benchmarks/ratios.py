"""Compares two commits by the benchmarks' own reports: each figure's best run of each side, and their ratio.

Run both in turns on one quiet machine, so that whatever else it does meets both; here from a folder that holds a
checkout of each, with one environment:

    for round in 1 2 3; do for side in before after; do
      (cd $side && .ci/with_display python -m pytest tests/benchmarks -o addopts= --import-mode=importlib \\
        --benchmark-only -m "not real and not gpu" -k "next_image or slider or catalog or queue" \\
        --benchmark-json=../$side-$round.json)
    done; done
    cd after && python -m tests.benchmarks.ratios --before ../before-*.json --after ../after-*.json

Figures called ``own`` are this thread's time, which other programs lengthen little.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path

FACTS = ("own_beyond_p95_ms", "beyond_p50_ms", "own_p99_ms", "repaint_ms", "refresh_ms", "open_ms", "grown_megabytes")
"""What the benchmarks note besides their median; each is better when smaller."""
Figures = dict[tuple[str, str], float]


def figures(report: Path) -> Figures:
    """Return the figures of a report of pytest-benchmark: (benchmark, figure) -> value, times in milliseconds."""
    found: Figures = {}
    for one in json.loads(report.read_text(encoding="utf-8"))["benchmarks"]:
        found[one["name"], "median_ms"] = 1000 * one["stats"]["median"]
        found |= {(one["name"], fact): float(one["extra_info"][fact]) for fact in FACTS if fact in one["extra_info"]}
    return found


def best(reports: Iterable[Path]) -> Figures:
    """Return the smallest of each figure over several reports."""
    found: Figures = {}
    for report in reports:
        for name, value in figures(report).items():
            found[name] = min(value, found.get(name, value))
    return found


def table(before: Figures, after: Figures) -> str:
    """Return a table of Markdown with the figures that both have, and after / before."""
    lines = ["| benchmark | figure | before | after | ratio |", "|---|---|---|---|---|"]
    for (name, figure), value in before.items():
        if (name, figure) in after and value > 0:
            now = after[name, figure]
            lines.append(f"| {name} | {figure} | {value:.3g} | {now:.3g} | {now / value:.2f} |")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    """Print the table (see the module)."""
    parser = argparse.ArgumentParser(description="Compare the benchmarks of two commits.")
    parser.add_argument("--before", nargs="+", type=Path, required=True, help="reports of --benchmark-json")
    parser.add_argument("--after", nargs="+", type=Path, required=True)
    chosen = parser.parse_args(arguments)
    sys.stdout.write(table(best(chosen.before), best(chosen.after)) + "\n")


if __name__ == "__main__":
    main()
