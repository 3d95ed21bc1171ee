from __future__ import annotations

import sys
from pathlib import Path

import pytest

from napari_wsss.core.errors import StepError
from napari_wsss.core.progress import finish
from napari_wsss.session.runs.child import failed_images, run_stage


def program(folder: Path, body: str) -> tuple[str, ...]:
    path = folder / "stage.py"
    path.write_text(f"import sys, json, time\ndef say(**line): print(json.dumps(line), flush=True)\n{body}")
    return sys.executable, str(path)


def test_progress_and_reports_are_passed_on(tmp_path: Path) -> None:
    body = "say(stage='features', done=1, total=2)\nsay(stage='report', message=' '.join(sys.argv[1:]))"
    steps = run_stage("clusters", tmp_path, {"count": 3}, program(tmp_path, body))
    shown = []
    while True:
        try:
            shown.append(next(steps))
        except StopIteration as stop:
            said = stop.value
            break

    assert ("features", 1, 2) in {(one.stage, one.done, one.total) for one in shown}
    assert said[0]["message"] == f"clusters --project {tmp_path} --count 3 --events"


def test_a_failure_is_told_in_the_stages_words(tmp_path: Path) -> None:
    failing = program(tmp_path, "print('No model is applied.', file=sys.stderr)\nsys.exit(4)")
    with pytest.raises(StepError, match="No model is applied"):
        finish(run_stage("clusters", tmp_path, {}, failing))
    with pytest.raises(StepError, match="could not be started"):
        finish(run_stage("clusters", tmp_path, {}, (str(tmp_path / "nothing"),)))


@pytest.mark.parametrize("counts", [{"done": 3, "reused": 0}, {"done": 0, "reused": 3}, {"done": 0, "reused": 0}])
def test_images_that_fail_are_a_failure_only_where_none_was_done(tmp_path: Path, counts: dict[str, int]) -> None:
    body = f"say(stage='report', message='', failed={{'a.jpg': 'cut off'}}, **{counts})\nsys.exit(4)"
    steps = run_stage("refine", tmp_path, {}, program(tmp_path, body))
    if any(counts.values()):
        assert failed_images(finish(steps)) == {"a.jpg": "cut off"}
    else:
        with pytest.raises(StepError, match="cut off"):
            finish(steps)


def test_closing_ends_the_process(tmp_path: Path) -> None:
    body = f"say(stage='features', done=1, total=2)\ntime.sleep(30)\nopen({str(tmp_path / 'late')!r}, 'w')"
    steps = run_stage("clusters", tmp_path, {}, program(tmp_path, body))
    while next(steps).done == 0:
        pass
    steps.close()
    assert not (tmp_path / "late").exists()
