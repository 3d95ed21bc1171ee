"""Small folders of real pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from PIL import Image

from napari_wsss.exchange.matching import ImageIndex


@pytest.fixture
def pictures(tmp_path) -> Callable[..., Path]:
    """Return a function that writes 4 x 3 pixel pictures under `tmp_path/<folder>` and returns that folder."""

    def write(names: Iterable[str], folder: str = "photos") -> Path:
        for number, name in enumerate(names):
            path = tmp_path / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (4, 3), (number % 256, 80, 40)).save(path)
        return tmp_path / folder

    return write


@pytest.fixture
def index(pictures) -> ImageIndex:
    return ImageIndex.of_folder(pictures(["a.jpg", "b.jpg", "c.png", "sub/d.jpg"]))
