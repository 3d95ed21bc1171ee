"""One of something is not said as many."""

from __future__ import annotations

import re
from pathlib import Path

import napari_wsss
from napari_wsss.core.plural import counted

PACKAGE = Path(napari_wsss.__file__).parent
PLURAL = re.compile(r'f"[^"]*\{(?:len\([^{}]*\)|[a-z_.]+)(?::,)?\} (?:images|classes|masks|proposals|clusters)\b')
"""A count straight before a noun that is always plural."""


def test_one_is_not_many() -> None:
    assert counted(1, "image") == "1 image"
    assert counted(0, "image") == "0 images"
    assert counted(2400, "class", "classes") == "2,400 classes"
    assert counted(1, "image has", "images have") == "1 image has"


def test_the_window_counts_by_it() -> None:
    """What a person reads in the panel; errors of the command line may say *1 images*."""
    written = [path for room in ("session", "widgets") for path in (PACKAGE / room).rglob("*.py")]
    assert len(written) > 100
    found = [
        f"{path.relative_to(PACKAGE)}: {hit}" for path in written for hit in PLURAL.findall(path.read_text("utf8"))
    ]
    assert found == []
