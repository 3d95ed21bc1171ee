"""Downloading published weights once, with their checksum."""

import hashlib
import os
from pathlib import Path
from urllib.parse import urlsplit

import platformdirs

from napari_wsss.core.errors import WeightsError
from napari_wsss.weights.descriptor import WeightsDescriptor


def cache_folder() -> Path:
    """Return where downloads are kept: ``WSSS_CACHE`` when set, else the system's cache folder for us."""
    return Path(os.environ.get("WSSS_CACHE") or platformdirs.user_cache_path("napari-wsss")) / "weights"


def fetch(descriptor: WeightsDescriptor, folder: Path | None = None) -> Path:
    """Return the local file of published weights, downloading it when it is not cached or no longer intact.

    Parameters
    ----------
    descriptor : WeightsDescriptor
        With a `url`; ``file://`` works too.
    folder : Path, optional
        Instead of `cache_folder`.

    Raises
    ------
    WeightsError
        When there is nothing to download from, the download fails, or the checksum differs.
    """
    if descriptor.url is None:
        raise WeightsError(
            f"{descriptor.title} cannot be downloaded in our format. Give the path of a local file "
            f"(--trunk-weights FILE, or --weights FILE to adopt it); it comes from "
            f"{descriptor.source or 'an unknown place'}."
        )
    found = cached(descriptor, folder)
    if found is not None:
        return found
    target = _place(descriptor.url, folder)
    _download(descriptor.url, target, descriptor.sha256)
    return target


def cached(descriptor: WeightsDescriptor, folder: Path | None = None) -> Path | None:
    """Return the local file of published weights, None where there is none, or none that is intact; see `fetch`."""
    if descriptor.url is None:
        return None
    target = _place(descriptor.url, folder)
    return target if target.is_file() and _intact(target, descriptor.sha256) else None


def _place(url: str, folder: Path | None) -> Path:
    return (folder or cache_folder()) / Path(urlsplit(url).path).name


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _intact(path: Path, sha256: str | None) -> bool:
    return sha256 is None or sha256_of(path).startswith(sha256)


def _download(url: str, target: Path, sha256: str | None) -> None:
    from torch.hub import download_url_to_file  # late: only a download needs it

    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        download_url_to_file(url, str(target), hash_prefix=sha256, progress=False)
    except (OSError, RuntimeError) as error:  # URLError is an OSError; a wrong checksum a RuntimeError
        raise WeightsError(
            f"Downloading {url} failed ({error}). Expected a file whose SHA-256 begins with {sha256}. Try again, or "
            f"fetch it by hand and put it at {target}."
        ) from error
