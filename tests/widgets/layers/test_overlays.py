"""Every overlay has a role of its own and shows nothing while no project is open."""

from __future__ import annotations

from napari_wsss.session.session import Session
from napari_wsss.widgets.layers.overlays import make_overlays


def test_overlays_are_told_apart_and_quiet_without_a_project(tmp_path):
    overlays = make_overlays(Session(config_folder=tmp_path))
    roles = [overlay.role for overlay in overlays]
    assert all(roles)
    assert len(set(roles)) == len(roles)
    for overlay in overlays:
        assert overlay.picture() is None
