"""Base maps of a large picture are means of those of the whole picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import uniform_filter

from napari_wsss.core.errors import ProjectError
from napari_wsss.core.progress import finish
from napari_wsss.pipeline import answering
from napari_wsss.pipeline import run as pipeline
from napari_wsss.pipeline.large import maps
from napari_wsss.pipeline.large.maps import is_large, large_maps, opened
from napari_wsss.pipeline.lineage import Lineage
from napari_wsss.pixels.by_window import means
from napari_wsss.project.project import Project
from tests.pipeline.test_run import apply_segmenter

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("squares", [1, 4])
def test_maps_of_a_localizer_share_one_maximum(project: Project, by_windows: Callable[..., None], squares: int) -> None:
    finish(pipeline.localize(project, ["a.tif"], "cpu", background=False))
    whole = pipeline.base_maps(project, "a.tif")
    by_windows(squares=squares)
    assert is_large(project, "a.tif")
    assert not is_large(project, "b.png")
    found = large_maps(Lineage.of(project, "a.tif"), (0, 1), "cpu")
    assert found.classes == (0, 1)
    np.testing.assert_allclose(found.scores, means(whole.scores, squares), atol=0.01)


class Blurred:
    """A segmenter whose field of view is known: 21 pixels. What it says of three classes are three colours."""

    def infer(self, image: np.ndarray, settings: object, present: object = None) -> np.ndarray:
        seen = [uniform_filter(image[..., colour].astype(np.float32), 21, mode="nearest") for colour in range(3)]
        found = np.stack([np.full(image.shape[:2], 100, np.float32), *seen])
        return found / found.sum(0)


@pytest.mark.parametrize(("side", "halo", "is_whole"), [(96, 32, True), (64, 32, True), (64, 0, False)])
def test_probabilities_of_a_segmenter_are_those_of_the_whole(
    project: Project,
    by_windows: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    side: int,
    halo: int,
    is_whole: bool,
) -> None:
    apply_segmenter(project)
    for module in (answering, maps):
        monkeypatch.setattr(module, "applied_network", lambda *_: (Blurred(), project.classes))
    finish(pipeline.segment(project, ["a.tif"], "cpu", background=False))
    whole = pipeline.base_maps(project, "a.tif")
    by_windows(side=side, halo=halo)
    found = large_maps(Lineage.of(project, "a.tif"), (0, 1), "cpu")
    wanted = means(np.concatenate([whole.scores, whole.background[None]]), 4)
    difference = np.abs(np.concatenate([found.scores, found.background[None]]) - wanted).max()
    assert (difference < 1e-3) == is_whole


def test_the_stage_keeps_them_and_reuses_them(project: Project, by_windows: Callable[..., None]) -> None:
    by_windows()
    first = finish(pipeline.localize(project, ["a.tif", "b.png"], "cpu", background=False))
    assert (first.done, first.large_count, first.failed) == (("a.tif", "b.png"), 1, {})
    assert pipeline.base_maps(project, "a.tif").size == (-(-250 // 4), -(-301 // 4))
    assert pipeline.base_maps(project, "b.png").size == (60, 70)
    again = finish(pipeline.localize(project, ["a.tif", "b.png"], "cpu", background=False))
    assert again.reused == ("a.tif", "b.png")


def test_what_looks_at_whole_pictures_says_so(
    project: Project, by_windows: Callable[..., None], tmp_path: Path
) -> None:
    by_windows()
    report = finish(pipeline.localize(project, ["a.tif"], "cpu", background=True))
    assert "napari-wsss refine" in report.failed["a.tif"]
    project.set_channels((3, 2, 1))
    with pytest.raises(ProjectError, match="channels"):
        opened(Lineage.of(project, "a.tif"))
