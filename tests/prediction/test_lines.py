"""Lines of a target folder: the newest counts, whoever wrote it, and what is torn costs one picture."""

import json
from pathlib import Path
from typing import Any

import pytest

from napari_wsss.core.errors import ProjectError
from napari_wsss.prediction.lines import LINES, Lines, file_name
from napari_wsss.project.sharing.share import WHOLE, Part

FIRST, SECOND = WHOLE.split(2)


def entry(picture: str, content: str = "1") -> dict[str, Any]:
    return {"picture": picture, "content": content, "key": "one", "files": [f"masks/{picture}.png"]}


def made(lines: Lines, folder: Path, line: dict[str, Any]) -> None:
    """Claim a picture, and write its file."""
    place = folder / line["files"][0]
    lines.claim(line, [place], overwrite=False)
    place.parent.mkdir(exist_ok=True)
    place.touch()


def test_several_write_beside_one_another_and_see_it_when_they_look(tmp_path: Path) -> None:
    one, other = Lines(tmp_path, FIRST), Lines(tmp_path, SECOND)
    made(one, tmp_path, entry("a"))
    assert one.fits(entry("a"))
    assert not other.fits(entry("a"))
    other.look_again()
    assert other.fits(entry("a"))
    assert sorted(path.name for path in tmp_path.glob("*.jsonl")) == [file_name(FIRST)]


@pytest.mark.parametrize("parts", [(WHOLE, FIRST), (FIRST, WHOLE), (SECOND, FIRST)])
def test_the_newest_line_counts_in_whichever_file_it_is(tmp_path: Path, parts: tuple[Part, Part]) -> None:
    for part, content in zip(parts, ("1", "2"), strict=True):
        made(Lines(tmp_path, part), tmp_path, entry("a", content))
    again = Lines(tmp_path)
    assert again.fits(entry("a", "2"))
    assert not again.fits(entry("a", "1"))


def test_joined_they_are_what_one_worker_writes(tmp_path: Path) -> None:
    alone, together = tmp_path / "alone", tmp_path / "together"
    for folder, parts in ((alone, [WHOLE] * 4), (together, [SECOND, FIRST, SECOND, FIRST])):
        folder.mkdir()
        names = "abcd" if folder is alone else "cadb"
        for part, name in zip(parts, names, strict=True):
            made(Lines(folder, part), folder, entry(name))
    Lines(together).join([FIRST, SECOND], list("abcd"))
    assert (together / LINES).read_bytes() == (alone / LINES).read_bytes()
    assert [path.name for path in together.glob("*.jsonl")] == [LINES]


def test_a_line_that_is_being_written_is_read_later(tmp_path: Path) -> None:
    lines, words = Lines(tmp_path), json.dumps(entry("a")).encode()
    (tmp_path / LINES).write_bytes(words[:20])
    lines.look_again()
    assert not lines.fits(entry("a"))
    (tmp_path / LINES).write_bytes(words + b"\n")
    lines.look_again()
    assert lines.fits(entry("a"))


def test_a_torn_line_does_not_take_the_next_one_with_it(tmp_path: Path) -> None:
    (tmp_path / LINES).write_bytes(json.dumps(entry("a")).encode()[:20])
    made(Lines(tmp_path), tmp_path, entry("b"))
    assert Lines(tmp_path).fits(entry("b"))


def test_files_of_others_stay(tmp_path: Path) -> None:
    place = tmp_path / "masks" / "a.png"
    place.parent.mkdir()
    place.write_bytes(b"somebody's")
    with pytest.raises(ProjectError, match="no prediction of ours"):
        Lines(tmp_path).claim(entry("a"), [place], overwrite=False)
    Lines(tmp_path).claim(entry("a"), [place], overwrite=True)
    assert not place.exists()
