"""The documentation holds: examples pass the contract tests, commands parse, links, targets and keys exist."""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import subprocess
import sys
from contextlib import redirect_stdout
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
SHELL = ("sh", "bash", "console")
EXAMPLES = {
    "top_share_cam": ("localize", "TopShareCam"),
    "smooth_scores": ("refine", "SmoothScores"),
    "ascii_masks": ("exchange.writers", "AsciiMasks"),
    "plain_stack": ("trunks", "PlainStack"),
}
JUDGES = ("contracts/test_localizers", "contracts/test_refiners", "contracts/test_writers", "networks/test_trunk")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path, *languages: str) -> list[str]:
    """Return the fenced blocks of a page written in one of `languages`."""
    found = BLOCK.findall(page.read_text(encoding="utf-8"))
    return [text for language, text in found if language in languages]


def command_lines() -> list[tuple[str, str]]:
    """Return (page, command) of every command line of the shell blocks, continued lines joined."""
    found = []
    for page in PAGES:
        for block in blocks(page, *SHELL):
            lines = block.replace("\\\n", " ").splitlines()
            found += [(page.name, line.strip()) for line in lines if line.strip() and not line.startswith("#")]
    return found


def words_after(*start: str) -> list[Any]:
    """Return pytest parameters: the words of each command that begins with `start`, without these."""
    found = []
    for page, line in command_lines():
        words = shlex.split(line, comments=True)
        if words[: len(start)] == list(start):
            found.append(pytest.param(words[len(start) :], id=f"{page}: {line}"))
    return found


# -- examples ---------------------------------------------------------------------------------------------


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """Return a folder that holds the examples of extending.md as an installed package with entry points would."""
    lines = []
    for block in blocks(ROOT / "docs" / "extending.md", "python"):
        name = re.match(r"# (\w+)\.py\n", block)
        assert name is not None, "a python block of extending.md begins with its file name"
        (tmp_path / f"{name[1]}.py").write_text(block, encoding="utf-8")
        shelf, cls = EXAMPLES[name[1]]
        lines += [f"[napari_wsss.{shelf}]", f"{name[1]} = {name[1]}:{cls}"]
    information = tmp_path / "documented_examples-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: documented-examples\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("\n".join(lines) + "\n")
    return tmp_path


