"""The time left is that of the steps; what came before the first one does not count."""

from napari_wsss.core.progress import Progress
from napari_wsss.session import pace
from napari_wsss.session.pace import Pace


def test_loading_is_left_out_and_each_part_has_its_own_pace(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(pace.time, "monotonic", lambda: now[0])
    left = Pace()

    def hear(seconds, *report):
        now[0] += seconds
        left.hear(Progress(*report))
        return left.seconds_left()

    assert hear(50, "maps", 0, 0, "loading") is None
    assert hear(50, "maps", 1, 11) is None
    assert hear(2, "maps", 2, 11) == 18
    assert hear(2, "maps", 11, 11) == 0
    assert hear(9, "refine", 0, 4) is None
    assert hear(1, "refine", 1, 4) == 3
