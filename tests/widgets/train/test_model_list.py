"""The history of models, and the way back."""

from __future__ import annotations

import numpy as np
import pytest

from napari_wsss.core.registry import method_title
from napari_wsss.session.runs.folders import RunInfo
from napari_wsss.widgets.controls.listening import let_go
from napari_wsss.widgets.train.model_list import NONE, ModelList
from tests.session.conftest import write_checkpoint


@pytest.fixture
def models(session, qtbot, settle):
    for name, gain in (("classifier-b", 0.6), ("classifier-c", 0.5)):
        path = write_checkpoint(session.project.folder, gain, f"training/{name}/best.safetensors")
        session.models.apply(RunInfo(path.parent, "classifier", "done", config={"method": "colours"}))
        settle(session)
    made = ModelList(session)
    qtbot.addWidget(made)
    yield made
    let_go(made)


def lines(models):
    return [models.list.item(place).text() for place in range(models.list.count())]


def test_the_history_is_gone_back_in(models, session, settle):
    assert [line[0] for line in lines(models)] == ["●", "○", "○"]
    assert all(method_title("localize", "colours") in line for line in lines(models))
    names = [models.list.item(place).toolTip() for place in range(models.list.count())]
    assert names == ["classifier-c", "classifier-b", "classifier-test"]
    assert not models.use.isEnabled()
    models.list.setCurrentRow(2)
    models.use.click()
    assert session.table.plan.localizer_checkpoint.startswith("training/classifier-test")
    assert session.table.proposal.any()
    settle(session)
    models.refresh()
    models.back.click()
    settle(session)
    assert session.table.plan.localizer_checkpoint.startswith("training/classifier-c")
    (session.project.folder / session.models.history()[1].plan.localizer_checkpoint).unlink()
    models.refresh()
    assert "file is gone" in lines(models)[1]
    assert not models.back.isEnabled()


def test_accepted_masks_are_looked_at_again(models, session, settle):
    session.decisions.accept(and_next=False)
    mask = session.project.masks.read_accepted("p0.png")
    models.above.setValue(0.05)
    assert session.changes.disagrees_above == 0.05
    models.compare.click()
    settle(session)
    np.testing.assert_array_equal(session.project.masks.read_accepted("p0.png"), mask)
    assert not session.project.catalog.get("p0.png").disagrees  # it was accepted from this very model


def test_without_a_project_nothing_can_be_done(empty_session, qtbot):
    models = ModelList(empty_session)
    qtbot.addWidget(models)
    assert lines(models) == [NONE]
    assert not any(button.isEnabled() for button in (models.back, models.use, models.compare))
    let_go(models)
