"""A dispatch for programs without a window: calls wait until the owning thread has time for them."""

import queue
import time
from collections.abc import Callable


class Mailbox:
    """Collects calls from any thread; `drain` makes them in the thread that calls it.

    Use it as ``Session(dispatch=mailbox)``.
    """

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()

    def __call__(self, call: Callable[[], None]) -> None:
        """Put a call into the box; any thread may."""
        self._calls.put(call)

    def drain(self) -> int:
        """Make every waiting call; return how many there were."""
        count = 0
        while not self._calls.empty():
            self._calls.get()()
            count += 1
        return count

    def drain_until(self, condition: Callable[[], bool], timeout: float = 60.0) -> bool:
        """Make calls as they come until `condition` holds; return False after `timeout` seconds without."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            self.drain()
            if condition():
                return True
            time.sleep(0.005)
        return False
