"""A data card counts what is in an export and says how it was made."""

import json

import numpy as np

from napari_wsss.core.sources import Source, Sources
from napari_wsss.exchange.data_card import CARD, About, DataCard, as_markdown, files_of, read_card
from napari_wsss.exchange.writers.base import Item
from napari_wsss.project.sourced_masks import SourcedMask
from tests.exports import CLASSES, MASK, exported

PROPOSAL = Source("proposal", "k", "cam", "training/run-1/best.pt", {"threshold": 0.4}, time=5.0)


def card_of(values: np.ndarray, made_by: np.ndarray) -> DataCard:
    card = DataCard(CLASSES, About("my | project", {"what": "masks"}, {"localize": "training/run-1/best.pt"}))
    content = SourcedMask(values, Sources(made_by, (PROPOSAL,)))
    card.add(Item("a.jpg", 7, "a", content, "train"), {"state": "accepted"})
    return card


def test_pixels_images_and_who_made_them() -> None:
    made_by = np.where(MASK == 1, 1, np.where(MASK == 2, 2, 0)).astype(np.uint8)
    record = card_of(MASK, made_by).record((), ())
    found = {row["name"]: (row["pixels"], row["images"]) for row in record["classes"]}
    assert found == {"background": (4, 1), "cat": (3, 1), "traffic light": (4, 1), "ignore": (1, 1)}
    assert record["share of pixels"] == {"machine": 4 / 12, "nobody": 5 / 12, "person": 3 / 12}
    (step,) = record["machine steps"]
    assert (step["method"], step["checkpoint"], step["parameters"]) == ("cam", PROPOSAL.checkpoint, {"threshold": 0.4})
    assert (step["pixels"], "time" in step) == (4, False)
    assert record["images"] == [
        {"image": "a.jpg", "number": 7, "name": "a", "split": "train", "share of a person": 0.25, "state": "accepted"}
    ]


def test_imported_pixels_are_nobodys_of_this_project() -> None:
    tables = [Source("imported", method="cvat", parameters={"from": "task.zip", "entry": one}) for one in ("a", "b")]
    card = DataCard(CLASSES, About())
    for number, source in enumerate(tables):
        made_by = np.full_like(MASK, 2)
        made_by[0] = 1
        card.add(Item(f"{number}.jpg", number, f"{number}", SourcedMask(MASK, Sources(made_by, (source,)))), {})
    record = card.record((), ())
    rest = MASK.size - MASK.shape[1]
    assert record["share of pixels"]["imported"] == rest / MASK.size
    assert record["share of pixels"]["person"] == MASK.shape[1] / MASK.size
    assert record["share of pixels"]["machine"] == 0
    assert record["imported"] == [{"format": "cvat", "from": "task.zip", "pixels": 2 * rest}]
    assert record["machine steps"] == []
    assert {row["share of other files"] for row in record["images"]} == {round(rest / MASK.size, 6)}
    text = as_markdown(record)
    assert "imported" in text
    assert "task.zip" in text


def test_a_person_reads_it() -> None:
    card = card_of(MASK, np.ones_like(MASK)).record(("x.jpg: gone",), ("a note",))
    text = as_markdown(card)
    for word in ("my \\| project", "| 1 | cat |", "person 100.0%", "None is known.", "- x.jpg: gone", "- a note"):
        assert word in text


def test_every_file_is_listed_with_its_digest(tmp_path) -> None:
    import hashlib

    exported(tmp_path, {"a.jpg": MASK}, "voc", "grey")
    files = files_of(read_card(tmp_path))
    there = {path.relative_to(tmp_path).as_posix(): path for path in tmp_path.rglob("*") if path.is_file()}
    assert files == {
        name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in there.items() if name != CARD
    }


def test_a_damaged_card_is_none(tmp_path) -> None:
    assert read_card(tmp_path) == {}
    (tmp_path / CARD).write_text("{")
    assert read_card(tmp_path) == {}
    (tmp_path / CARD).write_text(json.dumps({"files": {"a": 1, "b": "x"}}))
    assert files_of(read_card(tmp_path)) == {"b": "x"}
