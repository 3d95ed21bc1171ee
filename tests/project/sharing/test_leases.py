from __future__ import annotations

import os
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from napari_wsss.processes.identity import Process
from napari_wsss.project.sharing import leases as module
from napari_wsss.project.sharing.leases import Lease, Leases


def put(folder: Path, name: str, process: Process, renewed: float) -> Path:
    """Leave a lease as another process would, renewed that many seconds ago."""
    other = Leases(folder)
    other._process = process
    assert other.take(name) is not None
    other._over.set()
    path = folder / f"{name}.1"
    os.utime(path, (time.time() - renewed,) * 2)
    return path


def elsewhere() -> Process:
    return Process("another-machine", 4711, "boot 12", "m b pid:[1]")


def dead() -> Process:
    this = Process.this()
    return Process(this.host, this.pid, f"{this.started}0", this.system)


def test_one_holds_it_until_it_is_given_back(tmp_path: Path) -> None:
    with Leases(tmp_path / "x") as one, Leases(tmp_path / "x") as other:
        lease = one.take("a")
        assert lease is not None
        assert lease.is_held
        assert other.take("a") is None
        assert one.take("a") is None
        assert other.take("b") is not None
        one.release(lease)
        assert other.take("a") is not None
    assert not list((tmp_path / "x").iterdir())


def test_that_of_a_dead_process_is_taken_at_once(tmp_path: Path) -> None:
    put(tmp_path, "a", dead(), 0)
    with Leases(tmp_path) as mine:
        found = mine.take("a")
        assert found is not None
        assert found.generation == 2
        assert [path.name for path in sorted(tmp_path.iterdir())] == ["a.1", "a.2"]
    assert not list(tmp_path.iterdir())


def test_that_of_another_machine_is_taken_when_it_was_not_renewed(tmp_path: Path) -> None:
    path = put(tmp_path, "a", elsewhere(), 100)
    with Leases(tmp_path) as mine:
        assert mine.take("a") is None
        os.utime(path, (time.time() - 130,) * 2)
        assert mine.take("a") is not None


def test_the_clock_is_that_of_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose clock is a day ahead takes no lease that holds."""
    put(tmp_path, "a", elsewhere(), 100)
    real = time.time
    monkeypatch.setattr(module.time, "time", lambda: real() + 86400)
    with Leases(tmp_path) as mine:
        assert mine.take("a") is None


def test_who_slept_too_long_notices(tmp_path: Path) -> None:
    with Leases(tmp_path) as sleeper, Leases(tmp_path) as other:
        lease = sleeper.take("a")
        assert lease is not None
        os.utime(tmp_path / "a.1", (time.time() - 130,) * 2)
        taken = other.take("a")
        assert taken is not None
        sleeper.renew()
        assert not lease.is_held
        sleeper.release(lease)
        other.renew()
        assert taken.is_held
        assert sleeper.take("a") is None


def test_they_are_renewed_in_time(tmp_path: Path) -> None:
    with Leases(tmp_path, seconds=0.4) as mine, Leases(tmp_path) as other:
        mine.take("a")
        before = (tmp_path / "a.1").stat().st_mtime
        deadline = time.monotonic() + 20
        while (tmp_path / "a.1").stat().st_mtime == before:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert other.take("a") is None


def test_of_many_who_want_it_one_gets_it(tmp_path: Path) -> None:
    """Also where it is taken over, and where the ones are slower than the others."""
    names = [f"n{at}" for at in range(8)]
    for name in names[::2]:
        put(tmp_path, name, dead(), 0)
    workers = [Leases(tmp_path) for _ in range(6)]
    got: list[str] = []
    start = threading.Barrier(len(workers))

    def take_all(mine: Leases) -> None:
        start.wait()
        got.extend(name for name in names if mine.take(name) is not None)

    threads = [threading.Thread(target=take_all, args=(mine,)) for mine in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(Counter(got).values(), default=0) == 1
    for mine in workers:
        mine.close()


def test_who_looked_before_another_took_it_steps_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """He judged a dead one, slept, and makes a generation beside that of a living holder."""
    put(tmp_path, "a", dead(), 0)
    with Leases(tmp_path) as slow, Leases(tmp_path) as quick:
        words = slow._words

        def meanwhile() -> bytes:
            first = quick.take("b")  # any; the real one follows
            assert first is not None
            (tmp_path / "a.1").unlink()
            (tmp_path / "a.3").write_bytes(quick._words())
            return words()

        monkeypatch.setattr(slow, "_words", meanwhile)
        assert slow.take("a") is None
        assert (tmp_path / "a.3").exists()
        assert not (tmp_path / "a.2").exists()


def test_a_torn_one_holds_as_long_as_any(tmp_path: Path) -> None:
    path = tmp_path / "a.1"
    path.write_bytes(b'{"host": ')
    with Leases(tmp_path) as mine:
        assert mine.take("a") is None
        os.utime(path, (time.time() - module.SECONDS - 10,) * 2)
        assert mine.take("a") is not None


def test_they_tell_who_holds_what(tmp_path: Path) -> None:
    put(tmp_path, "b", dead(), 5)
    with Leases(tmp_path) as mine:
        mine.take("a")
        first, second = mine.holdings()
    assert (first.name, first.is_over, first.process) == ("a", False, Process.this())
    assert (second.name, second.is_over, second.generation) == ("b", True, 1)
    assert second.until - second.since == pytest.approx(module.SECONDS - 5, abs=2)


def test_all_results_may_be_deleted_meanwhile(tmp_path: Path) -> None:
    with Leases(tmp_path / "x") as mine:
        lease = mine.take("a")
        assert isinstance(lease, Lease)
        (tmp_path / "x" / "a.1").unlink()
        mine.renew()
        assert lease.is_held
