"""Every overlay there is, bottom to top."""

from napari_wsss.session.session import Session
from napari_wsss.widgets.layers.boundary_layer import BoundaryOverlay
from napari_wsss.widgets.layers.cleaning_layer import CleaningOverlay
from napari_wsss.widgets.layers.comparison_layer import ComparisonOverlay
from napari_wsss.widgets.layers.overlay import Overlay
from napari_wsss.widgets.layers.pointing_layer import PointingOverlay
from napari_wsss.widgets.layers.provenance_layer import ProvenanceOverlay
from napari_wsss.widgets.layers.regions_layer import RegionsOverlay
from napari_wsss.widgets.layers.scribble_layer import ScribbleOverlay
from napari_wsss.widgets.layers.uncertainty_layer import UncertaintyOverlay
from napari_wsss.widgets.layers.wand_layer import WandOverlay


def make_overlays(session: Session) -> tuple[Overlay, ...]:
    """Return a new overlay of each kind for one viewer."""
    return (
        UncertaintyOverlay(session),
        BoundaryOverlay(session),
        ComparisonOverlay(session),
        ProvenanceOverlay(session),
        CleaningOverlay(session),
        RegionsOverlay(session),
        WandOverlay(session),
        ScribbleOverlay(session),
        PointingOverlay(session),
    )
