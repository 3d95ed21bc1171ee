"""The provenance layer shows the session's sources while a person wants to see them."""

from __future__ import annotations

import numpy as np

from napari_wsss.core.sources import FIRST_MACHINE, NOTHING, OTHER_MACHINE, PERSON
from napari_wsss.widgets.layers import looks
from napari_wsss.widgets.layers.provenance_layer import colour_of


def test_every_kind_of_source_has_a_colour_of_its_own():
    colours = [colour_of(value) for value in (PERSON, FIRST_MACHINE, FIRST_MACHINE + 1, OTHER_MACHINE)]
    assert len(set(colours)) == 4
    assert colour_of(NOTHING) == ""
    assert all(colour_of(value) for value in range(1, 256))


def test_the_layer_follows_mask_and_switch(sync, session, viewer):
    assert looks.PROVENANCE not in viewer.layers
    session.provenance.show(True)
    layer = viewer.layers[looks.PROVENANCE]
    assert viewer.layers[-1] is layer
    assert not layer.editable
    assert not layer.data.any()
    sync.write_mask(session.decisions.copy_proposal(), session.decisions.proposal_source())
    sync.mask.data_setitem(np.nonzero(np.ones((3, 3))), 2)
    sync.commit()
    np.testing.assert_array_equal(layer.data, session.table.sources.values)
    assert set(np.unique(layer.data)) == {NOTHING, PERSON, FIRST_MACHINE}
    assert "proposal of classifier-test" in layer.features["by"][2]
    session.navigation.next()
    assert not viewer.layers[looks.PROVENANCE].data.any()
    session.navigation.previous()
    np.testing.assert_array_equal(viewer.layers[looks.PROVENANCE].data, session.table.sources.values)
    assert viewer.layers.selection.active is sync.mask
    session.provenance.show(False)
    assert looks.PROVENANCE not in viewer.layers
