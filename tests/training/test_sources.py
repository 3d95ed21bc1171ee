"""Every recipe has its section of sources."""

from training.config import RECIPES, SOURCES
from training.describing import describe
from training.resolving import resolve_file
from training.sources import ClassifierSources, HypercolumnSources, MaskSources, PixelClassifierSources


def test_every_recipe_has_sources() -> None:
    assert set(SOURCES) >= set(RECIPES)
    assert isinstance(resolve_file("classifier", {}).sources, ClassifierSources)


def test_options_are_offered_where_they_do_something() -> None:
    kinds = {"deeplab_v3": MaskSources, "hypercolumns": HypercolumnSources, "pixel_classifier": PixelClassifierSources}
    configs = {method: resolve_file("segmentation", {"method": method}) for method in kinds}
    offered = {method: {str(entry["name"]) for entry in describe(config)} for method, config in configs.items()}

    assert {method: type(config.sources) for method, config in configs.items()} == kinds
    assert all("machine_weight" in names for names in offered.values())
    assert [method for method, names in offered.items() if "reach" in names] == ["hypercolumns", "pixel_classifier"]
    assert [method for method, names in offered.items() if "compare_folds" in names] == ["pixel_classifier"]
    assert [method for method, names in offered.items() if "person_repeats" in names] == ["deeplab_v3", "hypercolumns"]
