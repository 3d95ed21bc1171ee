import subprocess
import sys
from importlib.util import find_spec

from napari_wsss.processes.stage_list import OTHER_STAGES, TRAINED
from training.config import RECIPES


def test_every_recipe_has_a_line_of_help() -> None:
    assert set(TRAINED) == set(RECIPES)


def test_stages_are_modules_that_exist() -> None:
    assert not set(TRAINED) & set(OTHER_STAGES)
    assert all(find_spec(module) for module, _ in OTHER_STAGES.values())


def test_the_list_loads_no_stage() -> None:
    """And nothing of `training`, a name that a file beside a person's data may have too."""
    code = "import sys, napari_wsss.processes.stage_list; print({'training', 'numpy'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
