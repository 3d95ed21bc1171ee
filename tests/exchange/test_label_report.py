"""Collecting entries, and a summary that names every problem."""

from __future__ import annotations

from napari_wsss.exchange.label_report import LabelCollector


def test_each_kind_of_problem_is_kept_and_summarised(index):
    into = LabelCollector(index)
    into.add("a", ["cat"], "line 1")
    into.add("a.jpg", ["dog"], "line 2")
    into.add("z.jpg", ["dog"], "line 3")
    into.put_split("b.jpg", "train", "line 4")
    into.put_split("b.jpg", "val", "line 5")
    report = into.report("text", "list.txt")
    assert report.labels == {"a.jpg": frozenset({"cat"})}
    assert report.splits == {"b.jpg": "train"}
    assert "line 2" in report.duplicates[0]
    assert "line 1 counts" in report.duplicates[0]
    assert "'z.jpg'" in report.unmatched[0]
    assert report.without_labels == ("b.jpg", "c.png", "sub/d.jpg")
    assert not report.is_clean
    for said in ("4 images, 1 with labels", "have no image: line 3", "line 5", "b.jpg, c.png", "Splits: train 1"):
        assert said in report.summary()


def test_names_outside_the_class_list_are_reported_and_left_out(index):
    into = LabelCollector(index, known=("dog", "cat"))
    into.add("a", ["cat", "catt"], "line 1")
    report = into.report("csv", "x")
    assert report.classes == ("dog", "cat")
    assert report.labels["a.jpg"] == {"cat"}
    assert "'catt' (1 image)" in report.conflicts[0]
    assert report.counts() == {"dog": 0, "cat": 1}


def test_class_order_is_columns_then_natural(index):
    into = LabelCollector(index)
    into.add("a", ["type10", "type9", "z"], "1")
    assert into.report("csv", "x").classes == ("type9", "type10", "z")
    assert into.report("csv", "x", ("z", "unused")).classes == ("z", "unused", "type9", "type10")


def test_classes_that_differ_in_case_only_are_pointed_out(index):
    into = LabelCollector(index)
    into.add("a", ["Cat"], "1")
    into.add("b", ["cat"], "2")
    assert "letter case" in into.report("csv", "x").conflicts[0]


def test_long_lists_are_cut_with_their_number(index):
    into = LabelCollector(index)
    for number in range(30):
        into.add(f"no{number}", ["cat"], f"line {number}")
    assert "and 25 more" in into.report("csv", "x").summary()
    assert len(into.report("csv", "x").unmatched) == 30


def test_loose_matches_are_noted(index):
    into = LabelCollector(index)
    into.add("elsewhere/a.jpg", ["cat"], "line 1")
    assert "'elsewhere/a.jpg' -> 'a.jpg'" in into.report("csv", "x").summary()


def test_an_accent_makes_one_class_however_it_is_written(index):
    into = LabelCollector(index)
    into.add("a", ["caf\u00e9"], "1")
    into.add("b", ["cafe\u0301"], "2")
    assert into.report("csv", "x", ("cafe\u0301", "caf\u00e9")).classes == ("caf\u00e9",)
    known = LabelCollector(index, known=("cafe\u0301",))
    known.add("a", known.classes_in("caf\u00e9", ";"), "1")
    report = known.report("csv", "x")
    assert report.labels == {"a.jpg": frozenset({"cafe\u0301"})}, "an older list keeps its form"
    assert report.is_clean
