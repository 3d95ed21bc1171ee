from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_wsss.core.classes import (
    BACKGROUND,
    IGNORE,
    OKABE_ITO,
    ClassList,
    alike,
    natural_order,
    screen_colours,
    voc_colours,
)
from napari_wsss.core.errors import LabelError

names = st.lists(st.text("abcdef ", min_size=1).filter(str.strip), min_size=1, max_size=12, unique_by=str.strip)


@given(names)
def test_every_class_has_a_value_that_names_it(listed: list[str]) -> None:
    classes = ClassList(listed)
    for name in classes.names:
        assert classes.name_of(classes.mask_value(name)) == name
    assert classes.values() == (BACKGROUND, *range(1, len(classes) + 1), IGNORE)
    assert classes.name_of(BACKGROUND) == "background"
    assert classes.name_of(IGNORE) == "ignore"


@given(names, st.data())
def test_vector_and_indices_say_the_same(listed: list[str], data: st.DataObject) -> None:
    classes = ClassList(listed)
    labels = data.draw(st.sets(st.sampled_from(classes.names)))
    assert tuple(np.flatnonzero(classes.vector(labels))) == classes.indices(labels)
    assert set(classes.names_of(classes.indices(labels))) == labels


def test_a_stored_list_may_call_a_class_background() -> None:
    assert ClassList.stored(["cat", "background"]).mask_value("background") == 2
    with pytest.raises(LabelError, match="different"):
        ClassList.stored(["cat", "cat"])


@pytest.mark.parametrize("name", ["NA", "None", "nan", "null", "K", "Na"])
def test_names_that_look_like_nothing_are_classes(name: str) -> None:
    assert ClassList(["cat", name]).mask_value(name) == 2


def test_largest_class_list_just_fits() -> None:
    assert ClassList(f"c{i}" for i in range(254)).mask_value("c253") == 254
    with pytest.raises(LabelError, match="at most 254"):
        ClassList(f"c{i}" for i in range(255))


@pytest.mark.parametrize(
    "wrong", [(), ("cat", "cat"), ("cat", " "), ("cat", "cat "), ("background", "cat"), ("cat", "BG")]
)
def test_unusable_names_are_refused(wrong: tuple[str, ...]) -> None:
    with pytest.raises(LabelError):
        ClassList(wrong)


def test_unknown_names_and_values_are_named() -> None:
    classes = ClassList(("cat", "dog"))
    with pytest.raises(LabelError, match=r"'cow'.*cat, dog"):
        classes.index("cow")
    with pytest.raises(LabelError, match="7"):
        classes.name_of(7)


def test_palette_starts_like_voc_and_tells_all_classes_apart() -> None:
    palette = ClassList(("cat",)).palette
    # The published PASCAL VOC colours of aeroplane, bicycle, bird and the ignore border.
    assert palette[[0, 1, 2, 3, 255]].tolist() == [
        [0, 0, 0],
        [128, 0, 0],
        [0, 128, 0],
        [128, 128, 0],
        [224, 224, 192],
    ]
    assert len(np.unique(voc_colours(255), axis=0)) == 255


def test_natural_order_counts_as_people_do() -> None:
    assert natural_order(["b10", "B2", "a"]) == ("a", "B2", "b10")


DEUTERANOPIA = np.array([[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]])
PROTANOPIA = np.array([[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]])
"""Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB."""


@pytest.mark.parametrize("count", [1, 2, 7, 8, 25, 254])
def test_every_class_has_a_bright_colour_of_its_own(count):
    colours = screen_colours(count)
    assert colours.shape == (count, 3)
    assert colours.dtype == np.uint8
    assert len(np.unique(colours, axis=0)) == count
    assert colours.max(axis=1).min() >= 150
    np.testing.assert_array_equal(colours, screen_colours(254)[:count])


@pytest.mark.parametrize("seen", [np.eye(3), DEUTERANOPIA, PROTANOPIA])
def test_the_first_classes_differ_for_colour_blind_people(seen):
    linear = (screen_colours(len(OKABE_ITO)) / 255.0) ** 2.2 @ seen.T
    shown = np.clip(linear, 0, 1) ** (1 / 2.2)
    apart = np.linalg.norm(shown[:, None] - shown[None], axis=2)
    assert apart[~np.eye(len(shown), dtype=bool)].min() > 0.12


def test_files_keep_their_palette():
    classes = ClassList(["cat", "dog"])
    assert tuple(classes.palette[1]) == (128, 0, 0)
    assert tuple(classes.screen[1]) == tuple(round(255 * part) for part in classes.colour("cat")) != (128, 0, 0)
    assert tuple(classes.screen[255]) == tuple(classes.palette[255])


def test_classes_that_are_gone_keep_their_value_and_count_as_others() -> None:
    classes = ClassList.stored(("cat", "calf", "cow", "mud"), {2: 3, 4: IGNORE}, {1: "#102030"})
    assert (classes.current, classes.values()) == (("cat", "cow"), (0, 1, 3, 255))
    assert (len(classes), classes.mask_value("cow"), classes.name_of(2)) == (4, 3, "calf")
    values = np.array([[0, 1, 2, 3, 4, 255]], np.uint8)
    assert classes.counted(values).tolist() == [[0, 1, 3, 3, 255, 255]]
    assert classes.counted(values[:, :2].copy()).tolist() == [[0, 1]]
    assert classes.merged_into(2) == (1,)
    assert classes == ClassList(("cat", "calf", "cow", "mud"))
    assert ClassList(classes.names).counted(values) is values
    assert tuple(classes.screen[1]) == (16, 32, 48)
    np.testing.assert_array_equal(classes.palette, ClassList(classes.names).palette)


@given(st.dictionaries(st.integers(1, 9), st.integers(0, 9) | st.just(IGNORE), max_size=9))
def test_chains_of_merges_end_at_a_class_that_is_there(gone: dict[int, int]) -> None:
    classes = ClassList.stored("abcdefghi", gone)
    found = classes.counted(np.arange(10, dtype=np.uint8))
    in_circle = [value for value, becomes in classes.gone.items() if becomes in classes.gone]
    assert all(value in classes.values() or value in in_circle for value in found.tolist())


def test_colours_that_can_hardly_be_told_apart() -> None:
    assert alike((250, 10, 10), (240, 20, 12))
    assert not alike((250, 10, 10), (10, 250, 10))
    first = screen_colours(len(OKABE_ITO)).tolist()
    assert not [(a, b) for a in first for b in first if a != b and alike(a, b)]
