"""Commands that are stages of `python -m training.run`."""

import pytest

from napari_wsss.commands.stages import STAGES, TRAIN
from napari_wsss.processes.stage_list import OTHER_STAGES, TRAINED


def test_every_stage_has_a_command() -> None:
    assert {TRAIN.stage([])[0], *(command.name for command in STAGES)} == set(OTHER_STAGES)


@pytest.mark.parametrize("recipe", TRAINED)
def test_train_takes_the_stage_as_its_first_word(recipe: str) -> None:
    assert TRAIN.stage([recipe, "--project", "p"]) == [recipe, "--project", "p"]


def test_train_alone_is_the_recommended_start() -> None:
    assert TRAIN.stage(["--project", "p"]) == ["start", "--project", "p"]


def test_a_stage_keeps_its_name_and_words() -> None:
    for command in STAGES:
        assert command.stage(["--a", "b"]) == [command.name, "--a", "b"]
