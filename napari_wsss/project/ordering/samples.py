"""Looking at a few images before all are asked for."""

import numpy as np

from napari_wsss.project.criteria import anywhere
from napari_wsss.project.database import Database

SAMPLE = 64
"""Images that are looked at."""


def spread(count: int) -> list[int]:
    """Return the numbers of a few images, spread over all `count` of them; of all where these are few."""
    return [] if not count else np.unique(np.linspace(1, count, SAMPLE).astype(int)).tolist()


def share_holding(database: Database, count: int, text: str) -> float:
    """Return the share of ids that hold a text, in [0, 1], of a sample spread over all `count` images."""
    some = spread(count)
    sql = f"SELECT count(*) FROM images WHERE number IN ({', '.join('?' * len(some))}) AND id LIKE ? ESCAPE '\\'"
    return int(database.value(sql, [*some, anywhere(text)])) / max(len(some), 1)
