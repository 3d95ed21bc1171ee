"""Labels, masks and maps into the open project: looked at first, never over a person's work."""

import json

import numpy as np
import pytest
from PIL import Image

from napari_wsss.session.dropped import Dropped
from napari_wsss.session.imports import WHAT, ImportChoices, kinds_of

PLAIN = ImportChoices()


def looked_at(sitting, what, source, choices=PLAIN):
    """Return the report of a preview."""
    found = []
    job = sitting.session.imports.preview(what, source, choices)
    job.succeeded.connect(found.append)
    sitting.session.jobs.submit(job)
    sitting.settle()
    return found[0]


def masks(folder, names, value=1):
    folder.mkdir(exist_ok=True)
    for name in names:
        Image.fromarray(np.full((24, 32), value, np.uint8)).save(folder / f"{name}.png")
    return folder


@pytest.mark.parametrize("what", WHAT)
def test_every_format_has_a_title(what):
    kinds = kinds_of(what)
    assert kinds[0] == ("auto", "find out")
    assert len({title for _, title in kinds}) == len(kinds)


def test_labels_are_taken_and_taken_back(sitting, tmp_path):
    session = sitting.session
    shown = session.shown_id
    before = session.table.record.labels
    (tmp_path / "new.json").write_text(json.dumps({shown: []}))
    report = looked_at(sitting, "labels", tmp_path / "new.json")
    assert session.table.record.labels == before
    assert session.imports.take(report, PLAIN)
    sitting.settle()
    assert session.table.record.negative
    assert "new.json" in session.imports.labels_from
    assert session.imports.take_back_labels()
    sitting.settle()
    assert session.table.record.labels == before
    assert session.imports.labels_from == ""


def test_masks_become_drafts_but_not_where_a_person_painted(sitting, tmp_path):
    session = sitting.session
    shown, other = session.shown_id, next(one for one in session.project.catalog.ids() if one != session.shown_id)
    session.table.replace_mask(np.full((24, 32), 2, np.uint8))
    names = [one.rpartition(".")[0] for one in session.project.catalog.ids()]
    report = looked_at(sitting, "masks", masks(tmp_path / "masks", names))
    assert session.imports.take(report, PLAIN)
    sitting.settle()
    assert (session.project.masks.read_working(other) == 1).all()
    assert (session.table.mask == 2).all()
    assert (session.project.masks.read_working(shown) == 2).all()


def test_accepted_masks_come_back_in_one_step(sitting, tmp_path):
    session = sitting.session
    names = [one.rpartition(".")[0] for one in session.project.catalog.ids()]
    choices = ImportChoices(accept=True)
    report = looked_at(sitting, "masks", masks(tmp_path / "masks", names), choices)
    assert session.imports.take(report, choices)
    sitting.settle()
    assert session.project.catalog.counts()["accepted"] == len(names)
    assert (session.table.mask == 1).all()
    assert session.table.sources.imported.all()
    session.decisions.undo()
    assert session.project.catalog.counts()["accepted"] == 0


def test_maps_take_the_place_of_a_localizer(sitting, tmp_path):
    session = sitting.session
    shown = session.shown_id
    scores = np.zeros((3, 6, 8), np.float32)
    scores[:, :3] = 1
    (tmp_path / "cams").mkdir()
    np.save(tmp_path / "cams" / f"{shown.rpartition('.')[0]}.npy", scores)
    report = looked_at(sitting, "maps", tmp_path / "cams")
    assert session.imports.take(report, PLAIN)
    sitting.settle()
    assert session.plan.localizer.method == "imported"
    maps = session.table.maps
    assert maps is not None
    assert maps.scores[:, 0].min() == 1


def test_nothing_usable_is_said(sitting, tmp_path):
    session, said = sitting.session, sitting.failures
    report = looked_at(sitting, "masks", masks(tmp_path / "masks", ["nobody"]))
    assert not session.imports.take(report, PLAIN)
    assert "No mask can be used" in said[-1]


def test_another_layer_becomes_the_mask(sitting):
    session, said = sitting.session, sitting.failures
    values = np.zeros((24, 32), np.int64)
    values[:4] = 2
    assert session.imports.take_layer(values, "mine")
    assert (session.table.mask == values).all()
    values[:4] = 700
    session.labels.set(session.shown_id, {"green", "red"})
    assert session.imports.take_layer(values, "objects")
    assert (session.table.mask == np.where(values > 0, 255, 0)).all(), "regions to be filled"
    session.labels.set(session.shown_id, {"green"})
    assert session.imports.take_layer(values, "objects")
    assert (session.table.mask == np.where(values > 0, 2, 0)).all()
    assert not session.imports.take_layer(np.zeros((3, 3)), "small")
    assert "small is 3x3" in said[-1]


def test_what_is_dropped_on_an_open_project(sitting, tmp_path):
    imports, root = sitting.session.imports, sitting.session.project.images_root
    folder = masks(tmp_path / "masks", ["p0"])
    assert imports.what_of(Dropped("images", folder)) == "masks"
    assert imports.what_of(Dropped("images", masks(tmp_path / "others", ["x"]))) is None
    assert imports.what_of(Dropped("images", masks(tmp_path / "decorated", ["p0_mask"]))) == "masks"
    assert imports.what_of(Dropped("images", root)) is None
    for name, what in (("p0", "masks"), ("x", None)):
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / f"{name}.npy", np.zeros((4, 5), int))
        assert imports.what_of(Dropped("unsure", tmp_path / name)) == what
    assert imports.what_of(Dropped("labels", tmp_path / "x.csv")) == "labels"
    assert imports.what_of(Dropped("labels", tmp_path / "x.json")) == "masks"
    assert imports.what_of(Dropped("masks", tmp_path / "x_seg.npy")) == "masks"
    sitting.session.close_project()
    assert imports.what_of(Dropped("labels", tmp_path / "x.csv")) is None
