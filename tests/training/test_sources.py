"""Every recipe has its section of sources."""

from __future__ import annotations

from training.config import RECIPES, SOURCES
from training.resolving import resolve_file
from training.sources import ClassifierSources, SegmentationSources


def test_every_recipe_has_sources() -> None:
    assert set(SOURCES) == set(RECIPES)
    assert isinstance(resolve_file("classifier", {}).sources, ClassifierSources)
    assert isinstance(resolve_file("segmentation", {}).sources, SegmentationSources)
