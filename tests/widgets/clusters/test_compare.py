from __future__ import annotations

from napari_wsss.widgets.clusters.compare import ComparePair
from napari_wsss.widgets.controls.listening import let_go


def test_two_images_are_shown_and_opened(session, settle, qtbot):
    pair = ComparePair(session)
    qtbot.addWidget(pair)
    pair.resize(330, 230)
    opened = []
    pair.opened.connect(opened.append)
    assert pair.isHidden()
    pair.show_pair("red", "p0.png", "p2.png")
    waiting = pair.grab().toImage()
    settle(session)
    assert pair.grab().toImage() != waiting
    assert pair.texts[1].text().splitlines()[:3] == ["p2.png", "to do", "red"]
    pair._open(1)
    assert opened == ["p2.png"]
    let_go(pair)
