"""Clusters for the panel's small project: the six images that have the class red, as red 1 (four) and red 2 (two)."""

from __future__ import annotations

from collections.abc import Callable

from napari_wsss.session.gallery.gallery import Gallery
from napari_wsss.session.session import Session
from tests.session.gallery.test_gallery import keep_sample_clusters


def cluster(session: Session, settle: Callable[[Session], None]) -> Gallery:
    """Publish the clusters and return the gallery that shows them."""
    keep_sample_clusters(session.project)
    session.gallery.reload()
    settle(session)
    return session.gallery
