"""What each kind of training learns from: the section ``sources`` of a run's configuration."""

from __future__ import annotations

from dataclasses import dataclass

from napari_wsss.core.parameters import parameter


@dataclass(frozen=True)
class ClassifierSources:
    """What the classifier learns from."""

    labels_from_masks: bool = parameter(
        False,
        "Labels from accepted masks",
        "Take the labels of accepted images from their masks, crop by crop, instead of the whole image's labels.",
    )
    cached_side: int = parameter(
        1024, "Cached side", "Longest side in pixels kept in memory per image.", bounds=(32, 65536), advanced=True
    )


@dataclass(frozen=True)
class SegmentationSources:
    """What the segmentation network learns from."""

    machine_weight: float = parameter(
        0.5,
        "Machine weight",
        "Weight of pixels of proposals nobody accepted yet; 0 learns from accepted masks only, people's pixels "
        "always count 1.",
        bounds=(0.0, 1.0),
    )
    person_repeats: int = parameter(
        3, "Accepted repeats", "How often an accepted image is seen while a proposal is seen once.", bounds=(1, 100)
    )
    accepted_limit: int = parameter(
        0, "Accepted limit", "Use at most so many accepted masks; 0 uses all.", bounds=(0, 10**9), advanced=True
    )
    cached_side: int = parameter(
        1024, "Cached side", "Longest side in pixels kept in memory per image.", bounds=(32, 65536), advanced=True
    )


@dataclass(frozen=True)
class AffinitySources:
    """What an affinity network learns from: pixels that are confident in the applied localizer's maps."""

    cached_side: int = parameter(
        1024, "Cached side", "Longest side in pixels kept in memory per image.", bounds=(32, 65536), advanced=True
    )


@dataclass(frozen=True)
class SaliencySources:
    """What a saliency network learns from."""

    cached_side: int = parameter(
        1024, "Cached side", "Longest side in pixels kept in memory per image.", bounds=(32, 65536), advanced=True
    )


Sources = ClassifierSources | SegmentationSources | AffinitySources | SaliencySources
