"""A folder of pictures: past bad ones, from where it broke off, and never over what is somebody else's."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from threading import Lock

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import ProjectError
from napari_wsss.core.maps import ActivationMaps
from napari_wsss.core.masks import read_mask
from napari_wsss.core.progress import Progress, finish
from napari_wsss.pipeline.over_images import StageReport
from napari_wsss.prediction import folder
from napari_wsss.prediction.description import Kind
from napari_wsss.prediction.folder import Job, predict_folder
from napari_wsss.prediction.lines import LINES, Lines
from napari_wsss.prediction.written import Wanted


@dataclass
class Brightness:
    """Class 0 where a picture is bright, class 1 where it is not, if they may be there."""

    kind: Kind = "segment"
    classes: ClassList = field(default_factory=lambda: ClassList(("bright", "dark")))
    asked: list[Sequence[int] | None] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def predict(self, image: NDArray[np.uint8], present: Sequence[int] | None) -> ActivationMaps:
        with self.lock:
            self.asked.append(present)
        classes = (0, 1) if present is None else tuple(present)
        bright = image.mean(2, dtype=np.float32) / 255
        scores = np.stack([bright, 1 - bright])[list(classes)]
        return ActivationMaps(scores, classes, np.full(bright.shape, 0.2, np.float32))


@pytest.fixture
def job(tmp_path: Path) -> Job:
    ids = [f"day{at % 2}/p{at}.png" for at in range(6)]
    for at, name in enumerate(ids):
        path = tmp_path / "pictures" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 9 + at, 3), 255 * (at % 2), np.uint8)).save(path)
    return Job(tmp_path / "pictures", ids, {}, tmp_path / "out", Wanted(True, True, False), "one")


def run(job: Job, predictor: Brightness | None = None, ids: Sequence[str] | None = None) -> StageReport:
    return finish(predict_folder(predictor or Brightness(), job, ids))


def masks(job: Job) -> dict[str, list[int]]:
    found = sorted((job.target / "masks").rglob("*.png"))
    return {path.relative_to(job.target / "masks").as_posix(): np.unique(read_mask(path)).tolist() for path in found}


def test_every_picture_gets_its_mask(job: Job) -> None:
    report = run(job)
    assert sorted(report.done) == sorted(job.ids)
    assert masks(job) == {f"day{at % 2}/p{at}.png": [1 if at % 2 else 2] for at in range(6)}
    assert (job.target / "classes.txt").read_text().split() == ["background", "bright", "dark"]


def test_labels_constrain_and_names_the_model_does_not_know_count_for_nothing(job: Job) -> None:
    labels = {job.ids[0]: frozenset({"bright"}), job.ids[1]: frozenset({"zebra"}), job.ids[2]: frozenset[str]()}
    run(replace(job, labels=labels))
    assert [masks(job)[f"day{at % 2}/p{at}.png"] for at in range(4)] == [[0], [0], [0], [1]]


def test_a_bad_picture_is_named_and_the_others_go_on(job: Job) -> None:
    (job.pictures / job.ids[3]).write_bytes(b"nothing")
    report = run(job)
    assert list(report.failed) == [job.ids[3]]
    assert len(report.done) == 5


def test_it_goes_on_where_it_broke_off(job: Job) -> None:
    steps = predict_folder(Brightness(), job)
    assert isinstance(next(steps), Progress)
    next(steps)
    steps.close()
    before = len(masks(job))
    again = Brightness()

    report = run(job, again)

    assert 0 < before == len(report.reused)
    assert len(again.asked) == 6 - before
    assert len(masks(job)) == 6


def test_what_changed_is_predicted_again(job: Job) -> None:
    run(job)
    Image.fromarray(np.full((8, 9, 3), 255, np.uint8)).save(job.pictures / job.ids[0])
    (job.target / "scores/day1/p1.npz").unlink()
    report = run(replace(job, labels={job.ids[2]: frozenset({"bright"})}))
    assert sorted(report.done) == sorted(job.ids[:3])
    assert masks(job)["day0/p0.png"] == [1]
    assert masks(job)["day0/p2.png"] == [0]


def test_a_torn_line_is_that_picture_again(job: Job) -> None:
    run(job)
    path = job.target / LINES
    path.write_bytes(path.read_bytes()[:-20])
    report = run(job)
    assert len(report.failed) == 1, "its files are there without a line: they could be anybody's"
    assert len(run(replace(job, overwrite=True)).done) == 1


def test_results_of_another_model_are_replaced_only_if_allowed(job: Job) -> None:
    run(job)
    other = replace(job, key="two", wanted=Wanted(True, False, False))
    with pytest.raises(ProjectError, match="another model"):
        run(other)
    assert len(run(replace(other, overwrite=True)).done) == 6
    assert not list((job.target / "scores").rglob("*.npz")), "scores of the other model are gone"


def test_a_file_of_somebody_else_is_left_alone(job: Job) -> None:
    theirs = job.target / "masks/day0/p0.png"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("precious")
    report = run(job)
    assert list(report.failed) == [job.ids[0]]
    assert theirs.read_text() == "precious"


def test_two_pictures_of_one_stem_keep_both_masks(job: Job) -> None:
    Image.fromarray(np.zeros((8, 9, 3), np.uint8)).save(job.pictures / "day0/p0.bmp")
    run(replace(job, ids=["day0/p0.png", "day0/p0.bmp"]))
    assert set(masks(job)) == {"day0/p0.png.png", "day0/p0.bmp.png"}


def test_a_picture_outside_is_refused(job: Job) -> None:
    assert "outside" in run(replace(job, ids=["../secret.png"])).failed["../secret.png"]


def test_no_pictures_are_no_fault(job: Job) -> None:
    assert run(replace(job, ids=[])) == StageReport()


def test_what_a_dead_worker_left_is_gone_on_with(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one picture everything, of another a part, of a third nothing but its line, made since this worker began."""
    monkeypatch.setattr(folder, "over_images", partial(folder.over_images, ahead=0))
    first, second = job.part.split(2)
    own = replace(job, part=first)
    steps = predict_folder(Brightness(), own, job.ids)
    next(steps)  # it has read the lines there are
    run(replace(job, part=second), ids=job.ids[3:])
    stem = Path(job.ids[4]).with_suffix("")
    (job.target / f"scores/{stem}.npz").unlink()
    for kind, ending in (("masks", "png"), ("scores", "npz")):
        (job.target / f"{kind}/{Path(job.ids[5]).with_suffix('')}.{ending}").unlink()
    report = finish(steps)
    assert set(report.done) == {*job.ids[:3], *job.ids[4:]}
    assert report.reused == (job.ids[3],)
    lines = Lines(job.target)
    lines.join([first, second], job.ids)
    assert (job.target / LINES).read_text().count('"turn"') == 0
    assert run(job).reused == tuple(job.ids)
