"""NumPy files of strangers: numbers are read, nothing in them runs, and no header is believed."""

import io
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from napari_wsss.core.errors import LabelError
from napari_wsss.exchange.annotations.plain_arrays import (
    pages_in_file,
    read_array,
    read_array_or_records,
    read_page,
    read_records,
)
from napari_wsss.project.results.array_files import DAMAGE, read_arrays


def with_pickle(path: Path, content: bytes) -> Path:
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "|O", "fortran_order": False, "shape": ()})
    path.write_bytes(head.getvalue() + content)
    return path


@pytest.mark.parametrize("protocol", range(6))
def test_a_dictionary_of_arrays_is_read_in_every_protocol(tmp_path, protocol):
    record = {
        "2007_000032": np.array([1, 0, 1], np.float32),
        2007000033: np.zeros(3, ">f8"),
        "masks": np.asfortranarray(np.arange(6, dtype=np.uint16).reshape(2, 3)),
        "filename": "ä.png",
        "flows": [np.zeros(2)],
        "objects": np.array([None, "x"], object),
        "diameter": np.float64(30),
    }
    content = pickle.dumps(np.array(record, dtype=object), protocol)
    found = read_records(with_pickle(tmp_path / "x.npy", content))
    for key in ("2007_000032", 2007000033, "masks"):
        np.testing.assert_array_equal(found[key], record[key])
        assert found[key].dtype == record[key].dtype
    assert (found["filename"], found["objects"], float(found["diameter"])) == ("ä.png", None, 30.0)


def test_what_numpy_saves_is_read(tmp_path):
    np.save(tmp_path / "x.npy", {"a": np.ones(2)})
    assert read_records(tmp_path / "x.npy")["a"].tolist() == [1, 1]
    np.save(tmp_path / "y.npy", np.arange(6, dtype=np.int32).reshape(2, 3))
    assert read_array(tmp_path / "y.npy").tolist() == [[0, 1, 2], [3, 4, 5]]


class Harm:
    def __init__(self, function: object, *arguments: object) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[object, object]:
        return self.call


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "harm", [Harm(os.system, "touch escaped"), Harm(eval, "1"), Harm(np.load, "x"), Harm(np.ndarray, (2**40,))]
)
def test_code_in_a_pickle_does_not_run(tmp_path, monkeypatch, harm, protocol):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LabelError):
        read_records(with_pickle(tmp_path / "x.npy", pickle.dumps(np.array({"a": harm}, object), protocol)))
    assert not (tmp_path / "escaped").exists()


def test_room_is_made_for_no_more_than_there_is(tmp_path):
    big = b"\x80\x02r" + (2**31 - 1).to_bytes(4, "little") + b"."  # LONG_BINPUT far behind the end
    for content in (big, b"\x80\x04\x8e" + (2**62).to_bytes(8, "little"), b"(" * 10_000, b"\x80\x05\x95" + b"\xff" * 8):
        with pytest.raises(LabelError):
            read_records(with_pickle(tmp_path / "x.npy", content))


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"\x93NUMPY\x01\x00\x02\x00{}", b"garbage"])
def test_a_damaged_file_is_a_sentence(tmp_path, content):
    (tmp_path / "x.npy").write_bytes(content)
    for read in (read_array, read_records):
        with pytest.raises(LabelError):
            read(tmp_path / "x.npy")


def test_one_is_not_the_other(tmp_path):
    np.save(tmp_path / "numbers.npy", np.zeros(3))
    np.save(tmp_path / "objects.npy", {"a": 1})
    with pytest.raises(LabelError, match="expected a dictionary"):
        read_records(tmp_path / "numbers.npy")
    with pytest.raises(LabelError, match="Python objects"):
        read_array(tmp_path / "objects.npy")


def test_tensors_in_a_dictionary_are_arrays(tmp_path):
    torch = pytest.importorskip("torch", reason="IRN saves tensors; reading them needs no torch")
    record = {
        "keys": torch.tensor([3, 7]),
        "cam": torch.arange(24, dtype=torch.float32).reshape(2, 3, 4)[1:],
        "half": torch.ones(2, dtype=torch.float16),
        "high_res": np.ones((2, 6, 8), np.float32),
    }
    np.save(tmp_path / "x.npy", record)
    found = read_records(tmp_path / "x.npy")
    for name, value in record.items():
        np.testing.assert_array_equal(found[name], np.asarray(value))
    np.save(tmp_path / "y.npy", {"keys": torch.zeros(2, 3).T})
    with pytest.raises(LabelError, match="contiguous"):
        read_records(tmp_path / "y.npy")


def test_a_dictionary_or_an_array(tmp_path):
    np.save(tmp_path / "a.npy", {0: np.ones(2)})
    np.save(tmp_path / "b.npy", np.ones(2))
    assert list(read_array_or_records(tmp_path / "a.npy")) == [0]
    assert read_array_or_records(tmp_path / "b.npy").tolist() == [1, 1]


@pytest.mark.parametrize("header", ["{'descr': '|O', 'shape': (), {", "{'descr': '''", "(" * 300, "\x00"])
def test_a_header_that_numpy_cannot_parse_is_said(tmp_path, header):
    """numpy reads it by Python's own parser, whose errors are not those of a file."""
    for version in (b"\x01\x00", b"\x02\x00"):
        size = (len(header) + 1).to_bytes(2 if version[0] == 1 else 4, "little")
        (tmp_path / "a.npy").write_bytes(b"\x93NUMPY" + version + size + header.encode() + b"\n")
        with pytest.raises(LabelError, match="cannot be read"):
            read_array(tmp_path / "a.npy")
        with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
            archive.write(tmp_path / "a.npy", "scores.npy")
        with pytest.raises(DAMAGE):
            read_arrays(tmp_path / "a.npz")


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(3, 4, 5), (1, 3, 4, 5), (3, 1, 4, 5), (3, 4, 5, 1)])
def test_pages_are_read_one_by_one(tmp_path, order, shape):
    stack = np.arange(60, dtype=np.uint16).reshape(shape)
    np.save(tmp_path / "x.npy", np.asarray(stack, order=order))
    assert pages_in_file(tmp_path / "x.npy") == 3
    for page in (1, 2, 3):
        np.testing.assert_array_equal(read_page(tmp_path / "x.npy", page), stack.reshape(3, 4, 5)[page - 1])
    for page in (0, 4):
        with pytest.raises(LabelError, match=f"no page {page}"):
            read_page(tmp_path / "x.npy", page)


@pytest.mark.parametrize("array", [np.zeros((4, 5)), np.zeros((4, 5, 3)), np.zeros((0, 4, 5)), np.array({})])
def test_one_mask_colours_and_objects_have_no_pages(tmp_path, array):
    np.save(tmp_path / "x.npy", array)
    assert pages_in_file(tmp_path / "x.npy") == 0


def test_no_pages_are_promised_that_are_not_there(tmp_path):
    with (tmp_path / "x.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": (10**12, 4, 5)})
    assert pages_in_file(tmp_path / "x.npy") == pages_in_file(tmp_path / "missing.npy") == 0
    with pytest.raises(LabelError, match=r"x\.npy"):
        read_page(tmp_path / "x.npy", 7)
