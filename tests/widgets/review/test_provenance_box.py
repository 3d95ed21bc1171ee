"""The box tells how much of the mask is whose, while a person wants to know."""

from __future__ import annotations

import pytest

from napari_wsss.widgets.controls.listening import let_go
from napari_wsss.widgets.review.provenance_box import ProvenanceBox, percent


@pytest.mark.parametrize(("share", "text"), [(0.4, "40 %"), (0.001, "<1 %"), (1.0, "100 %")])
def test_shares_are_read_easily(share, text):
    assert percent(share) == text


def test_switch_and_lines(session, qtbot):
    box = ProvenanceBox(session)
    qtbot.addWidget(box)

    def lines():
        return [box.lines.itemAt(place).widget() for place in range(box.lines.count())]

    session.table.replace_mask(
        session.decisions.copy_proposal(), session.decisions.proposal_source(), session.decisions.copied_pixels()
    )
    assert lines() == []
    box.switch.click()
    assert session.provenance.shown
    assert [line.text().rpartition("</span>")[2] for line in lines()] == [
        " 100 % proposal of classifier-test at threshold 0.50"
    ]
    assert '"kind": "proposal"' in lines()[0].toolTip()
    session.table.mask[:12] = 3
    session.table.touch()
    session.table.record_change(session.table.mask)
    assert [line.text().partition(" ")[2].split("%")[0].split()[-1] for line in lines()] == ["50", "50"]
    assert "you" in lines()[0].text() + lines()[1].text()
    session.navigation.next()
    assert [line.text() for line in lines()] == ["□ 100 % nothing drawn"]
    box.switch.click()
    assert lines() == []
    let_go(box)
