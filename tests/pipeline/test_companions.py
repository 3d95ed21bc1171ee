"""Which images accompany an image: the rule, a person's choice, missing files, and what that changes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_wsss.core.classes import ClassList
from napari_wsss.pipeline.companions import candidates, companions_per_class, related
from napari_wsss.pipeline.lineage import Lineage
from napari_wsss.project.project import Project
from napari_wsss.project.records import NewImage

CLASSES = ClassList(["cat", "dog", "owl"])
LABELS = {f"cat{n}.png": {"cat"} for n in range(5)} | {f"dog{n}.png": {"dog"} for n in range(4)}
LABELS |= {f"both{n}.png": {"cat", "dog"} for n in range(3)} | {"owl.png": {"owl"}, "none.png": set()}


def write_network(path: Path, wanted: int | None) -> None:
    """Write what a checkpoint begins with: a length, then JSON with our configuration as a string."""
    parameters = {} if wanted is None else {"companions_per_class": wanted}
    head = json.dumps({"__metadata__": {"napari-wsss": json.dumps({"parameters": parameters})}}).encode()
    path.write_bytes(len(head).to_bytes(8, "little") + head + bytes(range(9)))


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    root = tmp_path / "images"
    root.mkdir()
    for seed, name in enumerate(LABELS):
        Image.fromarray(np.full((8, 9, 3), seed, np.uint8)).save(root / name)
    images = [NewImage(name, frozenset(labels)) for name, labels in LABELS.items()]
    with Project.create(tmp_path / "p", root, CLASSES, images) as made:
        write_network(made.folder / "net", 2)
        made.set_plan(replace(made.plan, localizer_checkpoint="net"))
        yield made


def choose(project: Project, image_id: str, *ids: str) -> None:
    project.set_plan(replace(project.plan, companions={image_id: ids}))


def companions_of(project: Project, image_id: str) -> tuple[str, ...]:
    return tuple(related(project, project.plan, project.catalog.get(image_id)).chosen)


def shared(project: Project, image_id: str) -> dict[str, frozenset[str]]:
    return dict(related(project, project.plan, project.catalog.get(image_id)).labels)


def test_every_class_gets_its_companions(project: Project) -> None:
    found = shared(project, "both0.png")

    assert len(found) == 4
    assert sum("cat" in labels for labels in found.values()) == sum("dog" in labels for labels in found.values()) == 2
    assert all(len(LABELS[image_id]) == 1 for image_id in found)  # those with few labels first
    assert companions_of(project, "both0.png") == tuple(found)


def test_an_image_never_accompanies_itself_and_may_have_nobody(project: Project) -> None:
    assert all(image_id not in companions_of(project, image_id) for image_id in LABELS)
    assert companions_of(project, "owl.png") == companions_of(project, "none.png") == ()


def test_images_differ_in_their_companions_which_stay(project: Project) -> None:
    first = {image_id: companions_of(project, image_id) for image_id in LABELS}

    assert {image_id: companions_of(project, image_id) for image_id in LABELS} == first
    assert len({first[f"cat{n}.png"] for n in range(5)}) > 1


def test_a_new_label_changes_only_the_choices_it_takes_part_in(project: Project) -> None:
    before = {f"dog{n}.png": companions_of(project, f"dog{n}.png") for n in range(4)}
    project.set_labels("owl.png", ["dog"])

    for image_id, companions in before.items():
        now = companions_of(project, image_id)
        assert now == companions or "owl.png" in now


def test_excluded_images_are_not_chosen(project: Project) -> None:
    for image_id in companions_of(project, "cat0.png"):
        project.review.decide(image_id, "excluded")
        assert image_id not in companions_of(project, "cat0.png")


def test_missing_files_are_left_out_with_the_reason(project: Project) -> None:
    first, second = companions_of(project, "cat0.png")
    project.image_path(first).unlink()

    found = related(project, project.plan, project.catalog.get("cat0.png"))

    assert len(found.chosen) == 2
    assert second in found.chosen
    assert first in found.skipped
    assert first in found.skipped[first]


def test_a_person_decides(project: Project) -> None:
    choose(project, "both0.png", "both2.png", "cat4.png", "owl.png")

    found = related(project, project.plan, project.catalog.get("both0.png"))

    assert found.by_person
    assert companions_of(project, "both0.png") == ("both2.png", "cat4.png", "owl.png")
    assert found.labels == {
        "both2.png": {"cat", "dog"},
        "cat4.png": {"cat"},
        "owl.png": frozenset(),
    }
    choose(project, "both0.png")
    assert companions_of(project, "both0.png") == ()


def test_a_persons_choice_that_is_gone_is_said(project: Project) -> None:
    choose(project, "cat0.png", "nobody.png", "cat1.png", "cat2.png")
    project.image_path("cat2.png").unlink()

    found = related(project, project.plan, project.catalog.get("cat0.png"))

    assert list(found.chosen) == ["cat1.png"]
    assert set(found.skipped) == {"nobody.png", "cat2.png"}


def test_candidates_share_a_class_best_first(project: Project) -> None:
    found = candidates(project, project.catalog.get("both0.png"))

    assert set(found) == {name for name, labels in LABELS.items() if labels & {"cat", "dog"}} - {"both0.png"}
    assert list(found)[-2:] in (["both1.png", "both2.png"], ["both2.png", "both1.png"])
    assert found["cat0.png"] == {"cat"}


@pytest.mark.parametrize("wanted", [0, None])
def test_methods_that_compare_nothing_want_none(project: Project, wanted: int | None) -> None:
    write_network(project.folder / "net", wanted)
    choose(project, "cat0.png", "cat1.png")

    assert companions_per_class(project.folder / "net") == 0
    assert companions_of(project, "cat0.png") == ()


@pytest.mark.parametrize(
    "content", [b"", b"weights", b"\xff" * 40, b"\x02\0\0\0\0\0\0\0{}", b"\x02\0\0\0\0\0\0\0[]xyz"]
)
def test_other_files_want_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "net").write_bytes(content)

    assert companions_per_class(tmp_path / "net") == 0
    assert companions_per_class(tmp_path / "missing") == 0


def test_companions_decide_what_is_stored(project: Project) -> None:
    def content() -> str:
        return Lineage.of(project, "cat0.png").base_content

    before = content()
    assert before.startswith(project.image_hash("cat0.png"))
    choose(project, "cat0.png", *companions_of(project, "cat0.png")[::-1])
    assert content() == before  # the same ones, only named by a person
    choose(project, "cat0.png", "both1.png")
    assert content() != before
    chosen = content()
    Image.fromarray(np.full((8, 9, 3), 99, np.uint8)).save(project.image_path("both1.png"))
    assert content() not in (before, chosen)  # another picture under that name
    choose(project, "cat0.png")
    assert content() == project.image_hash("cat0.png")


def test_a_segmenter_has_no_companions(project: Project) -> None:
    project.set_plan(replace(project.plan, segmenter_checkpoint="net"))

    assert not Lineage.of(project, "cat0.png").companions.chosen
    assert Lineage.of(project, "cat0.png", "localize").companions.chosen
