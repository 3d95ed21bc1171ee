"""What the machine has for an image: drawn at once where cheap, as stored otherwise, a borrowed proposal first."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.provenance import Provenance
from napari_wsss.pipeline.lineage import Lineage
from napari_wsss.project.project import Project
from napari_wsss.session.results.machine import Machine, proposed, read_machine, read_picture
from napari_wsss.session.results.shown import resolve
from tests.session.conftest import HEIGHT, WIDTH, Sitting, stored_maps, stored_proposal


def machine_of(project: Project, image_id: str, maps: ActivationMaps | None) -> Machine:
    return read_machine(project, resolve(project, project.plan, image_id), maps)


def test_a_picture_without_model_has_no_proposal(project_folder: Path) -> None:
    with Project.open(project_folder) as project:
        picture = read_picture(project, resolve(project, project.plan, "p0.png"))
    assert picture.pixels.shape == (HEIGHT, WIDTH, 3)
    assert picture.machine == Machine()


def test_a_cheap_chain_is_drawn_from_the_maps_at_once(model_folder: Path) -> None:
    scores = np.zeros((2, HEIGHT, WIDTH), np.float32)
    scores[0, :5], scores[1, 5:9] = 0.6, 0.4
    with Project.open(model_folder) as project:
        machine = machine_of(project, "p0.png", ActivationMaps(scores, (0, 1)))
    assert machine.threshold == pytest.approx(0.5)
    assert machine.proposal is not None
    np.testing.assert_array_equal(machine.proposal[:, 0], [1] * 5 + [2] * 4 + [0] * (HEIGHT - 9))


def test_a_borrowed_proposal_goes_before_the_images_own(computed: Sitting) -> None:
    project, image_id = computed.session.project, "p1.png"
    assert project is not None
    maps = stored_maps(project, image_id)
    own = machine_of(project, image_id, maps).proposal
    item = Lineage.of(project, image_id)
    borrowed = np.full_like(own, 1)
    project.store.write_mask(
        Provenance("borrow", {"from": "p0.png"}, parents=(item.result,)), image_id, item.content, borrowed
    )
    project.catalog.set_borrowed([image_id], "p0.png")

    np.testing.assert_array_equal(machine_of(project, image_id, maps).proposal, borrowed)
    np.testing.assert_array_equal(stored_proposal(project, image_id), borrowed)
    project.catalog.set_borrowed([image_id], "")
    np.testing.assert_array_equal(machine_of(project, image_id, maps).proposal, own)
    np.testing.assert_array_equal(proposed(project, image_id), own)
