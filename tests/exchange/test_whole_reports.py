from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from napari_wsss.exchange.whole_reports import WholeReport


@dataclass(frozen=True)
class Report(WholeReport):
    folder: Path
    labels: dict[str, frozenset[str]]
    unreadable: tuple[str, ...] = ()
    count: int = 0
    inner: object = field(default=None)


FULL = Report(Path("/x"), {"a\nb": frozenset({"dog", "cat"})}, tuple(f"line {k}" for k in range(300)), 3)


def test_every_entry_is_a_line() -> None:
    lines = FULL.whole().splitlines()
    assert lines[0] == "folder: /x"
    assert "unreadable (300):" in lines
    assert "  line 299" in lines
    assert r"  a\nb: cat, dog" in lines


def test_json_holds_everything_in_plain_types() -> None:
    record = json.loads(Report(Path("/x"), {"\udcff": frozenset()}, inner=FULL).as_json())
    assert record["labels"] == {r"\udcff": []}
    assert record["inner"]["unreadable"][-1] == "line 299"
    assert record["inner"]["count"] == 3
