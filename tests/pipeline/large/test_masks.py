"""The mask of a large picture is that of the whole one, as far as steps see no further than the halo."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import tifffile

from napari_wsss.core.plan import Step
from napari_wsss.core.progress import finish
from napari_wsss.pipeline import run as pipeline
from napari_wsss.pipeline.large.masks import SUFFIX, large_mask, stored_mask
from napari_wsss.pipeline.lineage import Lineage
from napari_wsss.project.project import Project
from tests.pipeline.large.conftest import SIZE
from tests.pipeline.test_run import change_plan

torch = pytest.importorskip("torch")

LOCAL_CRF = Step(
    "dense_crf",
    {"preset": "custom", "scale_with_image": False, "spatial_sigma": 4.0, "smooth_sigma": 2.0, "iterations": 2},
)


def refined(project: Project) -> np.ndarray:
    report = finish(pipeline.propose(project, ["a.tif"], "cpu", background=False))
    assert report.failed == {}
    with large_mask(Lineage.of(project, "a.tif")) as mask:
        return mask.read(slice(None), slice(None))


@pytest.mark.parametrize(("side", "halo"), [(96, 32), (64, 0), (320, 64)])
def test_pointwise_steps_give_the_mask_of_the_whole(
    project: Project, by_windows: Callable[..., None], side: int, halo: int
) -> None:
    finish(pipeline.propose(project, ["a.tif"], "cpu", background=False))
    whole = pipeline.proposal(project, "a.tif")
    by_windows(side=side, halo=halo, squares=1)
    found = refined(project)
    assert found.shape == SIZE
    assert len(np.unique(whole)) == 3
    assert (found != whole).mean() < 0.002  # where two scores are as good as equal


def test_steps_that_look_around_them_leave_no_seams(project: Project, by_windows: Callable[..., None]) -> None:
    pytest.importorskip("pydensecrf")
    change_plan(project, refiners=(*project.plan.refiners, LOCAL_CRF))
    finish(pipeline.propose(project, ["a.tif"], "cpu", background=False))
    whole = pipeline.proposal(project, "a.tif")
    by_windows(side=96, halo=32, squares=1)
    assert (refined(project) != whole).mean() < 0.005
    by_windows(side=96, halo=0, squares=1)
    project.store.clear("refine")
    assert (refined(project) != whole).mean() > 0.005, "without a halo there are seams, or nothing is shown"


def test_the_mask_lies_where_the_picture_does_and_is_made_once(
    project: Project, by_windows: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    by_windows()
    item = Lineage.of(project, "a.tif")
    assert stored_mask(item) is large_mask(item) is None
    found = refined(project)
    path = project.store.path(item.result, "a.tif", SUFFIX)
    with tifffile.TiffFile(path) as file:
        page = file.pages[0]
        assert page.is_tiled
        assert page.geotiff_tags["ProjectedCSTypeGeoKey"] == 32633
        np.testing.assert_array_equal(page.asarray(), found)
    with large_mask(item) as mask:
        assert mask.meaning["classes"]["1"] == "cat"
    np.testing.assert_array_equal(stored_mask(item).mask, found[::4, ::4])
    monkeypatch.setattr("napari_wsss.pipeline.large.masks.windows", None)
    again = finish(pipeline.propose(project, ["a.tif"], "cpu", background=False))
    assert (again.reused, again.large_count) == (("a.tif",), 1)


def test_a_class_that_is_left_out_is_in_doubt(project: Project, by_windows: Callable[..., None]) -> None:
    by_windows()
    change_plan(project, refiners=(Step("constant_background", {"background_threshold": 0.999}),))
    refined(project)
    assert stored_mask(Lineage.of(project, "a.tif")).doubtful == (0, 1)


def test_a_damaged_or_lost_mask_is_made_again(project: Project, by_windows: Callable[..., None]) -> None:
    by_windows()
    found, item = refined(project), Lineage.of(project, "a.tif")
    project.store.path(item.result, "a.tif", SUFFIX).unlink()
    assert stored_mask(item) is None
    np.testing.assert_array_equal(refined(project), found)
    project.set_labels("a.tif", {"cat"})
    assert stored_mask(Lineage.of(project, "a.tif")) is None
    assert set(np.unique(refined(project))) == {0, 1}


def test_steps_that_need_the_whole_picture_say_so(project: Project, by_windows: Callable[..., None]) -> None:
    by_windows()
    change_plan(project, refiners=(Step("pixel_correlation"), *project.plan.refiners))
    report = finish(pipeline.propose(project, ["a.tif"], "cpu", background=False))
    assert "needs features of the whole picture" in report.failed["a.tif"]
    assert not list(project.store.folder.rglob("*.tif"))
