"""What a learner sees with where the weights it should have cannot be had: the trunk of the applied classifier.

A trunk that has seen many photographs teaches more, also on pictures that are none. But a machine without a way out can
have none, and a classifier that learned from the project's own tags is far better than no learner: on the generated
sample 25 masks take all masks from 37.5 to 58.9 mIoU with it, and to 69.7 with ImageNet's (docs/benchmarks.md).
"""

from collections.abc import Mapping
from typing import Any

from napari_wsss.core.errors import StepError, WeightsError
from napari_wsss.pipeline.imported_maps import is_imported
from napari_wsss.pipeline.lineage import checkpoint_of
from napari_wsss.project.project import Project
from napari_wsss.weights.at_hand import missing_weights
from napari_wsss.weights.trained import load_trained
from training.resolving import resolve_file


def with_encoder(project: Project, config: Mapping[str, Any]) -> tuple[Mapping[str, Any], str]:
    """Return the configuration with a trunk whose weights can be had, and why it is another one; "" where it is not.

    Parameters
    ----------
    project : Project
    config : mapping
        Sections of a ``segmentation`` run's configuration. It is returned as it is where its weights can be had, and
        where no network of ours is applied whose trunk could be taken.
    """
    wanted = resolve_file("segmentation", config).network
    missing = missing_weights(wanted.trunk, wanted.trunk_weights)
    if not missing or not project.plan.localizer_checkpoint or is_imported(project.plan):
        return config, ""
    try:
        path = checkpoint_of(project, project.plan, "localize")
        trunk = load_trained(path, "localize")[1].trunk
    except (StepError, WeightsError):  # what is missing is said then
        return config, ""
    network = {"trunk": trunk.name, "width": trunk.width, "dilated": trunk.dilated, "trunk_weights": str(path)}
    sections = {**config, "network": {**config.get("network", {}), **network}}
    return sections, f"sees by the trunk of your classifier, as {missing.rstrip('.')}"
