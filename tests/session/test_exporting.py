"""What an export hands out of a project: which images, what of them, and what the card says of each."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_wsss.core.errors import ParameterError, ProjectError
from napari_wsss.core.masks import read_mask
from napari_wsss.core.progress import finish
from napari_wsss.core.sources import Source, Sources
from napari_wsss.exchange.writers import ome_zarr as module
from napari_wsss.pipeline.large.masks import large_mask
from napari_wsss.pipeline.lineage import Lineage
from napari_wsss.pipeline.run import propose
from napari_wsss.project.image_clusters import ClusterRow
from napari_wsss.project.project import Project
from napari_wsss.session.export_choices import USUAL, WHAT
from napari_wsss.session.exporting import BESIDE, Choice, export_project, possible_formats
from tests.pipeline.large.conftest import by_windows
from tests.pipeline.large.conftest import project as large_project
from tests.session.conftest import HEIGHT, WIDTH

__all__ = ["by_windows", "large_project"]
MASK = np.ones((HEIGHT, WIDTH), np.uint8)


@pytest.fixture
def project(model_folder: Path):
    with Project.open(model_folder) as opened:
        yield opened


def exported(project: Project, folder: Path, **choice: object):
    return finish(export_project(project, folder, Choice(**choice)))


def test_accepted_masks_by_default_unfinished_ones_where_asked_for(project: Project, tmp_path: Path) -> None:
    first, second, third, *_ = project.catalog.ids()
    project.review.accept(first, MASK)
    project.review.save_draft(second, 2 * MASK)
    assert exported(project, tmp_path / "one").written == (first,)
    both = exported(project, tmp_path / "two", states=("accepted", "draft", "todo"))
    assert both.written == (first, second)
    assert both.without == len(project.catalog) - 2
    assert (read_mask(tmp_path / "two/SegmentationClass" / f"{Path(second).stem}.png") == 2).all()
    assert third not in both.written


def test_a_search_line_narrows_it_and_is_checked(project: Project, tmp_path: Path) -> None:
    ids = list(project.catalog.ids())
    for image_id in ids:
        project.review.accept(image_id, MASK)
    assert exported(project, tmp_path / "one", search=f"name:{ids[2]}").written == (ids[2],)
    with pytest.raises(ProjectError, match="'state:draft' finds no image"):
        exported(project, tmp_path / "two", search="state:draft")
    with pytest.raises(ParameterError, match="class:nope is not known"):
        exported(project, tmp_path / "three", search="class:nope")
    assert not (tmp_path / "three").exists()


def test_ids_are_those_of_the_project_whatever_is_exported(project: Project, tmp_path: Path) -> None:
    last = list(project.catalog.ids())[-1]
    project.review.accept(last, MASK)
    exported(project, tmp_path, formats=("coco",))
    (path,) = (tmp_path / "annotations").iterdir()
    assert json.loads(path.read_text())["images"][0]["id"] == project.catalog.number(last)


def test_proposals_say_which_model_made_them(project: Project, tmp_path: Path) -> None:
    ids = list(project.catalog.ids())
    assert exported(project, tmp_path / "none", what="proposals").without == len(ids)
    finish(propose(project, ids[:2], "cpu"))
    report = exported(project, tmp_path / "out", what="proposals", formats=("voc", "sources"))
    assert set(report.written) >= set(ids[:2])
    card = json.loads((tmp_path / "out/data-card.json").read_text())
    assert card["share of pixels"]["machine"] == 1
    assert card["machine steps"][0]["method"] == "colours"
    assert card["applied models"] == {"localize": project.plan.localizer_checkpoint}
    assert exported(project, tmp_path / "out", what="proposals", formats=("voc", "sources")).files["new"] == 0


def test_activation_maps(project: Project, tmp_path: Path) -> None:
    first = next(iter(project.catalog.ids()))
    finish(propose(project, [first], "cpu"))
    report = exported(project, tmp_path, what="maps", formats=("maps_npz",))
    assert report.written == (first,)
    with np.load(tmp_path / f"maps/{Path(first).stem}.npz") as found:
        assert found["scores"].shape[1:] == (HEIGHT, WIDTH)
        assert set(found["names"]) == project.catalog.get(first).labels


def test_clusters(project: Project, tmp_path: Path) -> None:
    first, second, *_ = project.catalog.ids()
    project.catalog.clusters.replace([ClusterRow(first, 0, "red 1", 0.5), ClusterRow(second, 0, "red 2", 0.25)])
    report = exported(project, tmp_path, what="clusters")
    with (tmp_path / "clusters.csv").open() as file:
        assert [row["cluster"] for row in csv.DictReader(file)] == ["red 1", "red 2"]
    assert report.summary().startswith("Clusters of 2 images")


def test_the_card_says_who_decided_what_when(project: Project, tmp_path: Path) -> None:
    first = next(iter(project.catalog.ids()))
    half = np.ones((HEIGHT, WIDTH), np.uint8)
    half[:, : WIDTH // 2] = 2
    sources = Sources(half, (Source("proposal", "k", "colours"),))
    project.review.accept(first, MASK, sources=sources)
    exported(project, tmp_path)
    card = json.loads((tmp_path / "data-card.json").read_text())
    (row,) = card["images"]
    assert (row["state"], row["share of a person"]) == ("accepted", 0.5)
    assert row["accepted"].startswith("20")
    assert card["project"] == project.folder.name
    assert card["choice"]["states"] == ["accepted"]


def test_repeating_after_a_decision_writes_only_what_it_changed(project: Project, tmp_path: Path) -> None:
    first, second, *_ = project.catalog.ids()
    project.review.accept(first, MASK)
    exported(project, tmp_path)
    project.review.accept(second, MASK)
    files = exported(project, tmp_path).files
    assert (files["new"], files["kept"] > 0) == (1, True)
    project.review.decide(second, "flagged")
    assert exported(project, tmp_path).files["removed"] == 1
    assert not (tmp_path / f"SegmentationClass/{Path(second).stem}.png").exists()


def test_wrong_choices_are_named() -> None:
    with pytest.raises(ParameterError, match="'boxes' cannot be exported; possible are: masks, proposals"):
        Choice(what="boxes")
    with pytest.raises(ParameterError, match="'done' is no review state"):
        Choice(states=("done",))


def test_everything_has_a_usual_format_and_it_comes_first() -> None:
    assert all(next(iter(possible_formats(what))) == USUAL[what] for what in WHAT)
    assert set(BESIDE) <= set(possible_formats("masks"))


@pytest.mark.parametrize("name", ["tiff", "ome_zarr"])
def test_masks_larger_than_the_memory_are_handed_out_by_the_window(
    large_project: Project, by_windows: Callable[..., None], tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_windows()
    finish(propose(large_project, ["a.tif", "b.png"], "cpu", background=False))
    item = Lineage.of(large_project, "a.tif")
    with large_mask(item) as mask:
        wanted = mask.read(slice(None), slice(None))
    monkeypatch.setattr(module, "CHUNK", 64)
    report = finish(export_project(large_project, tmp_path / "out", Choice("proposals", formats=(name,))))
    assert report.left_out == ()
    assert report.written == ("a.tif", "b.png")
    assert sum(report.pixels.values()) == wanted.size + 60 * 70
    if name == "tiff":
        with tifffile.TiffFile(tmp_path / "out" / "tiff" / "a.tif") as file:
            page = file.pages[0]
            assert page.is_tiled
            assert page.geotiff_tags["ProjectedCSTypeGeoKey"] == 32633
            np.testing.assert_array_equal(page.asarray(), wanted)
    else:
        zarr = pytest.importorskip("zarr")
        found = zarr.open_group(str(tmp_path / "out" / "a.ome.zarr"), mode="r")["labels/classes/0"]
        np.testing.assert_array_equal(found[...], wanted)


def test_formats_of_whole_pictures_leave_those_out_that_are_larger(
    large_project: Project, by_windows: Callable[..., None], tmp_path: Path
) -> None:
    by_windows()
    finish(propose(large_project, ["a.tif", "b.png"], "cpu", background=False))
    report = finish(export_project(large_project, tmp_path / "out", Choice("proposals", formats=("voc",))))
    assert report.written == ("b.png",)
    assert "export its mask as tiff or ome_zarr" in report.left_out[0]
