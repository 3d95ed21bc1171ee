"""What values mean by the list beside masks: names keep their places, whichever words stand between them."""

import numpy as np
import pytest

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import LabelError, ProjectError
from napari_wsss.exchange.lists.class_lists import ValueNames, read_value_names, value_of_name

DOG_CAT = ClassList(("dog", "cat"))


@pytest.fixture
def listed(tmp_path):
    def write(*lines: str, name: str = "classes.txt") -> ValueNames:
        (tmp_path / name).write_text("".join(f"{line}\n" for line in lines))
        found = read_value_names([tmp_path / "no", tmp_path])
        assert found is not None
        return found

    return write


@pytest.mark.parametrize(
    ("lines", "values"),
    [
        (("background", "cat", "dog"), {1: "cat", 2: "dog"}),
        (("_background_", "cat", "void", "dog"), {1: "cat", 3: "dog"}),
        (("__ignore__", "_background_", "cat", "dog"), {1: "cat", 2: "dog"}),
        (("cat", "ignore", "dog"), {1: "cat", 3: "dog"}),
        (("void", "cat", "dog"), {1: "cat", 2: "dog"}),
        (("cat", "dog", "background"), {0: "cat", 1: "dog"}),
        (("cat", "", "dog", ""), {1: "cat", 2: "dog"}),
    ],
)
def test_names_keep_their_places(listed, lines, values):
    found = listed(*lines)
    assert found.classes == ("cat", "dog")
    assert {value: name for value, name in found.names.items() if name in ("cat", "dog")} == values
    for value, name in values.items():
        assert found.labels([value]) == [name]
        assert found.to_classes(np.full((1, 1), value, np.uint8), DOG_CAT) == DOG_CAT.mask_value(name)


def test_ignore_and_background_words_have_their_own_values(listed):
    found = listed("background", "cat", "void", "dog")
    np.testing.assert_array_equal(found.to_classes(np.array([[0, 2, 255]], np.uint8), DOG_CAT), [[0, 255, 255]])
    assert found.labels([0, 2, 255]) == []


def test_a_class_that_is_called_void_is_a_class(listed):
    found = listed("background", "cat", "void")
    classes = ClassList(("void", "cat"))
    np.testing.assert_array_equal(found.to_classes(np.array([[1, 2]], np.uint8), classes), [[2, 1]])


def test_what_has_no_name_or_no_class_is_refused(listed):
    found = listed("background", "cat", "horse")
    with pytest.raises(ProjectError, match=r"'horse', which is no class.*dog, cat"):
        found.to_classes(np.array([[2]], np.uint8), DOG_CAT)
    with pytest.raises(ProjectError, match="value 7 has no name"):
        found.to_classes(np.array([[7]], np.uint8), DOG_CAT)
    with pytest.raises(LabelError, match=r"\[7\]"):
        found.labels([7])


def test_colours_of_a_labelmap(listed):
    found = listed(
        "# label:color_rgb:parts:actions",
        "background:0,0,0::",
        "cat:250,50,83::",
        "a:b:1,2,3:x,y:z",
        name="labelmap.txt",
    )
    assert found.colours == {(0, 0, 0): 0, (250, 50, 83): 1, (1, 2, 3): 2}
    assert found.classes == ("cat", "a:b")
    assert listed("cat", "dog", name="labelmap.txt").classes == ("cat", "dog")
    with pytest.raises(LabelError, match="red,green,blue"):
        listed("cat:1;2", name="labelmap.txt")


def test_a_labelmap_without_colours_means_those_of_voc(listed):
    """Datumaro writes such a list beside pictures in these colours."""
    found = listed("# label:color_rgb:parts:actions", "background:::", "cat:::", "dog:::", name="labelmap.txt")
    assert found.classes == ("cat", "dog")
    assert found.colours == {(0, 0, 0): 0, (128, 0, 0): 1, (0, 128, 0): 2}
    assert listed("background:0,0,0::", "cat:::", name="labelmap.txt").colours == {(0, 0, 0): 0}


@pytest.mark.parametrize("names", [("NA", "None", "nan", "null", "K", "Na")])
def test_names_that_look_like_nothing_are_names(listed, names):
    assert listed("background", *names).classes == names


def test_the_nearest_folder_with_a_list_counts(tmp_path):
    (tmp_path / "near").mkdir()
    (tmp_path / "near" / "class_names.txt").write_text("_background_\ncat\n")
    (tmp_path / "classes.txt").write_text("dog\n")
    found = read_value_names([tmp_path / "near", tmp_path])
    assert found is not None
    assert found.classes == ("cat",)
    assert read_value_names([tmp_path / "no"]) is None


def test_names_of_merged_classes_mean_what_they_became():
    classes = ClassList.stored(("cat", "calf", "cow", "mud"), {2: 3, 4: 0})
    assert [value_of_name(name, classes) for name in ("cat", "calf", "CALF", "cow", "mud")] == [1, 3, 3, 3, None]


def test_an_accent_is_one_however_it_is_written():
    assert value_of_name("cafe\u0301", ClassList(("dog", "caf\u00e9"))) == 2
    assert value_of_name("caf\u00e9", ClassList(("dog", "cafe\u0301"))) == 2
