from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import ParameterError, ProjectError
from napari_wsss.core.provenance import Provenance
from napari_wsss.project.project import Project
from napari_wsss.project.records import NewImage
from napari_wsss.project.sharing import share as module
from napari_wsss.project.sharing.share import (
    BLOCK,
    WHOLE,
    Alone,
    Chosen,
    Listed,
    Part,
    Selection,
    Share,
    lease_folder,
    of_part,
)

KIND = Provenance("localize.cam", {})
COUNT = 5 * BLOCK + 3
IDS = [f"{at:03d}.png" for at in range(COUNT)]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    images = (NewImage(image_id, frozenset({"cat"}), "val" if at % 4 == 0 else "") for at, image_id in enumerate(IDS))
    with Project.create(tmp_path / "project", tmp_path, ClassList(("cat",)), images) as made:
        yield made


def shared(project: Project, part: Part = WHOLE, chosen: Chosen | None = None) -> Share:
    """Return the work of one worker of a project; all have the same leases."""
    return Share(Selection(project) if chosen is None else chosen, lease_folder(project, KIND), part)


def handed_out(work: Share | Alone) -> list[str]:
    """Do all of it at once."""
    found = []
    while (image_id := work.next()) is not None:
        found.append(image_id)
        work.finished(image_id)
    assert work.is_done
    return found


def leases(project: Project) -> list[str]:
    folder = lease_folder(project, KIND)
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_the_parts_are_the_whole_and_nothing_twice(project: Project, count: int) -> None:
    found = []
    for part in Part().split(count):
        with shared(project, part) as share:
            found += handed_out(share)
    assert sorted(found) == IDS
    assert not leases(project)


def test_two_at_once_do_every_image_once(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both are responsible for all: each comes back to what the other had, and finds it done."""
    done: Counter[str] = Counter()
    waits = []
    with shared(project) as one, shared(project) as other:
        both = [one, other]
        monkeypatch.setattr(module.time, "sleep", lambda _: waits.append(1))
        held: dict[int, str] = {}
        while not all(share.is_done for share in both):
            for at, share in enumerate(both):
                image_id = share.next()
                if image_id is None:
                    share.wait()
                    continue
                held[at] = image_id
                assert held.get(1 - at) != image_id or image_id in done
                if not done[image_id]:
                    done[image_id] += 1
                share.finished(image_id)
    assert sorted(done) == IDS
    assert not leases(project)


def test_a_block_is_held_until_its_last_image_is_dealt_with(project: Project) -> None:
    with shared(project) as one, shared(project) as other:
        first = [one.next() for _ in range(BLOCK)]
        assert first == IDS[:BLOCK]
        assert other.next() == IDS[BLOCK]
        for image_id in first[1:]:
            one.finished(str(image_id))
        assert "block-0.1" in leases(project)
        one.finished(IDS[0])
        assert "block-0.1" not in leases(project)


def test_the_part_of_a_dead_worker_is_taken_over(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    killed = shared(project, Part(2, 3))
    killed.next()
    mine = list(of_part(Selection(project), Part(1, 3)))
    with shared(project, Part(1, 3)) as share:
        assert handed_out(share) == mine  # it lives
    of_killed = [f"{name}.1" for name in killed._leases._mine]
    monkeypatch.setattr(module.Leases, "_is_over", lambda self, path: path.name in of_killed)
    with shared(project, Part(1, 3)) as share:
        found = handed_out(share)
    assert found == mine + list(of_part(Selection(project), Part(2, 3)))
    assert share.expected > len(mine)


def test_a_worker_that_was_taken_for_dead_comes_back_to_its_block(project: Project) -> None:
    with shared(project, chosen=Selection(project, IDS[:3])) as share:
        assert share.next() == IDS[0]
        assert share._giving is not None
        share._giving.lease._held = False
        assert share.next() is None  # another one has it
        share.finished(IDS[0])
        assert not share.is_done


def test_a_selection_names_images_states_or_a_split(project: Project) -> None:
    project.catalog.set_state(IDS[1], "excluded")
    for selection, wanted in (
        (Selection(project), [*IDS[:1], *IDS[2:]]),
        (Selection(project, states=["excluded"]), [IDS[1]]),
        (Selection(project, split="val"), IDS[::4]),
        (Selection(project, [IDS[70], IDS[1], IDS[70]]), [IDS[1], IDS[70]]),
    ):
        assert list(selection) == wanted
        assert len(selection) == len(wanted)
    keys = {Selection(project).key, Selection(project, split="val").key, Selection(project, IDS[:1]).key}
    assert len(keys) == 3
    with pytest.raises(ProjectError):
        Selection(project, ["nothing.png"])


def test_nothing_is_handed_out_of_nothing(project: Project) -> None:
    with shared(project, chosen=Selection(project, split="no such")) as share:
        assert share.next() is None
        assert share.is_done
    assert handed_out(Alone(IDS[:2])) == IDS[:2]


def test_parts_are_written_as_fractions() -> None:
    assert Part.parsed("3/10") == Part(3, 10)
    assert str(Part(3, 10)) == "3/10"
    assert Part(2, 3).split(2) == [Part(3, 6), Part(4, 6)]
    for words in ("", "3", "0/2", "3/2", "a/b", "-1/2", "1/2/3"):
        with pytest.raises(ParameterError):
            Part.parsed(words)


@pytest.mark.parametrize("chosen", [None, IDS[::5]])
def test_a_list_is_shared_like_a_catalog(project: Project, chosen: list[str] | None) -> None:
    listed = Listed(IDS, chosen)
    assert len(listed) == len(chosen or IDS)
    assert listed.key != Listed(IDS, IDS[:1]).key
    found = []
    for part in WHOLE.split(3):
        with shared(project, part, listed) as share:
            one = handed_out(share)
        assert one == list(of_part(listed, part))
        found += one
    assert sorted(found) == (chosen or IDS)
