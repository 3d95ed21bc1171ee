"""The lists of formats: every reader and writer is in them, and the documentation's page is what the command says."""

import json
from pathlib import Path

import pytest

from napari_wsss.cli import main
from napari_wsss.commands.base import DONE
from napari_wsss.commands.formats import OWN_WAYS, READERS, WRITERS, as_markdown, formats
from napari_wsss.core.registry import load_method
from napari_wsss.exchange.export import FORMATS
from napari_wsss.exchange.reading import OWN_KINDS, reader_names

PAGE = Path(__file__).parents[2] / "docs" / "formats.md"


def test_every_reader_and_writer_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["formats", "--json"]) == DONE
    said = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in said["read"]] == [*OWN_WAYS, *reader_names()]
    assert [one["name"] for one in said["written"]] == list(FORMATS)
    assert all(one["title"] and one["holds"] and one["text"] for one in (*said["read"], *said["written"]))
    assert main(["formats"]) == DONE
    assert "label_studio" in capsys.readouterr().out


def test_ways_without_a_reader_are_those_of_labels() -> None:
    assert set(OWN_WAYS) == set(OWN_KINDS)


def test_what_is_said_without_importing_is_so() -> None:
    pytest.importorskip("zarr")
    for shelf, attribute in ((READERS, "gives"), (WRITERS, "kind")):
        for one in formats(shelf):
            if one.name not in OWN_WAYS:
                loaded = load_method(shelf, one.name)
                said = (one.title, one.holds, one.judge)
                assert said == (loaded.title, getattr(loaded, attribute), loaded.judge), one.name


def test_the_page_is_what_the_command_says() -> None:
    """Otherwise: put what ``napari-wsss formats --markdown`` prints below the page's mark."""
    mark = "<!-- napari-wsss formats --markdown -->\n\n"
    page = PAGE.read_text(encoding="utf-8")
    assert mark in page
    assert page.partition(mark)[2].strip() == as_markdown().strip()
