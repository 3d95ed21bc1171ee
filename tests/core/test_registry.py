from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest

from napari_wsss.core import registry
from napari_wsss.core.errors import StepError
from napari_wsss.core.registry import SHELVES, Shelf, load_method, method_names, method_title


def test_listing_imports_no_method() -> None:
    code = (
        "import sys; from napari_wsss.core.registry import SHELVES, method_names\n"
        "assert 'cam' in method_names('localize'), method_names('localize')\n"
        "[method_names(shelf) for shelf in SHELVES]\n"
        "assert 'torch' not in sys.modules and 'napari_wsss.localize.cam' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_base_is_no_method() -> None:
    assert all("base" not in method_names(shelf) for shelf in SHELVES)


def test_unknown_methods_are_answered_with_the_known_ones() -> None:
    with pytest.raises(StepError, match="cam"):
        load_method("localize", "no_such_method")


def test_methods_of_other_packages_come_by_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("fractions", "fractions:Fraction", "napari_wsss.refine")
    monkeypatch.setattr(registry, "_installed", lambda group, path: EntryPoints([point]).select(group=group))
    from fractions import Fraction

    assert "fractions" in method_names("refine")
    assert "fractions" not in method_names("localize")
    assert load_method("refine", "fractions") is Fraction


def test_a_package_put_on_the_path_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert "late" not in method_names("refine")
    (tmp_path / "late-1.0.dist-info").mkdir()
    (tmp_path / "late-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: late\nVersion: 1.0\n")
    (tmp_path / "late-1.0.dist-info" / "entry_points.txt").write_text("[napari_wsss.refine]\nlate = late:Late\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    assert "late" in method_names("refine")


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("far", "no_such_package_at_all.far:Far", "napari_wsss.refine")
    monkeypatch.setattr(registry, "_installed", lambda group, path: EntryPoints([point]).select(group=group))
    with pytest.raises(StepError, match="no_such_package_at_all") as raised:
        load_method("refine", "far")
    assert raised.value.missing == ("no_such_package_at_all",)


@pytest.mark.parametrize(("shelf", "name"), [(shelf, name) for shelf in SHELVES for name in method_names(shelf)])
def test_titles_are_read_without_importing(shelf: Shelf, name: str) -> None:
    assert method_title(shelf, name) == load_method(shelf, name).title


def test_a_method_from_elsewhere_is_called_by_its_name() -> None:
    assert method_title("localize", "some_method") == "some method"
