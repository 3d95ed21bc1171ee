"""Time counts while there are signs of life; pauses are cut short; each image has its own."""

from __future__ import annotations

from napari_wsss.session.table.attention import IDLE_SECONDS, Attention


def test_pauses_are_cut_and_visits_add_up() -> None:
    now = [0.0]
    attention = Attention(lambda: now[0])

    def at(time: float) -> None:
        now[0] = time
        attention.seen()

    attention.seen()
    attention.arrive("a")
    at(10)
    at(30)
    at(30 + 3600)
    assert attention.seconds("a") == 30 + IDLE_SECONDS
    now[0] += 5
    attention.arrive("b")
    at(now[0] + 7)
    assert (attention.seconds("a"), attention.seconds("b")) == (35 + IDLE_SECONDS, 7)
    attention.arrive("a")
    at(now[0] + 1)
    assert attention.seconds("a") == 36 + IDLE_SECONDS
    attention.forget("a")
    at(now[0] + 2)
    assert (attention.seconds("a"), attention.seconds("c")) == (2, 0)
