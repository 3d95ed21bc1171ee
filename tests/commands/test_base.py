"""What every command promises: an answer for people or programs, errors in one line, late imports."""

import argparse
import json
import sys
from collections.abc import Callable

import pytest

from napari_wsss.commands.base import CORRECTABLE, DONE, Answer, Command, Forwarded, Late
from napari_wsss.core.errors import ProjectError


def command(verb: Callable[[argparse.Namespace, Answer], int]) -> Command:
    return Command("try", "tries", lambda _parser: None, verb)


def told(options: argparse.Namespace, answer: Answer) -> int:
    answer.say("Three were found.", count=3)
    answer.say(names=["a"])
    answer.warn("one is torn")
    return DONE


def failing(options: argparse.Namespace, answer: Answer) -> int:
    answer.say("Begun.", begun=True)
    raise ProjectError("There is no project; make one.")


def test_people_read_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert command(told).run(argparse.Namespace(json=False)) == DONE
    said = capsys.readouterr()
    assert said.out == "Three were found.\n"
    assert said.err == "napari-wsss: one is torn\n"


def test_programs_read_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    assert command(told).run(argparse.Namespace(json=True)) == DONE
    said = capsys.readouterr()
    assert json.loads(said.out) == {"count": 3, "names": ["a"], "warnings": ["one is torn"]}
    assert said.err == "napari-wsss: one is torn\n"


@pytest.mark.parametrize("as_json", [False, True])
def test_what_a_person_can_correct_is_one_line(as_json: bool, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(failing).run(argparse.Namespace(json=as_json)) == CORRECTABLE
    said = capsys.readouterr()
    assert said.err == "napari-wsss: There is no project; make one.\n"
    if as_json:
        assert json.loads(said.out) == {"begun": True, "error": "There is no project; make one."}


def test_mistakes_of_our_own_are_not_hidden() -> None:
    def broken(options: argparse.Namespace, answer: Answer) -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        command(broken).run(argparse.Namespace(json=True))


def test_a_stage_gets_all_words_and_no_module_of_the_current_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[tuple[str, ...]] = []
    monkeypatch.setattr("napari_wsss.commands.base.run_here", lambda words: ran.append(words) or 3)
    assert Forwarded("x", "", lambda words: ["x", *words]).run(["--help", "y"]) == 3
    assert ran == [(sys.executable, "-P", "-m", "training.run", "x", "--help", "y")]


def test_late_choices_are_looked_up_when_one_is_checked() -> None:
    late = Late("string", "digits")
    assert "7" in late
    assert "seven" not in late
    parser = argparse.ArgumentParser()
    parser.add_argument("--of", choices=Late("no_module_of_this_name", "X"), metavar="OF")
    assert parser.parse_args([]).of is None
