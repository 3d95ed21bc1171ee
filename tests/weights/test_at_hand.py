"""Weights are found in the cache, at their address or in a file; what is missing is said, without torch."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from napari_wsss.weights import at_hand
from napari_wsss.weights.at_hand import missing_weights
from napari_wsss.weights.published import published

NAME = "mobilenet_v2_imagenet"


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WSSS_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where MobileNet's weights are published here: a file that is not there yet."""
    place = tmp_path / "published" / "weights.pth"
    moved = replace(published(NAME), url=place.as_uri(), sha256=None)
    monkeypatch.setattr(at_hand, "published", lambda name: moved if name == NAME else published(name))
    return place


def test_random_weights_are_always_there() -> None:
    assert missing_weights("mobilenet_v2", "none") == missing_weights("resnet50", "") == ""


def test_published_weights_are_missing_only_where_they_cannot_be_had(address: Path, tmp_path: Path) -> None:
    missing = missing_weights("mobilenet_v2", "imagenet")
    assert published(NAME).title in missing
    assert "cannot be reached" in missing
    assert missing_weights("mobilenet_v2", NAME) == missing
    address.parent.mkdir()
    address.write_bytes(b"weights")
    assert missing_weights("mobilenet_v2", "imagenet") == ""
    cached = tmp_path / "cache" / "weights" / address.name
    cached.parent.mkdir(parents=True)
    address.rename(cached)
    assert missing_weights("mobilenet_v2", "imagenet") == ""


def test_a_file_must_be_there(tmp_path: Path) -> None:
    file = tmp_path / "own.pth"
    assert str(file) in missing_weights("mobilenet_v2", str(file))
    file.write_bytes(b"")
    assert missing_weights("mobilenet_v2", str(file)) == ""


def test_what_cannot_be_downloaded_names_its_source() -> None:
    assert "google-coral" in missing_weights("mobilenet_v2", "mobilenet_v2_coral")


def test_the_weights_of_another_library_are_its_affair() -> None:
    assert missing_weights("timm/convnext_tiny", "imagenet") == ""


def test_no_torch_is_loaded() -> None:
    code = "import sys, napari_wsss.weights.at_hand; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
