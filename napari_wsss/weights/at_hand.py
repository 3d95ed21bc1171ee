"""Whether the weights a training wants can be had, asked before it starts and without torch."""

from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from napari_wsss.core.trunk_choice import PUBLISHED, SCRATCH
from napari_wsss.weights.descriptor import WeightsDescriptor
from napari_wsss.weights.download import cached
from napari_wsss.weights.published import published, published_names

PATIENCE_SECONDS = 8.0


def missing_weights(trunk: str, source: str) -> str:
    """Return what keeps a training from its trunk's weights, in a sentence; "" where nothing does.

    Parameters
    ----------
    trunk : str
        The trunk they are for.
    source : str
        As the option ``--trunk-weights`` takes it. Of a library's own trunks (timm) the published weights are the
        library's affair: "".
    """
    if source in ("", SCRATCH):
        return ""
    name = f"{trunk}_{PUBLISHED}" if source == PUBLISHED else source
    if name in published_names():
        return _missing(published(name))
    if source == PUBLISHED or Path(source).is_file():
        return ""
    return f"there is no file {source}, and no published weights are called so."


def _missing(wanted: WeightsDescriptor) -> str:
    if wanted.url is None:
        return f"{wanted.title} cannot be downloaded in our format; it comes from {wanted.source}."
    if cached(wanted) is not None:
        return ""
    reason = _why_unreachable(wanted.url)
    place = urlsplit(wanted.url).netloc or wanted.url
    return f"{wanted.title} is not on this machine, and {place} cannot be reached ({reason})." if reason else ""


def _why_unreachable(url: str) -> str:
    """Return why a file cannot be asked for, "" when it can."""
    try:
        with urlopen(Request(url, method="HEAD"), timeout=PATIENCE_SECONDS):
            return ""
    except HTTPError as error:
        return f"it answers {error.code}"
    except OSError as error:  # URLError and time-outs are
        reason = getattr(error, "reason", error)
        return str(getattr(reason, "strerror", None) or reason) or type(error).__name__
