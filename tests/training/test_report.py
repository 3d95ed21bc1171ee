from __future__ import annotations

import json

import pytest

from napari_wsss.core.progress import Progress, Steps
from training.report import EventLines, OneObject, Terminal, complain, reporter, watched


def _count(to: int) -> Steps[int]:
    for done in range(1, to + 1):
        yield Progress("count", done, to, metrics={"loss": 1 / done})
    return to


def test_event_lines_are_progress_again(capsys: pytest.CaptureFixture[str]) -> None:
    assert watched(_count(3), EventLines()) == 3
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [Progress.from_dict(line).done for line in lines] == [1, 2, 3]
    assert lines[1]["metrics"] == {"loss": 0.5}


def test_event_lines_carry_facts_beside_text(capsys: pytest.CaptureFixture[str]) -> None:
    EventLines().say("where", run_folder="there")
    line = json.loads(capsys.readouterr().out)
    assert (line["message"], line["run_folder"]) == ("where", "there")


def test_terminal_draws_on_stderr_and_prints_text_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal()
    watched(_count(3), terminal)
    terminal.say("done")
    terminal.close()
    out, err = capsys.readouterr()
    assert out.strip() == "done"
    assert "count" in err
    assert "3/3" in err


def test_a_new_stage_gets_a_new_bar(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal()
    terminal.show(Progress("one", 1, 2))
    terminal.show(Progress("two", 1, 4))
    terminal.close()
    err = capsys.readouterr().err
    assert "one" in err
    assert "two" in err


def test_which_reporter() -> None:
    assert isinstance(reporter(True), EventLines)
    assert isinstance(reporter(False), Terminal)
    assert isinstance(reporter(False, as_json=True), OneObject)


def test_one_object_holds_all_that_was_said_and_nothing_of_the_bars(capsys: pytest.CaptureFixture[str]) -> None:
    report = OneObject()
    watched(_count(3), report)
    report.show(Progress("another", 1, 1))
    report.say("2 done", done=2)
    report.say("1 failed", failed={"a.png": "torn"})
    report.close()
    out, err = capsys.readouterr()
    assert json.loads(out) == {"said": ["2 done", "1 failed"], "done": 2, "failed": {"a.png": "torn"}}
    assert "3/3" in err


def test_complaints_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    complain("bad")
    assert capsys.readouterr() == ("", "bad\n")
