"""Options from a file mean what they would typed, and what is typed counts."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from napari_wsss.core.errors import ParameterError
from napari_wsss.processes.option_files import config_option, read_mapping, with_file


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser("p", allow_abbrev=False)
    config_option(made)
    made.add_argument("model", type=Path)
    made.add_argument("folder", type=Path)
    made.add_argument("--out", required=True)
    made.add_argument("--rate", type=float, default=0.5)
    made.add_argument("--ids", nargs="+")
    made.add_argument("--weights", nargs="+", metavar="NAME=VALUE")
    made.add_argument("--class", dest="class_name")
    made.add_argument("--dry-run", action="store_true")
    made.add_argument("--flip", action=argparse.BooleanOptionalAction, default=True)
    form = made.add_mutually_exclusive_group(required=True)
    form.add_argument("--onnx", action="store_true")
    form.add_argument("--script", action="store_true")
    return made


WHOLE = {
    "model": "m.onnx",
    "folder": "photos",
    "out": "-odd name",
    "rate": -1,
    "ids": ["a", "b"],
    "weights": {"cat": 2},
    "class": "dog",
    "dry_run": True,
    "flip": False,
    "onnx": True,
}


def told(tmp_path: Path, content: Any, *typed: str) -> argparse.Namespace:
    (tmp_path / "c.json").write_text(json.dumps(content))
    made = parser()
    return made.parse_args(with_file(made, ["--config", str(tmp_path / "c.json"), *typed]))


def test_a_file_can_say_everything(tmp_path: Path) -> None:
    found = vars(told(tmp_path, WHOLE))
    assert found.pop("config") == tmp_path / "c.json"
    assert found == {
        "model": Path("m.onnx"),
        "folder": Path("photos"),
        "out": "-odd name",
        "rate": -1.0,
        "ids": ["a", "b"],
        "weights": ["cat=2"],
        "class_name": "dog",
        "dry_run": True,
        "flip": False,
        "onnx": True,
        "script": False,
    }


def test_what_is_typed_counts(tmp_path: Path) -> None:
    found = told(tmp_path, WHOLE, "mine.onnx", "--rate", "3", "--ids", "c", "--flip")
    assert (found.model, found.folder) == (Path("mine.onnx"), Path("photos"))
    assert (found.rate, found.ids, found.flip, found.out) == (3.0, ["c"], True, "-odd name")


def test_a_parser_is_left_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text("{}")
    made = parser()
    before = made.format_help()
    with_file(made, ["--config", str(tmp_path / "c.json")])
    assert made.format_help() == before
    with pytest.raises(SystemExit):
        made.parse_args([])


def test_without_a_file_nothing_changes() -> None:
    assert with_file(parser(), ["m", "--out", "x"]) == ["m", "--out", "x"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"nonsense": 1},
        {"config": "other.json"},
        {"help": True},
        {"no_flip": True},
        {"dry_run": "yes"},
        {"flip": 1},
        {"rate": [1, 2]},
        {"rate": True},
        {"out": {"a": 1}},
        {"ids": [["a"]]},
    ],
)
def test_a_name_or_value_that_is_none_is_named(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match=next(iter(wrong))):
        told(tmp_path, wrong)


def test_a_value_of_another_type_is_refused_as_if_it_were_typed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        told(tmp_path, {**WHOLE, "rate": "fast"})
    assert "--rate" in capsys.readouterr().err


def test_yaml_says_the_same(tmp_path: Path) -> None:
    yaml = pytest.importorskip("yaml")
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(WHOLE))
    assert read_mapping(tmp_path / "c.yaml") == WHOLE


@pytest.mark.parametrize(("name", "content"), [("c.json", "[1]"), ("c.yml", "- 1"), ("c.yml", "a: [")])
def test_a_file_that_holds_something_else_is_named(tmp_path: Path, name: str, content: str) -> None:
    pytest.importorskip("yaml")
    (tmp_path / name).write_text(content)
    with pytest.raises(ParameterError, match=r"c\."):
        read_mapping(tmp_path / name)
