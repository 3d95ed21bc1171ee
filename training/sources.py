"""What each kind of training learns from: the section ``sources`` of a run's configuration."""

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
class AcceptedSources:
    """What everything that makes masks of images learns from."""

    machine_weight: float = parameter(
        0.5,
        "Machine weight",
        "Weight of pixels of proposals nobody accepted yet; 0 learns from accepted masks only, people's pixels "
        "always count 1.",
        bounds=(0.0, 1.0),
    )
    accepted_limit: int = parameter(
        0, "Accepted limit", "Use at most so many accepted masks; 0 uses all.", bounds=(0, 10**9), advanced=True
    )


@dataclass(frozen=True)
class MaskSources(AcceptedSources):
    """What a segmentation network learns from, image by image."""

    person_repeats: int = parameter(
        3, "Accepted repeats", "How often an accepted image is seen while a proposal is seen once.", bounds=(1, 100)
    )
    detail_weight: float = parameter(
        0.0,
        "Detail weight",
        "How much more pixels weigh the nearer they are to an edge between classes (LDF's detail of each class); 0 "
        "weighs all alike.",
        bounds=(0.0, 20.0),
        advanced=True,
    )
    cached_side: int = parameter(
        1024, "Cached side", "Longest side in pixels kept in memory per image.", bounds=(32, 65536), advanced=True
    )


@dataclass(frozen=True)
class GivenSources(AcceptedSources):
    """What is learned from all that a person said, clicks and strokes too."""

    accepted_machine_weight: float = parameter(
        1.0,
        "Accepted machine weight",
        "Weight of what a machine drew in a mask accepted by itself; in one accepted in a batch it has the machine "
        "weight. A person's pixels count 1.",
        bounds=(0.0, 1.0),
        advanced=True,
    )
    reach: float = parameter(
        0.02,
        "Reach of clicks",
        "How far a click or scribble speaks for the pixels around it: share of the longer side.",
        bounds=(0.0, 0.5),
        advanced=True,
        decimals=3,
    )
    unlabelled_share: float = parameter(
        0.1,
        "Unlabelled share",
        "In images that were clicked or drawn in but not accepted, what nobody labelled counts as background by this "
        "share of what is labelled there, where that parts things from the rest more clearly. 0 never does.",
        bounds=(0.0, 10.0),
        advanced=True,
    )
    map_weight: float = parameter(
        0.01,
        "Map weight",
        "Weight of what the applied localizer's maps are sure of in up to 100 images nobody corrected; it fades as "
        "images are corrected, to nothing from 25 on. 0 does without.",
        bounds=(0.0, 1.0),
        advanced=True,
        decimals=3,
    )
    pseudo_rounds: int = parameter(
        2,
        "Pseudo-label rounds",
        "How often a pixel classifier learns again with what it is sure of in images that are known in part, by "
        "clicks or strokes; such pixels have the machine weight.",
        bounds=(0, 10),
        advanced=True,
    )


@dataclass(frozen=True)
class HypercolumnSources(MaskSources, GivenSources):
    """What a network learns from that starts from a pixel classifier."""


@dataclass(frozen=True)
class PixelClassifierSources(GivenSources):
    """What a pixel classifier learns from."""

    enlargement_folds: int = parameter(
        3,
        "Measure the enlargement",
        "Where the enlargement is 0 and at least 8 images have masks, pictures at about 320, 480 and 640 pixels are "
        "compared by masks that were left out, in so many folds. 0 takes 480.",
        bounds=(0, 10),
        advanced=True,
    )

    compare_folds: int = parameter(
        3,
        "Compare with maps",
        "A pixel classifier is fitted this often without some of the images and held there against the localizer's "
        "maps: that decides how much what they propose counts in its answers, and which classes keep it. 0 does not "
        "compare, and leaves the classifier alone.",
        bounds=(0, 10),
        advanced=True,
    )


@dataclass(frozen=True)
class AffinitySources:
    """What an affinity network learns from: pixels that are confident in the applied localizer's maps."""

    strong_background: float = parameter(
        1.0,
        "Strong background (alpha)",
        "Power of the background that leaves only sure objects; smaller leaves less. Both should bracket the power "
        "that draws the best masks. PSA and SEAM take 4.",
        bounds=(0.01, 1000.0),
    )
    weak_background: float = parameter(
        8.0,
        "Weak background (alpha)",
        "Power of the background that is sure to be background; larger leaves less. PSA takes 32, SEAM 24.",
        bounds=(0.01, 1000.0),
    )
    crf: bool = parameter(
        True, "Dense CRF", "Pull both to the borders in the image before comparing them; needs the extra crf."
    )
    cached_side: int = parameter(
        1024, "Cached side", "Longest side in pixels kept in memory per image.", bounds=(32, 65536), advanced=True
    )


@dataclass(frozen=True)
class BoundarySources:
    """What a network of boundaries learns from: pixels that are confident in the applied localizer's maps."""

    foreground_threshold: float = parameter(
        0.30,
        "Sure foreground",
        "Score above which a class is sure; IRN advises 0.1 to 0.15 above the threshold that draws the best masks.",
        bounds=(0.0, 1.0),
    )
    background_threshold: float = parameter(
        0.05,
        "Sure background",
        "Score below which there is surely nothing; IRN advises 0.1 below the threshold that draws the best masks.",
        bounds=(0.0, 1.0),
    )
    crf: bool = parameter(
        True, "Dense CRF", "Pull both to the borders in the image before comparing them; needs the extra crf."
    )
    cached_side: int = parameter(
        1024, "Cached side", "Longest side in pixels kept in memory per image.", bounds=(32, 65536), advanced=True
    )


@dataclass(frozen=True)
class SaliencySources:
    """What a saliency network learns from: the project's accepted masks, or a folder of pairs."""

    pairs: str = parameter(
        "",
        "Pairs",
        "Folder with images/ and masks/ of the same names, instead of the project's accepted masks; grey masks are 255 "
        "where something is, in palette masks every value but 0 is something and 255 is ignored.",
    )
    held_out: float = parameter(
        0.1,
        "Held-out share",
        "Share of the pairs that is kept for validation, where their folder has no test.txt that names them.",
        bounds=(0.0, 0.9),
        advanced=True,
    )
    cached_side: int = parameter(
        1024, "Cached side", "Longest side in pixels kept in memory per image.", bounds=(32, 65536), advanced=True
    )


RecipeSources = ClassifierSources | MaskSources | AffinitySources | BoundarySources | SaliencySources
