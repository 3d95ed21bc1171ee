from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_wsss.clusters.editor import ClusterEditor
from napari_wsss.clusters.edits import edits_of, refresh_image_clusters
from napari_wsss.clusters.found import ClassClusters, Clusters, keep_clusters, latest_clusters, no_clusters, place_names
from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import LabelError, ProjectError
from napari_wsss.core.provenance import Provenance
from napari_wsss.project.label_imports import Said
from napari_wsss.project.project import Project
from napari_wsss.project.records import NewImage, possible_classes

IDS = tuple(f"{number:02}.png" for number in range(12))
COUNT = 4


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Return a project of twelve cats, clustered in three groups of four."""
    root = tmp_path / "images"
    root.mkdir()
    for image_id in IDS:
        Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(root / image_id)
    images = [NewImage(image_id, frozenset({"cat"})) for image_id in IDS]
    with Project.create(tmp_path / "project", root, ClassList(("dog", "cat")), images) as made:
        yield made


@pytest.fixture
def editor(project: Project) -> ClusterEditor:
    random = np.random.default_rng(0)
    places = np.repeat([0, 1, 2], 4)
    coordinates = (places[:, None] * 10 + random.normal(size=(12, 5))).astype(np.float32)
    distances, by_person = np.ones(12, np.float32), np.zeros(12, bool)
    names = place_names(COUNT)
    cats = ClassClusters("cat", IDS, places, distances, coordinates, coordinates[:, :2], names, by_person)
    machine = Clusters((no_clusters("dog", COUNT), cats), COUNT, Provenance("clusters"))
    keep_clusters(project.results_folder, machine)
    return ClusterEditor(project, machine)


def state(editor: ClusterEditor) -> tuple[object, ...]:
    cats = editor.shown().of("cat")
    return cats.image_ids, tuple(cats.assignment), cats.names, tuple(cats.by_person), tuple(cats.distances)


def test_images_are_moved(editor: ClusterEditor) -> None:
    edit = editor.move(IDS[:2], "cat", "3")

    assert editor.shown().of("cat").assignment.tolist() == [2, 2, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]
    assert set(edit.anchors) == set(IDS[8:])
    with pytest.raises(LabelError, match="it has: 1, 2, 3"):
        editor.move(IDS[:1], "cat", "4")
    with pytest.raises(LabelError, match="not among"):
        editor.move(["x.png"], "cat", "1")


def test_merged_clusters_have_the_first_ones_name(editor: ClusterEditor) -> None:
    editor.rename("cat", "2", "sleeping")
    editor.merge("cat", ["1", "sleeping"])
    cats = editor.shown().of("cat")

    assert cats.filled() == (0, 2)
    assert set(cats.members(0)) == set(IDS[:8])
    assert cats.names == place_names(COUNT)
    assert cats.by_person.tolist() == [True] * 8 + [False] * 4
    with pytest.raises(LabelError, match="at least two"):
        editor.merge("cat", ["1", "1"])


def test_a_split_takes_the_smaller_half_or_the_chosen_images(editor: ClusterEditor) -> None:
    editor.merge("cat", ["1", "2"])
    editor.move(IDS[:1], "cat", "3")  # 3 of one group, 4 of the other are left
    editor.split("cat", "1", name="sleeping")
    assert set(editor.shown().of("cat").members(1)) == set(IDS[1:4])
    assert editor.shown().of("cat").names[1] == "sleeping"

    editor.split("cat", "3", [IDS[0], IDS[8]])
    assert set(editor.shown().of("cat").members(3)) == {IDS[0], IDS[8]}
    with pytest.raises(LabelError, match="All 4 clusters"):
        editor.split("cat", "3")


def test_what_cannot_be_split_is_refused(editor: ClusterEditor) -> None:
    with pytest.raises(LabelError, match="not in the cluster"):
        editor.split("cat", "1", [IDS[5]])
    with pytest.raises(LabelError, match="4 of its 4"):
        editor.split("cat", "1", IDS[:4])
    editor.merge("cat", ["1", "2", "3"])
    editor.split("cat", "1", IDS[:1])
    with pytest.raises(LabelError, match="0 of its 1"):
        editor.split("cat", "2")


def test_names_are_different_and_not_empty(editor: ClusterEditor) -> None:
    editor.rename("cat", "1", " sitting ")

    assert editor.shown().of("cat").names[0] == "sitting"
    for name in ("2", " "):
        with pytest.raises(LabelError, match="cannot be called"):
            editor.rename("cat", "sitting", name)


def test_not_this_class_takes_the_label_and_undo_gives_it_back(project: Project, editor: ClusterEditor) -> None:
    project.set_labels(IDS[3], ["cat", "dog"])
    editor.not_this_class([IDS[3], IDS[4]], "cat")

    assert project.catalog.get(IDS[3]).labels == {"dog"}
    assert project.catalog.get(IDS[4]).label_changed
    assert not {IDS[3], IDS[4]} & set(editor.shown().of("cat").image_ids)
    assert project.journal.recent(1, ("labels",))[0].image_id == IDS[4]
    editor.undo()
    assert project.catalog.get(IDS[3]).labels == {"cat", "dog"}
    assert editor.shown().of("cat").image_ids == IDS


def test_who_takes_the_only_label_says_nothing_of_the_other_classes(project: Project, editor: ClusterEditor) -> None:
    editor.not_this_class([IDS[3], IDS[4]], "cat")
    for image_id in (IDS[3], IDS[4]):
        assert possible_classes(project.catalog.get(image_id), project.classes) == (0,)  # never cat again
    project.set_labels(IDS[4], ["dog"])  # labelled anew
    editor.undo()
    assert Said.of(project.catalog.get(IDS[3])) == Said(frozenset({"cat"}))
    assert Said.of(project.catalog.get(IDS[4])) == Said(frozenset({"cat", "dog"}))


def test_another_class_takes_the_place_of_the_label_and_undo_gives_it_back(
    project: Project, editor: ClusterEditor
) -> None:
    project.set_labels(IDS[3], ["cat"], unknown=["dog"])
    before = Said.of(project.catalog.get(IDS[3]))
    editor.another_class([IDS[3], IDS[4]], "cat", "dog")
    for image_id in (IDS[3], IDS[4]):
        assert Said.of(project.catalog.get(image_id)) == Said(frozenset({"dog"}))
        assert possible_classes(project.catalog.get(image_id), project.classes) == (0,)
    assert not {IDS[3], IDS[4]} & set(editor.shown().of("cat").image_ids)
    assert len(project.journal.recent(10, ("cluster",))) == 1
    editor.undo()
    assert Said.of(project.catalog.get(IDS[3])) == before
    assert editor.shown().of("cat").image_ids == IDS


@pytest.mark.parametrize("to", ["cat", "horse"])
def test_it_must_be_another_class_of_the_project(project: Project, editor: ClusterEditor, to: str) -> None:
    with pytest.raises(LabelError):
        editor.another_class([IDS[3]], "cat", to)
    assert project.catalog.get(IDS[3]).labels == {"cat"}


@pytest.mark.parametrize("seed", range(6))
def test_undo_restores_every_state_and_the_machines_file_never_changes(
    project: Project, editor: ClusterEditor, seed: int
) -> None:
    random = np.random.default_rng(seed)
    files = {path: path.read_bytes() for path in project.results_folder.rglob("*") if path.is_file()}
    states = [state(editor)]
    for number in range(8):
        if random_gesture(editor, random, number):
            states.append(state(editor))
    for before in reversed(states[:-1]):
        assert editor.undo() is not None
        assert state(editor) == before

    assert editor.undo() is None
    assert not edits_of(project)
    assert files == {path: path.read_bytes() for path in project.results_folder.rglob("*") if path.is_file()}


def random_gesture(editor: ClusterEditor, random: np.random.Generator, number: int) -> bool:
    """Do something a person might do; return whether it was possible."""
    cats = editor.shown().of("cat")
    names = [cats.names[place] for place in cats.filled()]
    image_ids = [str(one) for one in random.choice(cats.image_ids, 2, replace=False)]
    name = str(random.choice(names))
    gestures = (
        lambda: editor.move(image_ids, "cat", name),
        lambda: editor.merge("cat", [str(one) for one in random.choice(names, 2, replace=False)]),
        lambda: editor.split("cat", name),
        lambda: editor.rename("cat", name, f"name {number}"),
        lambda: editor.not_this_class(image_ids[:1], "cat"),
        lambda: editor.another_class(image_ids[:1], "cat", "dog"),
    )
    try:
        gestures[random.integers(len(gestures))]()
    except (LabelError, ValueError):
        return False
    return True


def test_changes_outlive_the_results_and_closing(project: Project, editor: ClusterEditor) -> None:
    editor.merge("cat", ["2", "3"])
    machine, before, folder = latest_clusters(project.results_folder), state(editor), project.folder
    project.store.clear()
    project.close()
    assert machine is not None

    with Project.open(folder, read_only=True) as again:
        editor = ClusterEditor(again, machine)
        assert state(editor) == before
        with pytest.raises(ProjectError, match="read-only"):
            editor.rename("cat", "1", "x")


def test_the_table_of_image_clusters_follows_the_changes(project: Project, editor: ClusterEditor) -> None:
    refresh_image_clusters(project)
    clusters = project.catalog.clusters
    assert clusters.names() == ("cat 1", "cat 2", "cat 3")
    editor.rename("cat", "2", "sleeping")
    editor.not_this_class([IDS[0]], "cat")
    refresh_image_clusters(project)
    assert clusters.names() == ("cat 1", "cat 3", "sleeping")
    assert clusters.of(IDS[0]) == ()

    project.store.clear()
    assert refresh_image_clusters(project) is None
    assert clusters.names() == ()


def test_names_are_unique_in_the_project_and_parameters_follow_them(project: Project, editor: ClusterEditor) -> None:
    project.set_plan(project.plan.with_override("cluster:cat 2", "power_background", {"background_power": 2.0}))
    editor.rename("cat", "2", "sleeping")
    assert set(project.plan.overrides) == {"cluster:sleeping"}
    for taken in ("dog 1", "cat 1", "3"):
        with pytest.raises(LabelError, match="cannot be called"):
            editor.rename("cat", "sleeping", taken)

    editor.undo()
    assert set(project.plan.overrides) == {"cluster:cat 2"}
    project.rename_class("cat", "kitten")
    assert set(project.plan.overrides) == {"cluster:kitten 2"}
