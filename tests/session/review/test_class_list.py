"""Changes of the class list while an image is shown: its mask, labels, proposal and digits follow, and come back."""

from __future__ import annotations

import numpy as np

from tests.session.conftest import Sitting


def test_a_merge_is_seen_at_once_and_undone(computed: Sitting) -> None:
    session = computed.session
    computed.paint(1, slice(0, 4), slice(0, 5))
    computed.paint(2, slice(8, 12), slice(0, 5))
    table = session.table
    assert table is not None
    mask, proposal = table.mask.copy(), table.proposal
    assert proposal is not None
    changed: list[int] = []
    session.signals.classes_changed.connect(lambda: changed.append(1))
    assert session.class_list.become("green", "red")
    computed.settle()
    assert changed == [1]
    assert "green becomes red" in computed.notices[-1]
    assert table.record.labels == {"red"}
    np.testing.assert_array_equal(table.mask, np.where(mask == 2, 1, mask))
    assert session.digits.order == (1, 3)
    assert table.proposal is not None
    # The model knows both classes apart: what it sees of either is red now.
    np.testing.assert_array_equal(table.proposal > 0, proposal > 0)
    assert set(np.unique(table.proposal)) == {0, 1}
    assert session.class_list.undoable == "green merged into red"
    assert session.class_list.undo()
    computed.settle()
    np.testing.assert_array_equal(table.mask, mask)
    assert table.record.labels == {"red", "green"}
    np.testing.assert_array_equal(table.proposal, proposal)
    assert session.class_list.undoable == ""
    assert not session.class_list.undo()


def test_a_deleted_class_leaves_mask_and_proposal(computed: Sitting) -> None:
    session = computed.session
    computed.paint(2)
    table = session.table
    assert table is not None
    assert session.class_list.become("green", "ignore")
    computed.settle()
    assert set(np.unique(table.mask)) <= {0, 255}
    assert table.proposal is not None
    assert not (table.proposal == 2).any()
    assert not session.class_list.become("green", "red")
    assert computed.failures


def test_colours_that_look_alike_are_told(sitting: Sitting) -> None:
    session = sitting.session
    assert session.class_list.colour("red", "#10c040")
    assert session.classes is not None
    assert session.classes.screen[1].tolist() == [16, 192, 64]
    assert session.class_list.colour("green", "#14bc44")
    assert sitting.notices[-1] == "green can hardly be told apart from red on the screen."
    assert not session.class_list.colour("green", "greenish")
    assert session.class_list.undo()
    assert session.class_list.similar("red") == ()
