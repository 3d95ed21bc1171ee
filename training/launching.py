"""A training on several devices of this machine: the same command as several processes, by torch's own launcher."""

import logging
import sys
import uuid
from collections.abc import Sequence

from training.stopping import STOPPED

_QUIET = "torch.distributed.elastic"


def launched(count: int, words: Sequence[str]) -> int:
    """Run ``python -m training.run`` with these words as so many processes and return the exit code of the first.

    What asks this process to end (SIGTERM, Ctrl+C) asks all of them to stop.
    """
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    logging.getLogger(_QUIET).setLevel(logging.CRITICAL)  # the first process says what went wrong
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=count,
        run_id=uuid.uuid4().hex,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        max_restarts=0,
        monitor_interval=0.2,
    )
    try:
        elastic_launch(config, sys.executable)("-P", "-m", "training.run", *words)
    except ChildFailedError as failed:
        codes = {rank: failure.exitcode for rank, failure in failed.failures.items()}
        # Below 0 are signals: what ended a process from outside, or the launcher when another had failed.
        return next((codes[rank] for rank in sorted(codes) if codes[rank] > 0), 1)
    except (SignalException, KeyboardInterrupt):
        return STOPPED
    return 0
