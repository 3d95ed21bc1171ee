"""Help of stages without the stages: the same options as they have, and only where nobody else adds some."""

import pytest

from napari_wsss.processes import stage_parser
from napari_wsss.processes.stage_list import OTHER_STAGES, TRAINED
from napari_wsss.processes.stage_parser import stage_options, wants_help


@pytest.mark.parametrize("stage", [*OTHER_STAGES, *TRAINED])
def test_it_takes_what_the_stage_takes(stage: str) -> None:
    pytest.importorskip("torch")
    from training.command_line import parser_for

    found = stage_parser.stage_parser([stage], "napari-wsss")
    assert found is not None
    text = found.format_help()
    assert text.startswith(f"usage: napari-wsss {stage}")
    stages = parser_for([stage])._subparsers
    assert stages is not None
    for flag in stages._group_actions[0].choices[stage]._option_string_actions:  # type: ignore[index, union-attr]
        assert flag in text


def test_what_a_first_use_can_do_without_stands_last() -> None:
    found = stage_parser.stage_parser(["predict"])
    assert found is not None
    titles = [str(group.title) for group in found._action_groups if group._group_actions]
    advanced = [title.startswith("Advanced") for title in titles]
    assert any(advanced)
    assert advanced == sorted(advanced)


def test_the_method_decides_the_options() -> None:
    def names(*words: str) -> set[str]:
        groups = stage_options(["classifier", *words])
        assert groups is not None
        return {option["dest"] for group in groups for option in group["options"]}

    assert "equivariance_weight" in names("--method", "seam")
    assert names() == names("--method", "cam") == names("--method", "of_somebody")
    assert "equivariance_weight" not in names()


@pytest.mark.parametrize("words", [[], ["--project", "p"], ["--help", "--config", "c.json"], ["--preset=x", "-h"]])
def test_what_only_the_stage_knows_is_left_to_it(words: list[str]) -> None:
    assert not wants_help(words)


def test_help_where_somebody_adds_a_method_is_left_to_the_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    assert wants_help(["--help"])
    monkeypatch.setattr(stage_parser, "method_names", lambda shelf: ("of_somebody",))
    assert not wants_help(["--help"])


def test_an_unknown_stage_has_no_options() -> None:
    assert stage_options(["nonsense"]) is None
