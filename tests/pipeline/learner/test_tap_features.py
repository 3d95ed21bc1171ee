from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from napari_wsss.core.progress import finish
from napari_wsss.core.provenance import Provenance
from napari_wsss.pipeline.learner.tap_features import ProjectFeatures
from napari_wsss.pixels.tap_features import TapFeatures
from napari_wsss.project.project import Project
from tests.tiny_project import IDS


@dataclass
class Mean:
    """A network whose feature is the mean colour; it notes what it was asked."""

    key: str = "a"
    asked: list[float] = field(default_factory=list)

    def features_provenance(self) -> Provenance:
        return Provenance("features.taps", {"key": self.key})

    def describe(self, image: np.ndarray) -> TapFeatures:
        self.asked.append(float(image.mean()))
        return TapFeatures.of(image.shape[:2], [np.moveaxis(image, 2, 0).astype(np.float32)])


def test_a_network_is_asked_once_per_image_ever(project: Project) -> None:
    network = Mean()
    features = ProjectFeatures(project, network)

    first = features(IDS[0])
    assert features(IDS[0]) is first
    again = ProjectFeatures(project, network)(IDS[0])

    assert len(network.asked) == 1
    assert np.array_equal(again.planes[0], first.planes[0])


def test_preparing_computes_what_is_missing_in_order(project: Project) -> None:
    network = Mean()
    features = ProjectFeatures(project, network)
    features(IDS[2])

    assert finish(features.prepare(IDS)) == 3
    assert finish(features.prepare(IDS)) == 0
    assert features.computed == 4


def test_another_trunk_has_features_of_its_own(project: Project) -> None:
    one, other = Mean("a"), Mean("b")
    ProjectFeatures(project, one)(IDS[0])
    ProjectFeatures(project, other)(IDS[0])
    assert len(one.asked) == len(other.asked) == 1


def test_a_replaced_image_is_described_anew(project: Project) -> None:
    network = Mean()
    features = ProjectFeatures(project, network)
    features(IDS[0])
    project.image_path(IDS[0]).write_bytes(project.image_path(IDS[1]).read_bytes())
    features(IDS[0])
    assert len(set(network.asked)) == 2


def test_beyond_the_room_on_disk_features_are_computed_again(project: Project) -> None:
    network = Mean()
    one = 6 * 8 * 3
    features = ProjectFeatures(project, network, disk_bytes=0, memory_bytes=one)

    features(IDS[0])
    features(IDS[0])
    assert features.computed == 1  # in memory
    features(IDS[1])
    features(IDS[0])

    assert features.computed == 3
    assert project.store.size_bytes("features") == 0


def test_features_of_an_earlier_trunk_give_way(project: Project) -> None:
    old = ProjectFeatures(project, Mean("old"))
    old(IDS[0])
    room = project.store.size_bytes("features") + 10

    new = ProjectFeatures(project, Mean("new"), disk_bytes=room)
    new(IDS[1])

    assert not project.store.has(old.provenance, IDS[0], project.image_hash(IDS[0]))
    assert new.has(IDS[1])


def test_keeping_ends_where_the_room_does_and_takes_nothing_away(project: Project) -> None:
    other = ProjectFeatures(project, Mean("b"))
    other(IDS[0])
    network = Mean()
    features = ProjectFeatures(project, network, disk_bytes=project.store.size_bytes("features") + 1, memory_bytes=0)
    assert [features.keep(one) for one in IDS[:3]] == [True, False, False]
    assert [features.has(one) for one in IDS[:2]] == [True, False]
    assert len(network.asked) == 1
    assert ProjectFeatures(project, Mean("b")).has(IDS[0])
