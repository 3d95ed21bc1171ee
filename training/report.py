"""What a person or a program sees of a run: a bar, JSON lines, one object; the only module here that prints."""

import json
import sys
import time
from typing import Protocol, TypeVar

from tqdm import tqdm

from napari_wsss.core.progress import Progress, Steps, finish

Result = TypeVar("Result")


class Reporter(Protocol):
    """Where the progress of a run goes."""

    def show(self, progress: Progress) -> None:
        """Show one progress."""

    def say(self, text: str, **facts: object) -> None:
        """Show a line or table of text; `facts` are for programs that listen."""

    def close(self) -> None:
        """End the display."""


class Terminal:
    """A progress bar with rate and ETA for people (on standard error, so that tables can be piped)."""

    def __init__(self) -> None:
        self._bar: tqdm | None = None
        self._shown = ("", 0)

    def show(self, progress: Progress) -> None:
        """Move the bar of `progress.stage`; a new stage gets a new bar."""
        key = (progress.stage, progress.total)
        if self._bar is None or self._shown != key:
            self._end_bar()
            self._bar = tqdm(desc=progress.stage, total=progress.total or None, initial=progress.done, leave=True)
            self._shown = key
        self._bar.set_postfix_str(_short(progress), refresh=False)
        self._bar.update(progress.done - self._bar.n)

    def say(self, text: str, **facts: object) -> None:
        """Print `text` without tearing the bar."""
        tqdm.write(text, file=sys.stdout)
        sys.stdout.flush()

    def close(self) -> None:
        """Leave the bar as it stands."""
        self._end_bar()

    def _end_bar(self) -> None:
        if self._bar is not None:
            self._bar.close()
        self._bar = None


class EventLines:
    """One JSON object per line on standard output, flushed: what `--events` promises."""

    def show(self, progress: Progress) -> None:
        """Print `progress` as JSON."""
        print(json.dumps({**progress.to_dict(), "time": round(time.time(), 3)}), flush=True)

    def say(self, text: str, **facts: object) -> None:
        """Print the text as the message of a line with stage ``report``, `facts` beside it."""
        print(json.dumps({**Progress("report", message=text).to_dict(), **facts}, default=str), flush=True)

    def close(self) -> None:
        """Nothing to end."""


class OneObject(Terminal):
    """The bar, and at the end one JSON object of all facts, what was said below ``said``: what `--json` promises."""

    def __init__(self) -> None:
        super().__init__()
        self._facts: dict[str, object] = {}
        self._said: list[str] = []

    def say(self, text: str, **facts: object) -> None:
        """Keep the text and its facts for the end."""
        self._said.append(text)
        self.note(**facts)

    def note(self, **facts: object) -> None:
        """Keep facts for the end that nothing was said of."""
        self._facts |= facts

    def close(self) -> None:
        """End the bar and print the object."""
        super().close()
        print(json.dumps({"said": self._said, **self._facts}, indent=1, default=str), flush=True)


class Silent:
    """Shows nothing: of several processes the first one does."""

    def show(self, progress: Progress) -> None:
        """Show nothing."""

    def say(self, text: str, **facts: object) -> None:
        """Say nothing."""

    def close(self) -> None:
        """Nothing to end."""


def reporter(events: bool, as_json: bool = False) -> Reporter:
    """Return the reporter a command line asked for."""
    if events:
        return EventLines()
    return OneObject() if as_json else Terminal()


def watched(steps: Steps[Result], report: Reporter) -> Result:
    """Run a long function to its end, showing its progress, and return its result."""
    return finish(steps, report.show)


def complain(text: str) -> None:
    """Print why a run could not go on, to standard error."""
    print(text, file=sys.stderr, flush=True)


def _short(progress: Progress) -> str:
    figures = ", ".join(f"{name} {value:.4g}" for name, value in list(progress.metrics.items())[:4])
    return figures or progress.message
