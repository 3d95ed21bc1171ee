"""The list of commands."""

from collections import Counter
from pathlib import Path

from napari_wsss.commands import table
from napari_wsss.commands.base import Command, Forwarded
from napari_wsss.commands.table import COMMANDS, find

ALL = [command for group in COMMANDS.values() for command in group]


def test_names_are_unique_and_words_to_type() -> None:
    names = Counter(command.name for command in ALL)
    assert max(names.values()) == 1
    assert all(name.replace("-", "").isalpha() and name.islower() for name in names)


def test_help_lines_are_no_sentences() -> None:
    assert not [command.name for command in ALL if not command.text or command.text.endswith(".")]


def test_a_command_is_found_by_its_name() -> None:
    for command in ALL:
        assert find(command.name) is command
    assert find("nonsense") is None


def test_every_command_of_the_folder_is_listed() -> None:
    declared = {
        name
        for file in Path(table.__file__).parent.glob("*.py")
        for name in vars(__import__(f"napari_wsss.commands.{file.stem}", fromlist=["x"])).values()
        if isinstance(name, Command | Forwarded)
    }
    assert declared <= set(ALL)
