import subprocess
import sys
from importlib.util import find_spec

from training.config import RECIPES
from training.stage_list import OTHER_STAGES, TRAINED


def test_every_recipe_has_a_line_of_help() -> None:
    assert set(TRAINED) == set(RECIPES)


def test_stages_are_modules_that_exist() -> None:
    assert not set(TRAINED) & set(OTHER_STAGES)
    assert all(find_spec(module) for module, _ in OTHER_STAGES.values())


def test_the_list_loads_no_stage() -> None:
    code = (
        "import sys, training.stage_list; print(sorted(n for n in sys.modules if n.startswith(('training', 'numpy'))))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "['training', 'training.stage_list']"
