"""What the model changed lies over everything while it is asked for, and the mask stays the layer that is worked on."""

from __future__ import annotations

import numpy as np

from napari_wsss.session.runs.folders import RunInfo
from tests.session.conftest import write_checkpoint


def test_views_come_one_after_the_other_and_go(session, sync, actions, viewer, settle):
    path = write_checkpoint(session.project.folder, 4.0, "training/classifier-new/best.safetensors")
    session.models.apply(RunInfo(path.parent, "classifier", "done", config={"method": "colours"}))
    settle(session)
    assert "comparison" not in viewer.layers
    seen = []
    for _ in range(3):
        actions.run("compare")
        settle(session)
        assert viewer.layers[-1].name == "comparison"
        assert viewer.layers.selection.active is sync.mask
        seen.append(viewer.layers["comparison"].data.copy())
        np.testing.assert_array_equal(seen[-1], session.comparison.shown.picture)
    assert not np.array_equal(seen[0], seen[1])
    session.navigation.next()
    settle(session)
    assert "comparison" in viewer.layers
    session.table.record_change(sync.mask.data)
    session.table.touch()
    assert "comparison" not in viewer.layers
    actions.run("compare")
    settle(session)
    session.comparison.show("")
    assert "comparison" not in viewer.layers
