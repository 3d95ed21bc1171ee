"""A line is shortened to the room there is, and whole for whoever asks."""

from napari_wsss.widgets.controls.elided import ElidedLabel


def shown(label):
    return super(ElidedLabel, label).text()


def test_it_keeps_the_whole_text_and_one_height(qtbot):
    label = ElidedLabel(tip="Why")
    qtbot.addWidget(label)
    label.setText("short")
    label.resize(300, 20)
    height = label.sizeHint().height()
    assert shown(label) == "short"
    label.setText("first line\n" + "word " * 100)
    assert shown(label).startswith("first line · word")
    assert shown(label).endswith("…")
    assert label.text().endswith("word ")
    assert label.toolTip().startswith(label.text())
    assert label.toolTip().endswith("Why")
    assert label.sizeHint().height() == height
    assert label.minimumSizeHint().width() == 0


def test_more_room_shows_more(qtbot):
    label = ElidedLabel()
    qtbot.addWidget(label)
    label.setText("word " * 10)
    label.show()
    lengths = []
    for width in (40, 100, 2000):
        label.resize(width, 20)
        lengths.append(len(shown(label)))
    assert lengths == sorted(set(lengths))
    assert lengths[-1] == 50
