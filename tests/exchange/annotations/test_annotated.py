"""What is said of an image as a whole, and by its objects."""

from napari_wsss.exchange.annotations.annotated import Annotated, Reading, Shape


def test_nothing_said_is_not_none_of_the_classes():
    assert Annotated(("a",), "x").classes is None
    assert Annotated(("a",), "x", frozenset()).classes == frozenset()
    assert Annotated(("a",), "x", frozenset({"cat"}), (Shape("dog"), Shape(""))).classes == {"cat", "dog"}
    assert Annotated(("a",), "x", shapes=(Shape(""),)).classes is None


def test_classes_keep_the_order_of_the_source():
    reading = Reading()
    reading.declare(["b", "", "a"])
    reading.declare(["c", "b"])
    assert reading.classes == ("b", "a", "c")
