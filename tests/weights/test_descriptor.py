"""Descriptors: renaming and classing of keys."""

from __future__ import annotations

from napari_wsss.weights.descriptor import WeightsDescriptor

DESCRIPTOR = WeightsDescriptor(
    "name",
    "Title",
    "network",
    head=r"^fc\.",
    rename=((r"^a\.b\.", "first."), (r"^a\.", "second."), (r"(\d+)$", r"layer\1")),
    ignorable=(r"^extra",),
)


def test_the_first_matching_rule_renames_once() -> None:
    assert DESCRIPTOR.renamed("a.b.a.weight") == "first.a.weight"
    assert DESCRIPTOR.renamed("a.c.9") == "second.c.9"
    assert DESCRIPTOR.renamed("x12") == "xlayer12"
    assert DESCRIPTOR.renamed("other.weight") == "other.weight"


def test_heads_and_ignorable_keys() -> None:
    assert DESCRIPTOR.is_head("fc.weight")
    assert not DESCRIPTOR.is_head("layer.fc.weight")
    assert DESCRIPTOR.is_ignorable("extra.bias")
    assert not DESCRIPTOR.is_ignorable("fc.weight")
    assert not WeightsDescriptor("n", "t", "w").is_head("")


def test_descriptors_can_be_keys() -> None:
    assert len({DESCRIPTOR, DESCRIPTOR}) == 1
