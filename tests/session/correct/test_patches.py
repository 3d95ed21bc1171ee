"""Superpixels are found once for an image, whoever asks first."""

from __future__ import annotations

from napari_wsss.session.correct import patches as module


def test_they_are_found_once_for_each_image(computed, monkeypatch):
    session, found = computed.session, []
    usual = module.find_superpixels
    monkeypatch.setattr(module, "find_superpixels", lambda pixels: found.append(1) or usual(pixels))
    session.propagation.prepare()
    session.pointing.prepare()
    computed.settle()
    session.propagation.prepare()
    computed.settle()
    assert len(found) == 1
    session.navigation.next()
    session.pointing.prepare()
    computed.settle()
    assert len(found) == 2
