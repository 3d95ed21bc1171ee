"""What can be exported, and how it usually is."""

from napari_wsss.exchange.export import FORMATS
from napari_wsss.session.export_choices import USUAL, WHAT


def test_everything_has_a_usual_format() -> None:
    assert set(USUAL) == set(WHAT)
    assert set(USUAL.values()) <= set(FORMATS)
