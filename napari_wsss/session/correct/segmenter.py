"""Which promptable segmenter answers clicks: two files a person chose, looked into before they are used."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from psygnal import Signal

from napari_wsss.core.progress import Steps
from napari_wsss.processes.apart import Apart
from napari_wsss.session.correct.embeddings import Embeddings
from napari_wsss.session.jobs import Job, Jobs
from napari_wsss.session.settings import Settings
from napari_wsss.session.signals import Signals

KEY = "segmenter"
Pair = tuple[Path, Path]


class SegmenterChoice:
    """Takes an encoder and a decoder into use.

    Parameters
    ----------
    jobs : Jobs
    settings : Settings
        Receives the files.
    embeddings : Embeddings
        Begin anew with another encoder.
    signals : Signals

    Attributes
    ----------
    changed : Signal()
        Another pair is in use, or none.
    """

    changed = Signal()

    def __init__(self, jobs: Jobs, settings: Settings, embeddings: Embeddings, signals: Signals) -> None:
        self._jobs, self._settings, self._embeddings, self._signals = jobs, settings, embeddings, signals
        self._apart = Apart("napari_wsss.promptable.answering:sorted_pair")

    @property
    def pair(self) -> Pair | None:
        """Encoder and decoder in use."""
        return self._settings.segmenter

    def choose(self, paths: Sequence[Path]) -> None:
        """Look into two files, in either order, and use them where one is an encoder and the other a decoder."""
        if len(paths) != 2:
            self._signals.failed.emit(
                f"A promptable segmenter is two files, an encoder and a decoder; {len(paths)} were chosen. Mark both."
            )
            return
        job = Job("look into the segmenter", partial(self._sorted, *paths), key=KEY, lane=KEY, quiet=True)
        job.succeeded.connect(self.use)
        job.failed.connect(lambda message, _: self._signals.failed.emit(message))
        self._jobs.submit(job)

    def use(self, pair: Pair | None) -> None:
        """Use a pair without looking into it, or none: files that cannot be used are told when they are needed."""
        if pair != self._settings.segmenter:
            self._settings.segmenter = pair
            self._embeddings.follow_settings()
            self.changed.emit()

    def _sorted(self, first: Path, second: Path) -> Steps[Pair]:
        found: Pair = yield from self._apart.steps(first, second)
        return found
