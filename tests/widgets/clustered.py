"""Clusters for the panel's small project: the six images that have the class red, as red 1 (four) and red 2 (two)."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QPoint

from napari_wsss.session.gallery.gallery import Gallery
from napari_wsss.session.session import Session
from napari_wsss.widgets.clusters.scatter import ClusterScatter
from tests.session.gallery.test_gallery import keep_sample_clusters


def cluster(session: Session, settle: Callable[[Session], None]) -> Gallery:
    """Publish the clusters and return the gallery that shows them."""
    keep_sample_clusters(session.project)
    session.gallery.reload()
    settle(session)
    return session.gallery


def point_of(scatter: ClusterScatter, image_id: str) -> QPoint:
    """Return where an image is drawn, in pixels."""
    x, y = scatter._points[scatter._found.image_ids.index(image_id)]
    return QPoint(round(x), round(y))
