"""Downloads through file:// addresses: cached, verified, repaired."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from napari_wsss.core.errors import WeightsError
from napari_wsss.weights.descriptor import WeightsDescriptor
from napari_wsss.weights.download import cache_folder, fetch, sha256_of

CONTENT = b"weights" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WSSS_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "server" / "net-abc.pth"
    path.parent.mkdir()
    path.write_bytes(CONTENT)
    return path


def _descriptor(source: Path, sha256: str | None = SHA256) -> WeightsDescriptor:
    return WeightsDescriptor("net", "Net", "resnet18", url=source.as_uri(), sha256=sha256)


@pytest.mark.parametrize("sha256", [SHA256, SHA256[:8], None])
def test_a_file_is_downloaded_once(source: Path, sha256: str | None) -> None:
    first = fetch(_descriptor(source, sha256))
    source.unlink()
    again = fetch(_descriptor(source, sha256))

    assert first == again == cache_folder() / "net-abc.pth"
    assert first.read_bytes() == CONTENT
    assert sha256_of(first) == SHA256


def test_a_damaged_copy_is_replaced(source: Path) -> None:
    fetch(_descriptor(source)).write_bytes(CONTENT[:10])

    assert fetch(_descriptor(source)).read_bytes() == CONTENT


def test_a_wrong_checksum_is_refused_and_leaves_nothing(source: Path) -> None:
    with pytest.raises(WeightsError, match="begins with 00000000"):
        fetch(_descriptor(source, "00000000"))
    assert list(cache_folder().iterdir()) == []


def test_failures_say_where_to_put_the_file(source: Path) -> None:
    source.unlink()
    with pytest.raises(WeightsError, match=r"put it at .*net-abc\.pth"):
        fetch(_descriptor(source))


def test_weights_without_address_name_their_source() -> None:
    with pytest.raises(WeightsError, match="page"):
        fetch(WeightsDescriptor("n", "Net", "resnet18", source="page"))


def test_an_explicit_folder_wins(source: Path, tmp_path: Path) -> None:
    assert fetch(_descriptor(source), tmp_path / "here").parent == tmp_path / "here"
