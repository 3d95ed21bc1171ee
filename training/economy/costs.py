"""What gestures cost in seconds of a person; every number is an option."""

from dataclasses import dataclass

from napari_wsss.core.parameters import parameter


@dataclass(frozen=True)
class Costs:
    """Seconds of a person per gesture."""

    tag: float = parameter(1.0, "Tag", "Seconds to say that a class is in an image.", bounds=(0.0, None))
    click: float = parameter(2.4, "Click", "Seconds of a click on a thing or on the background.", bounds=(0.0, None))
    accept: float = parameter(1.5, "Accept", "Seconds to look at a mask and accept it.", bounds=(0.0, None))
    full_mask: float = parameter(
        79.0,
        "Full mask",
        "Seconds to outline one thing from nothing (Bearman et al., ECCV 2016, of COCO).",
        bounds=(0.0, None),
    )