def test_the_examples_pass_the_contract_tests(installed: Path) -> None:
    pytest.importorskip("torch", reason="the contract of localizers needs torch")
    places = os.pathsep.join([str(installed), str(ROOT)])
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", " or ".join(EXAMPLES), "-rN"]
    # The options of plugins, which take seconds to load, apart.
    command += ["-o", "addopts=--import-mode=importlib", "-m", "not slow and not real and not gpu"]
    ended = subprocess.run(
        [*command, *(f"tests/{file}.py" for file in JUDGES)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": places, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert ended.returncode == 0, ended.stdout[-3000:]
    passed = re.search(r"(\d+) passed", ended.stdout)
    assert passed is not None
    assert int(passed[1]) >= 43
    assert "failed" not in ended.stdout


@pytest.mark.slow
def test_the_examples_pass_the_type_checker(installed: Path) -> None:
    """What a reader copies into the repository has to pass `make lint` there."""
    files = [str(installed / f"{name}.py") for name in EXAMPLES]
    command = [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), *files]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=110)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_the_examples_reach_the_command_line(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    from training.command_line import parser_for

    monkeypatch.syspath_prepend(str(installed))
    typed = ["classifier", "--method", "top_share_cam", "--share", "0.1", "--project", "p"]
    assert parser_for(typed).parse_args(typed).share == 0.1
    typed = ["refine", "--project", "p", "--refiners", "smooth_scores", "--smooth-scores-sigma", "0.02"]
    assert parser_for(typed).parse_args(typed).smooth_scores_sigma == 0.02


def test_the_example_format_draws_letters(installed: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from napari_wsss.core.registry import load_method
    from napari_wsss.exchange.export_folder import ExportFolder
    from napari_wsss.exchange.writers.base import Item
    from napari_wsss.project.sourced_masks import SourcedMask
    from tests.exports import CLASSES, MASK

    monkeypatch.syspath_prepend(str(installed))
    writer = load_method("exchange.writers", "ascii_masks")(ExportFolder(tmp_path / "out"), CLASSES)
    writer.take(Item("a.jpg", 1, "a", SourcedMask.empty((1, 1)).drawn_over(MASK)))
    writer.finish()
    assert (tmp_path / "out/ascii/a.txt").read_text() == ".AB?\n..AA\nBBB.\n"
    assert (tmp_path / "out/ascii/legend.txt").read_text() == "A cat\nB traffic light\n? ignore\n"


# -- commands ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", words_after("napari-wsss"))
def test_our_commands_parse(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    from napari_wsss.commands.base import Forwarded
    from napari_wsss.commands.parser import parser
    from napari_wsss.commands.table import find

    command = find(words[0])
    if isinstance(command, Forwarded):
        pytest.importorskip("torch")
        parse(parse_training, command.stage(words[1:]), capsys)
        return
    parse(parser().parse_args, words, capsys)


@pytest.mark.parametrize("words", words_after("python", "-m", "training.run"))
def test_training_commands_parse(
    words: list[str], installed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    monkeypatch.syspath_prepend(str(installed))  # a page may use its own examples
    monkeypatch.chdir(installed)
    for config in (Path(after) for word, after in pairwise(words) if word == "--config"):
        config.parent.mkdir(parents=True, exist_ok=True)
        config.write_text("{}")
    parse(parse_training, words, capsys)


def parse_training(words: list[str]) -> Any:
    from training.command_line import parser_for

    return parser_for(words).parse_args(words)


def parse(parser: Any, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    try:
        parser(words)
    except SystemExit as ended:
        if ended.code:
            pytest.fail(capsys.readouterr().err)


def test_make_targets_exist() -> None:
    known = set(re.findall(r"^([a-z][a-z0-9-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    calls = re.compile(r"(?:`|^|[A-Z] )make ([a-z][a-z0-9-]*)", re.MULTILINE)
    named = {word for page in PAGES for word in calls.findall(page.read_text(encoding="utf-8"))}
    assert {"demo", "test", "test-qt6"} <= named <= known


def test_extras_exist() -> None:
    import tomllib

    known = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"])
    lists = [found for page in PAGES for found in re.findall(r"(?:napari-wsss|\.)\[([\w,]+)\]", page.read_text())]
    named = {name for found in lists for name in found.split(",")}
    assert named
    assert named <= known


# -- pages ------------------------------------------------------------------------------------------------


LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
HERE = (
    "https://github.com/napari-wsss/napari-wsss/blob/main/",
    "https://raw.githubusercontent.com/napari-wsss/napari-wsss/main/",
)
"""Addresses of this repository's files: README is shown where links into the tree lead nowhere."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_pictures_exist(page: Path) -> None:
    links = LINK.findall(page.read_text(encoding="utf-8"))
    ours = [ROOT / link.removeprefix(start) for link in links for start in HERE if link.startswith(start)]
    there = [*ours, *(page.parent / link for link in links if "://" not in link)]
    assert not [path for path in there if not path.exists()]
    assert page.name != "README.md" or len(ours) == len(there) > 5


def test_the_addresses_are_the_projects_own() -> None:
    import tomllib

    urls = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]
    assert HERE[0].startswith(urls["Repository"])
    site = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert f"site_url: {urls['Documentation']}" in site
    assert f"repo_url: {urls['Repository']}" in site


def test_the_site_has_every_page() -> None:
    """`make docs` builds them, strictly."""
    site = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    wanted = sorted(page.name for page in PAGES if page.parent.name == "docs")
    assert sorted(re.findall(r": ([\w-]+\.md)$", site, re.MULTILINE)) == wanted


# -- notebooks --------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("notebook", sorted((ROOT / "docs").glob("*.ipynb")), ids=lambda path: path.name)
def test_a_notebook_says_what_it_shows(notebook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    cells = [cell for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    names: dict[str, Any] = {}
    for cell in cells:
        said = io.StringIO()
        with redirect_stdout(said):
            exec("".join(cell["source"]), names)
        shown = [line for output in cell["outputs"] for line in output.get("text", [])]
        assert said.getvalue() == "".join(shown)
    assert any("image/png" in output.get("data", {}) for cell in cells for output in cell["outputs"])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_named_files_exist(page: Path) -> None:
    """Paths in backticks that begin with a folder of the repository are there, examples to be written apart."""
    folders = "|".join(path.name for path in ROOT.glob("napari_wsss/*/") if not path.name.startswith("_"))
    named = re.findall(rf"`((?:napari_wsss|training|tests|docs|\.ci|{folders})/[\w./-]+)`", page.read_text())
    written = [path for path in named if not any(example in path for example in EXAMPLES)]
    missing = [path for path in written if not (ROOT / path).exists() and not (ROOT / "napari_wsss" / path).exists()]
    assert not missing


def in_the_repository(path: str) -> Path:
    """Return the file that a page names, whose paths may begin below `napari_wsss`."""
    return next((ROOT / base / path for base in ("", "napari_wsss") if (ROOT / base / path).is_file()), ROOT / path)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_hold_what_the_page_says_is_in_them(page: Path) -> None:
    """Of `A`, `B` (a remark) and `C` in `some/file.py` each name stands in that file, as a word."""
    name = r"`\w+`(?:\s\([^)]*\))?"
    said = re.findall(rf"({name}(?:(?:,\s|\sand\s|\sor\s){name})*)\sin\s`([\w./-]+\.(?:py|yaml))`", page.read_text())
    for names, path in said:
        words = set(re.findall(r"\w+", in_the_repository(path).read_text(encoding="utf-8")))
        assert set(re.findall(r"`(\w+)`", names)) <= words, f"{names} in {path}"
    assert said or page.name != "CONTRIBUTING.md"


def test_the_import_table_is_the_one_that_is_checked() -> None:
    from tests.test_architecture import TABLE

    rows = re.findall(r"^\| (`.*`) \| (.*) \| (.*) \|$", (ROOT / "docs" / "architecture.md").read_text(), re.MULTILINE)
    documented: dict[str, tuple[set[str], set[str]]] = {}
    for areas, own, foreign in ((re.findall(r"`(\w+)`", cell) for cell in row) for row in rows):
        documented |= dict.fromkeys(areas, (set(own), set(foreign)))
    assert documented == TABLE


def test_the_key_table_is_the_one_of_the_plugin() -> None:
    pytest.importorskip("napari")
    from napari_wsss.widgets.keys.table import KEYS

    page = (ROOT / "docs" / "labeling.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| ((?:`[^`]+`[ /…]*)+)\|", page, re.MULTILINE))
    keys = {key for cell in documented for key in re.findall(r"`([^`]+)`", cell)}
    wanted = {
        entry.key.replace("Shift-", "Shift+").replace("Ctrl-", "Ctrl+") for entry in KEYS if not entry.key.isdigit()
    } | {"0", "9"}
    assert wanted <= keys, f"not in labeling.md: {sorted(wanted - keys)}"


# -- words ------------------------------------------------------------------------------------------------

NAPARIS = ("File > ", "Plugins > ")
"""How the path to an entry of napari's menus begins."""
CASES = {
    "Better on 5, worse on 1 of 6 classes. Apply it.",
    "Pictures of about 200 pixels are enlarged to 373",
    "The last … change(s) are missing",
    "The project … is open in process …",
    "Labelled, none of the classes",
}
"""What the window says with numbers or names in it, and one term that is no caption."""
OTHERS = {"Build Tools for Visual Studio", "Segmentation mask 1.1"}


@lru_cache(maxsize=1)
def captions() -> set[str]:
    """Return what the window's code calls things: its words, and the plain titles of parameters and methods."""
    import ast

    from napari_wsss.core.parameters import caption

    found: set[str] = set()
    for path in [*ROOT.glob("napari_wsss/**/*.py"), *ROOT.glob("training/**/*.py")]:
        of_window = path.relative_to(ROOT).parts[1] in ("widgets", "session")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and of_window:
                found.add(node.value)
            elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "parameter" and len(node.args) > 1:
                title = node.args[1]
                found |= {caption({"title": title.value})[0]} if isinstance(title, ast.Constant) else set()
            elif isinstance(node, ast.Assign) and any(getattr(one, "id", "") == "title" for one in node.targets):
                found |= {str(node.value.value)} if isinstance(node.value, ast.Constant) else set()
    return {_word(text) for text in found}


def _word(text: str) -> str:
    return " ".join(text.replace("…", "").replace("&", "").split()).casefold()


AT_THE_WINDOW = [page for page in PAGES if page.parent.name == "docs" and page.name != "benchmarks.md"]


@pytest.mark.parametrize("page", AT_THE_WINDOW, ids=lambda page: page.name)
def test_the_pages_call_things_as_the_window_does(page: Path) -> None:
    """A word in italics that begins with a capital is a caption: it stands in the window's code."""
    text = BLOCK.sub("", page.read_text(encoding="utf-8"))
    text = re.sub(r"`[^`]*`", "`", text)
    named = re.findall(r"(?<![*\w])\*([A-Z][^*\n]*(?:\n[^*\n]*)?)\*(?![*\w])", text)
    named = [" ".join(name.split()) for name in named]
    asked = [name for name in named if name not in CASES | OTHERS and not name.startswith(NAPARIS)]
    known = captions()
    unknown = {name for name in asked for part in name.rstrip(".").split(" > ") if _word(part) not in known}
    assert not unknown, f"{page.name} names captions the window has not: {sorted(unknown)}"
    assert len(asked) > 100 or page.name != "labeling.md"


def test_captions_are_plain_words() -> None:
    """The papers' words and symbols are in tooltips, where who knows them finds them; *trunk* is an encoder."""
    from napari_wsss.core.parameters import caption, fields_of
    from napari_wsss.core.trunk_choice import TrunkChoice
    from napari_wsss.refine.power_background import PowerBackground

    shown = {name: caption(field.metadata) for name, field in fields_of(TrunkChoice).items()}
    assert (shown["name"][0], shown["weights"][0]) == ("Encoder", "Encoder weights")
    assert shown["name"][1].startswith("In the papers: trunk. ")
    alpha = next(iter(fields_of(PowerBackground.Parameters).values()))
    assert caption(alpha.metadata)[0] == "Background power"
    assert "alpha" in caption(alpha.metadata)[1]
    assert not [text for text in captions() if re.search(r"\btrunk\b", text) and len(text) < 40 and text != "trunk"]


def test_the_guide_follows_the_next_step() -> None:
    """Each button of the line with the arrow stands in the guide, with a section that is there."""
    source = (ROOT / "napari_wsss" / "session" / "next_step.py").read_text("utf-8")
    captions = set(
        re.findall(r'"(?:new|create|label|train|weights|apply|review|retrain|export)", "([A-Z][^"]*)"', source)
    )
    assert len(captions) == 9
    guide = (ROOT / "docs" / "guide.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| \*\*([^*]+)\*\* \| [a-z][^|]* \| (\d)(?: to \d)? \|$", guide, re.MULTILINE))
    assert set(rows) == captions
    sections = set(re.findall(r"^## (\d) ", guide, re.MULTILINE))
    assert set(rows.values()) <= sections
