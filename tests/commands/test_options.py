"""Options that several commands have."""

import argparse

import pytest

from napari_wsss.commands.options import label_options, project_argument, project_option, split_option
from napari_wsss.commands.parser import parser as every_command
from napari_wsss.core.plan import HELD_OUT
from napari_wsss.exchange.reading import KINDS


@pytest.fixture
def parser() -> argparse.ArgumentParser:
    return argparse.ArgumentParser()


def test_the_project_is_a_word_or_an_option(parser: argparse.ArgumentParser) -> None:
    project_argument(parser)
    assert parser.parse_args(["p"]).project.name == "p"
    other = argparse.ArgumentParser()
    project_option(other)
    assert other.parse_args(["--project", "p"]).project.name == "p"


@pytest.mark.parametrize("command", ["open", "info", "runs", "doctor", "check", "restore", "sample"])
def test_commands_of_a_project_alone_take_both(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["p"], ["--project", "p"], ["--json", "p"], ["--project=p", "--json"]):
        assert every_command().parse_args([command, *words]).project.name == "p"
    for wrong in ([], ["p", "--project", "q"], ["--project", "q", "p"]):
        with pytest.raises(SystemExit):
            every_command().parse_args([command, *wrong])
    assert capsys.readouterr().err.count("named twice") == 2


def test_every_kind_of_labels_is_a_choice_and_shown(parser: argparse.ArgumentParser) -> None:
    label_options(parser)
    for kind in KINDS:
        assert parser.parse_args(["--images", "i", "--kind", kind]).kind == kind
        assert kind in parser.format_help()
    with pytest.raises(SystemExit):
        parser.parse_args(["--images", "i", "--kind", "nonsense"])


def test_the_usual_split_is_taken(parser: argparse.ArgumentParser) -> None:
    split_option(parser)
    assert parser.parse_args([]).hold_out == HELD_OUT
    assert str(HELD_OUT) in parser.format_help()
