"""Activation maps of other tools for the images of a project."""

import numpy as np
import pytest

from napari_wsss.core.classes import ClassList
from napari_wsss.core.errors import LabelError, ProjectError
from napari_wsss.exchange.annotations.annotated import RawMaps
from napari_wsss.exchange.maps.importing import fitted, maps_for
from napari_wsss.project.project import Project
from tests.tiny_project import HEIGHT, IDS, WIDTH

CLASSES = ClassList(["cat", "dog", "boar"])
NAMES = ("dog", "horse", "cat")


def test_numbers_mean_what_the_list_says_and_classes_ascend():
    scores = np.stack([np.full((2, 2), value, np.float32) for value in (0.1, 0.2, 0.3)])
    found = fitted(RawMaps(scores, (0, 1, 2)), NAMES, CLASSES, None)
    assert found.classes == (0, 1)
    assert found.scores[:, 0, 0] == pytest.approx([0.3, 0.1])


def test_the_number_of_maps_tells_which_they_are():
    four, three, two = (np.zeros((count, 2, 2)) for count in (4, 3, 2))
    four[0] = 1
    assert not fitted(RawMaps(four), CLASSES.names, CLASSES, None).scores.any(), "the first is background"
    assert fitted(RawMaps(three), CLASSES.names, CLASSES, None).classes == (0, 1, 2)
    assert fitted(RawMaps(two), CLASSES.names, CLASSES, {"boar", "cat"}).classes == (0, 2)
    for labels in (None, {"cat"}):
        with pytest.raises(ProjectError, match="holds 2 maps"):
            fitted(RawMaps(two), CLASSES.names, CLASSES, labels)
    with pytest.raises(ProjectError, match="class 3"):
        fitted(RawMaps(two, (0, 3)), CLASSES.names, CLASSES, None)
    with pytest.raises(ProjectError, match="names 1 classes"):
        fitted(RawMaps(two, (0,)), CLASSES.names, CLASSES, None)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([0, 255], np.uint8), [0, 1]),
        (np.array([0, 65535], np.uint16), [0, 1]),
        (np.array([-3.0, 8.0]), [0, 1]),
        (np.array([-0.5, 0.5]), [0, 0.5]),
    ],
)
def test_scores_lie_between_0_and_1(values, expected):
    raw = RawMaps(np.tile(values, (3, 1))[:, None])
    assert fitted(raw, CLASSES.names, CLASSES, None).scores[0, 0].tolist() == expected


def test_no_numbers_are_refused():
    with pytest.raises(ProjectError, match="no numbers"):
        fitted(RawMaps(np.full((3, 2, 2), np.nan)), CLASSES.names, CLASSES, None)


def test_a_report_of_a_folder(project: Project, tmp_path) -> None:
    folder = tmp_path / "cams"
    folder.mkdir()
    small = np.random.default_rng(0).random((2, 3, 4), np.float32)
    np.save(folder / "b.npy", {"keys": np.array([0]), "cam": small[:1], "high_res": small[:1]})
    np.save(folder / "nobody.npy", {0: small[0]})
    np.save(folder / "day 1_a.npy", small)
    (folder / "ä.npy").write_bytes(b"garbage")
    report = maps_for(project, folder)
    assert report.maps == {IDS[1]: "b.npy"}
    assert set(report.unmatched) == {"nobody.npy", "day 1_a.npy"}
    assert "ä.npy" in report.unreadable[0]
    assert report.read(IDS[1]).size == (HEIGHT, WIDTH)
    assert "Maps of 1 image can be used (map_arrays); 3 have none" in report.summary()
    (folder / "b.npy").unlink()
    assert isinstance(dict(report.read_all())[IDS[1]], ProjectError)
    with pytest.raises(LabelError, match="No maps can be used"):
        maps_for(project, folder).check()


def test_missing_labels_and_foreign_classes_are_said(project: Project, tmp_path) -> None:
    np.savez(tmp_path / "a.npz", scores=np.ones((2, 3, 4)), names=np.array(["cat", "horse"]))
    report = maps_for(project, tmp_path / "a.npz")
    assert report.missing_labels == (f"{IDS[0]} has no map of dog",)
    assert report.unknown == {"horse": 1}
