"""The source of a proposal names its model, its threshold and the key of its result."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_wsss.core.sources import Source
from napari_wsss.pipeline.lineage import Lineage
from napari_wsss.project.project import Project
from napari_wsss.session.results.machine import Machine
from napari_wsss.session.results.shown import resolve
from napari_wsss.session.review.origins import proposal_source
from tests.session.conftest import CHECKPOINT, Sitting


def source_of(project: Project, image_id: str, machine: Machine | None = None) -> Source:
    return proposal_source(project, resolve(project, project.plan, image_id), machine)


def test_the_shown_proposal_is_told_at_the_slider(computed: Sitting) -> None:
    session = computed.session
    project = session.project
    assert project is not None
    stored = session.decisions.proposal_source()
    assert (stored.kind, stored.method, stored.checkpoint) == ("proposal", "colours", CHECKPOINT)
    assert stored.key == Lineage.of(project, "p0.png").result.key
    assert stored.parameters["threshold"] == pytest.approx(0.5)
    assert stored == source_of(project, "p0.png")
    session.sliders.set_threshold(0.3)
    moved = session.decisions.proposal_source()
    assert moved.parameters["threshold"] == pytest.approx(0.3)
    assert moved.key != stored.key
    session.flush()
    assert session.decisions.proposal_source().key == moved.key == Lineage.of(project, "p0.png").result.key


def test_a_borrowed_proposal_names_its_image_while_it_is_shown(computed: Sitting) -> None:
    session = computed.session
    project = session.project
    assert project is not None
    project.catalog.set_borrowed(["p0.png"], "p1.png")
    borrowed = np.zeros((24, 32), np.uint8)
    machine = Machine(proposal=borrowed, threshold=0.5, plan=project.plan, borrowed=borrowed)
    found = source_of(project, "p0.png", machine)
    assert (found.kind, found.from_image) == ("borrowed", "p1.png")
    drawn = replace(machine, proposal=borrowed.copy())
    assert source_of(project, "p0.png", drawn).kind == "proposal"
    assert source_of(project, "p0.png").from_image == "p1.png"


def test_a_model_that_is_gone_leaves_its_name(computed: Sitting) -> None:
    project = computed.session.project
    assert project is not None
    (project.folder / CHECKPOINT).unlink()
    found = source_of(project, "p0.png")
    assert (found.key, found.model) == ("", "classifier-test")
