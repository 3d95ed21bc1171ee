"""The hint is a line that comes by itself, leads to the Train page and goes when it is put off."""

from __future__ import annotations

import pytest

from napari_wsss.session.models.history import Acceptance
from napari_wsss.session.models.statistics import Figures
from napari_wsss.widgets.controls.charts import picture_of
from napari_wsss.widgets.controls.listening import let_go
from napari_wsss.widgets.hint_line import HintLine


def test_it_comes_leads_on_and_goes(empty_session, qtbot):
    went = []
    hint = empty_session.hint
    line = HintLine(hint, lambda: went.append(1))
    qtbot.addWidget(line)
    assert line.isHidden()
    found = tuple(Acceptance(i, 0.0, f"{i}.png", 0.3 if i <= 20 else 0.1) for i in range(1, 41))
    empty_session.statistics.figures = Figures(found)
    empty_session.statistics.changed.emit()
    assert not line.isHidden()
    assert (line.text.text(), "30 % → 10 %" in line.text.toolTip()) == ("Retrain?", True)  # the head says it
    assert line.curve.points == (pytest.approx((20.0, 0.3)), pytest.approx((40.0, 0.1)))
    assert not picture_of(line.curve).isNull()
    line.train.click()
    assert went == [1]
    assert not line.isHidden()
    line.later.click()
    assert line.isHidden()
    let_go(line)
    hint.text = "x"
    hint.changed.emit()
    assert line.isHidden()
