"""Chosen keys survive the sitting; what cannot be read is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_wsss.session.own_keys import OwnKeys


def test_keys_are_chosen_kept_and_reset(tmp_path: Path) -> None:
    keys, told = OwnKeys(tmp_path), []
    keys.changed.connect(lambda: told.append(keys.keys))
    keys.choose("accept", "O")
    keys.choose("skip", "Shift-X")
    assert OwnKeys(tmp_path).keys == {"accept": "O", "skip": "Shift-X"}
    keys.reset("accept")
    assert OwnKeys(tmp_path).keys == {"skip": "Shift-X"}
    keys.reset()
    assert OwnKeys(tmp_path).keys == {} == told[-1]
    assert len(told) == 4


@pytest.mark.parametrize("content", ["{", "[1]", '{"accept": 3, "skip": ""}'])
def test_a_damaged_file_is_no_key(tmp_path: Path, content: str) -> None:
    (tmp_path / "keys.json").write_text(content)
    assert OwnKeys(tmp_path).keys == {}
