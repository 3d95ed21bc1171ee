"""Labels from every layout of CSV, and each way such a file goes wrong."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_wsss.core.errors import LabelError
from napari_wsss.exchange.label_report import LabelReport
from napari_wsss.exchange.labels_csv import read_csv


@pytest.fixture
def read(tmp_path, index):
    def from_text(text: str, known=()) -> LabelReport:
        path = tmp_path / "labels.csv"
        path.write_text(text, encoding="utf-8")
        return read_csv(index, path, known)

    return from_text


CAT_DOG = {"a.jpg": frozenset({"cat", "dog"}), "b.jpg": frozenset({"dog"}), "sub/d.jpg": frozenset()}


@pytest.mark.parametrize(
    "text",
    [
        "image,labels\na.jpg,cat dog\nb,dog\nsub/d.jpg,none\n",
        "image,labels\na.jpg,cat;dog\nb,dog\nsub/d.jpg,none\n",
        "image;labels\na.jpg;cat,dog\nb;dog\nsub/d.jpg;background\n",
        'image,labels\na.jpg,"cat,dog"\nb,dog\nd.jpg,-\n',
        "image,labels\na.jpg,cat,dog\nb,dog\nd,none\n",
        "\ufeffimage,labels\na.jpg,cat|dog\nb,dog\nd,none\n",
        "image,cat,dog\na.jpg,1,1\nb,0,1\nd,0,0\n",
        "image,cat,dog\na.jpg,True,yes\nb,False,x\nd,no,\n",
        "image\tcat\tdog\na.jpg\t1.0\t1.0\nb\t0.0\t1.0\nd\t0\t0\n",
        "image,cat,dog\na.jpg,1,1\nb,-1,1\nd,-1,-1\n",
        "image;cat;dog\na.jpg;1,0;1,0\nb;0,0;1,0\nd;0,0;0,0\n",
        "image,label\na.jpg,cat\na.jpg,dog\nb,dog\nd,none\n",
        "a.jpg,cat\na.jpg,dog\nb,dog\nd,none\n",
        "a.jpg,cat,dog\nb,dog\nd,none\n",
        "cat,dog,file name\n1,1,a.jpg\n0,1,b\n0,0,d\n",
    ],
)
def test_every_layout_says_the_same(read, text):
    report = read(text)
    assert report.labels == CAT_DOG
    assert report.classes == ("cat", "dog")
    assert report.is_clean
    assert report.without_labels == ("c.png",)


def test_names_with_spaces(read):
    report = read("image,labels\na,traffic light;stop sign\nb,stop sign\n")
    assert report.classes == ("stop sign", "traffic light")


def test_class_order_is_that_of_columns_or_of_the_class_list(read):
    text = "image,zebra,ant\na,1,0\nb,0,1\n"
    assert read(text).classes == ("zebra", "ant")
    assert read(text, ("ant", "bee", "zebra")).classes == ("ant", "bee", "zebra")


def test_flags_without_header_take_their_names_from_the_class_list(read):
    assert read("a,1,0\nb,0,1\n", ("cat", "dog")).labels == {"a.jpg": {"cat"}, "b.jpg": {"dog"}}
    with pytest.raises(LabelError, match="no header"):
        read("a,1,0\nb,0,1\n")


def test_splits(read):
    report = read("image,split,labels\na,Train,cat\nb,validation,cat\nc,,cat\n")
    assert report.splits == {"a.jpg": "train", "b.jpg": "val"}


def test_labels_column_and_flags_that_agree(read):
    report = read("image,labels,cat,dog,rare\na,cat dog,1,1,0\nb,dog,0,1,0\n")
    assert report.is_clean
    assert report.classes == ("cat", "dog", "rare")


def test_labels_column_and_flags_that_disagree(read):
    report = read("image,labels,cat,dog\na,cat dog,1,0\nb,dog,0,1\n")
    assert len(report.conflicts) == 1
    assert "line 2" in report.conflicts[0]
    assert report.labels["a.jpg"] == {"cat", "dog"}


def test_repeated_and_background_columns(read):
    report = read("image,background,cat,dog,cat\na,0,1,0,0\nb,1,0,0,0\n")
    assert report.classes == ("cat", "dog")
    assert report.labels == {"a.jpg": {"cat"}, "b.jpg": frozenset()}
    assert "column 5 repeats the name 'cat'" in report.conflicts[0]


def test_a_quotation_mark_left_open(read):
    with pytest.raises(LabelError, match="quotation mark"):
        read('image,labels\na,"cat\n' + "b,dog\n" * 30_000)


def test_a_flag_column_that_is_no_label_is_left_out_and_said(read):
    report = read("image,labels,verified,cat\na,cat,1,1\nb,none,1,0\n")
    assert report.classes == ("cat",)
    assert report.is_clean
    assert "verified" in report.summary()


def test_two_rows_for_one_image(read):
    report = read("image,labels\na,cat\nb,dog\na.jpg,dog\n")
    assert report.labels["a.jpg"] == {"cat"}
    assert len(report.duplicates) == 1
    assert "line 4" in report.duplicates[0]


def test_one_row_per_label_repeated_word_for_word(read):
    report = read("image,label\na,cat\na,dog\na,cat\n")
    assert report.labels["a.jpg"] == {"cat", "dog"}
    assert "line 4" in report.duplicates[0]
    assert "one row per label" in report.source


def test_unmatched_rows_and_images_without_row(read):
    report = read("image,labels\na,cat\nnowhere.jpg,cat\n")
    assert "line 3: 'nowhere.jpg'" in report.unmatched[0]
    assert report.without_labels == ("b.jpg", "c.png", "sub/d.jpg")


def test_unreadable_rows(read):
    report = read("image,cat,dog\na,1,0\nb,1\n,1,0\nc,1,maybe\nd,0,1\n")
    assert [entry.split(":")[0] for entry in report.unreadable] == [f"labels.csv line {n}" for n in (3, 4, 5)]
    assert "'maybe' in column dog" in report.unreadable[2]
    assert report.labels == {"a.jpg": {"cat"}, "sub/d.jpg": {"dog"}}


def test_an_empty_cell_is_not_labelled_yet_rather_than_nothing(read):
    report = read("image,labels\na,cat\nb,\nc,nan\nd,none\n")
    assert set(report.labels) == {"a.jpg", "sub/d.jpg"}
    assert "2 rows give no label" in report.summary()


def test_ambiguous_stem(tmp_path, pictures):
    from napari_wsss.exchange.matching import ImageIndex

    (tmp_path / "l.csv").write_text("image,labels\nx,cat\ny,cat\n")
    report = read_csv(ImageIndex.of_folder(pictures(["x.jpg", "x.png", "y.png"])), tmp_path / "l.csv")
    assert "x.jpg, x.png" in report.duplicates[0]
    assert set(report.labels) == {"y.png"}


@given(st.dictionaries(st.sampled_from(["a.jpg", "b.jpg", "c.png", "sub/d.jpg"]), st.sets(st.sampled_from("pqr"))))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_flag_columns_round_trip(read, labels):
    rows = [",".join([id_, *(str(int(name in names)) for name in "pqr")]) for id_, names in labels.items()]
    if rows:
        assert read("\n".join(["image,p,q,r", *rows])).labels == labels


def test_20_000_rows_in_seconds(tmp_path):
    import time
    from pathlib import Path

    from napari_wsss.exchange.matching import ImageIndex

    names = [f"{n:06d}" for n in range(20_000)]
    path = tmp_path / "labels.csv"
    path.write_text("image,labels\n" + "".join(f"{name},cat dog\n" for name in names))
    start = time.process_time()
    report = read_csv(ImageIndex(Path("root"), (f"{name}.jpg" for name in names)), path)
    assert len(report.labels) == 20_000
    assert time.process_time() - start < 3


def test_a_number_of_a_data_set_beside_flags_costs_no_labels(read):
    report = read("image,source,cat,dog\na,1,1,0\nb,2,0,1\nc,2,1,1\nd,1,0,0\n")
    assert report.labels == {"a.jpg": {"cat"}, "b.jpg": {"dog"}, "c.png": {"cat", "dog"}, "sub/d.jpg": frozenset()}
    assert report.is_clean
    assert "columns left out: source" in report.summary()


def test_the_class_list_rules_other_columns_of_0_and_1_out(read):
    report = read("image,checked,cat,dog\na,1,1,0\nb,0,0,1\n", ("cat", "dog"))
    assert report.labels == {"a.jpg": {"cat"}, "b.jpg": {"dog"}}
    assert "columns left out: checked" in report.summary()


def test_a_listed_class_is_never_dropped_for_its_numbers(read):
    report = read("image,cat,dog\na,1,0\nb,2,1\nc,0,1\nd,0,1\n", ("cat", "dog"))
    assert report.labels == {"a.jpg": {"cat"}, "c.png": {"dog"}, "sub/d.jpg": {"dog"}}
    assert "'2' in column cat" in report.unreadable[0]


@pytest.mark.parametrize("word", ["?", "u", "Uncertain", "unknown", "unsure", "-1", "-1.0", "\N{MINUS SIGN}1"])
def test_other_words_for_uncertain(read, word):
    report = read(f"image,cat,dog\na,1,{word}\nb,0,1\nc,1,0\nd,0,0\n")
    assert report.unknown == {"a.jpg": frozenset({"dog"})}
    assert report.labels["b.jpg"] == {"dog"}


@pytest.mark.parametrize("word", ["nan", "NA", "null", ""])
def test_a_cell_that_says_nothing_leaves_its_column_a_class(read, word):
    report = read(f"image,cat,dog\na,1,{word}\nb,0,1\nc,1,0\nd,{word},{word}\n")
    assert report.classes == ("cat", "dog")
    assert report.labels["b.jpg"] == {"dog"}
    assert "d.jpg" not in report.labels


def test_minus_1_is_uncertain_beside_0(read):
    report = read("image,cat,dog\na,1.0,-1.0\nb,0,-1\nc,0.0,\nd,-1,1\n")
    assert report.labels == {"a.jpg": {"cat"}, "b.jpg": frozenset(), "c.png": frozenset(), "sub/d.jpg": {"dog"}}
    assert report.unknown == {"a.jpg": {"dog"}, "b.jpg": {"dog"}, "sub/d.jpg": {"cat"}}
    assert report.negatives == ("c.png",), "of b.jpg it is not known whether a dog is there"
    assert "uncertain" in report.summary()
    assert "dog 2" in report.summary()


def test_a_row_that_is_certain_of_nothing_is_not_labelled(read):
    report = read("image,cat,dog\na,-1,-1\nb,0,1\nc,-1,\n")
    assert report.labels == {"b.jpg": {"dog"}}
    assert not report.unknown
    assert not report.new_image("a.jpg").unknown


NOTHING_LIKE = ("NA", "None", "nan", "null", "K", "Na")


@pytest.mark.parametrize("known", [NOTHING_LIKE, ()])
def test_classes_called_like_nothing(tmp_path, index, known):
    rows = zip(("a", "b", "c", "d"), NOTHING_LIKE, strict=False)
    (tmp_path / "l.csv").write_text("image,labels\n" + "".join(f"{image},{name}\n" for image, name in rows))
    report = read_csv(index, tmp_path / "l.csv", known, also=NOTHING_LIKE)
    assert report.labels == {"a.jpg": {"NA"}, "b.jpg": {"None"}, "c.png": {"nan"}, "sub/d.jpg": {"null"}}


def test_words_that_may_be_classes_are_said(read):
    report = read("image,labels\na,NA\nb,None\nc,Na\nd,cat\n")
    assert set(report.labels) == {"b.jpg", "sub/d.jpg"}
    assert "'NA' (1 times) is read as not labelled yet" in report.summary()
    assert "'None' (1 times) is read as none of the classes" in report.summary()


def test_a_cell_of_any_length_costs_its_row_only(read):
    report = read(f'image,labels\na,{"x" * 131_100}\nb,cat\nc,"{"y," * 200_000}"\nd,dog\n')
    assert report.labels == {"b.jpg": {"cat"}, "sub/d.jpg": {"dog"}}
    assert [entry.partition(":")[0] for entry in report.unreadable] == ["labels.csv line 2", "labels.csv line 4"]


@pytest.mark.parametrize(("case", "names"), [("12_gb2312", {"猫", "狗"}), ("02_class_NA", {"NA", "K", "Na"})])
def test_cases_of_names(cases_folder, case, names):
    from napari_wsss.exchange.labels import read_labels

    report = read_labels(cases_folder / "bugs" / case)
    assert set(report.classes) == names
    assert all(report.counts()[name] == 2 for name in names)
    assert not report.without_labels


def test_none_of_the_classes_and_not_labelled_yet_are_two_facts(read):
    report = read("image,cat,dog,none\na,1,0,0\nb,0,0,1\nc,,,\n")
    assert report.classes == ("cat", "dog"), "a column that says none is no class"
    assert report.labels == {"a.jpg": {"cat"}, "b.jpg": frozenset()}
    assert [report.new_image(one).negative for one in report.images] == [False, True, False, False]
    assert "1 image is labelled none of the classes" in report.summary()


@pytest.mark.parametrize("word", ["none", "None", "negative", "Background", "nothing", "No finding", "-"])
def test_words_for_none_of_the_classes(read, word):
    report = read(f"image,labels\na,cat;dog\nb,{word}\n")
    assert report.negatives == ("b.jpg",)
    assert report.classes == ("cat", "dog")


def test_an_unknown_name_is_not_none_of_the_classes(read):
    report = read("image,labels\na,cat\nb,catt\nc,none\n", ["cat"])
    assert report.labels == {"a.jpg": {"cat"}, "c.png": frozenset()}
