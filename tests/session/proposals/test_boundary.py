"""Boundaries are shown for every image while they are wanted, and a network without any says so once."""

from __future__ import annotations

from dataclasses import replace

from napari_wsss.core.plan import Step
from napari_wsss.project.project import Project
from tests.session.conftest import HEIGHT, WIDTH, Sitting, write_checkpoint


def with_edges(project: Project, gain: float = 1.0) -> None:
    path = write_checkpoint(project.folder, gain, f"training/boundary-{gain}/best.safetensors")
    relative = path.relative_to(project.folder).as_posix()
    project.set_plan(replace(project.plan, affinity=Step("edges"), affinity_checkpoint=relative))


def test_boundaries_follow_the_shown_image_while_wanted(computed: Sitting) -> None:
    session = computed.session
    assert session.project is not None
    with_edges(session.project)
    told: list[str] = []
    session.signals.boundary_changed.connect(told.append)
    assert session.boundaries.show(True)
    computed.settle()
    assert session.boundaries.values is not None
    assert session.boundaries.values.shape == (HEIGHT // 4, WIDTH // 4)
    assert session.boundaries.values.max() > 0.5
    first, before = session.table.image_id, session.boundaries.values
    session.navigation.next()
    computed.settle()
    assert told[0] == first
    assert told[-1] == session.table.image_id != first
    assert session.boundaries.values is not before
    session.boundaries.show(False)
    assert session.boundaries.values is None
    session.navigation.next()
    computed.settle()
    assert session.boundaries.values is None


def test_another_network_gives_other_boundaries(computed: Sitting) -> None:
    session = computed.session
    assert session.project is not None
    with_edges(session.project)
    session.boundaries.show(True)
    computed.settle()
    other = replace(
        session.table.plan, affinity_checkpoint=session.table.plan.affinity_checkpoint.replace("1.0", "0.0")
    )
    write_checkpoint(session.project.folder, 0.0, other.affinity_checkpoint)
    session.sliders.change_plan(other)
    computed.settle()
    assert session.boundaries.values is None
    assert "no class boundaries" in computed.failures[-1]
    assert not session.boundaries.wanted


def test_without_a_network_it_is_said_and_not_tried_again(computed: Sitting) -> None:
    session = computed.session
    session.boundaries.show(True)
    computed.settle()
    assert "affinity network" in computed.failures[-1]
    said = len(computed.failures)
    session.navigation.next()
    computed.settle()
    assert len(computed.failures) == said
