"""What gestures cost in seconds of a person; every number is an option."""

from dataclasses import dataclass

from napari_wsss.core.parameters import parameter


@dataclass(frozen=True)
class Costs:
    """Seconds of a person per gesture."""

    tag: float = parameter(1.0, "Tag", "Seconds to say that a class is in an image.", bounds=(0.0, None))
    click: float = parameter(2.4, "Click", "Seconds of a click on a thing or on the background.", bounds=(0.0, None))
    click_times: str = parameter(
        "", "Click times", "File with seconds of real clicks, one a line: drawn from instead of the constant."
    )
    accept: float = parameter(1.5, "Accept", "Seconds to look at a mask and accept it.", bounds=(0.0, None))
    stroke: float = parameter(1.5, "Stroke", "Seconds to aim a stroke, without drawing it.", bounds=(0.0, None))
    stroke_speed: float = parameter(300.0, "Stroke speed", "Pixels of a stroke drawn in a second.", bounds=(1.0, None))
    box: float = parameter(7.0, "Box", "Seconds to draw a box around a thing.", bounds=(0.0, None))
    vertex: float = parameter(2.0, "Vertex", "Seconds per corner of a polygon.", bounds=(0.0, None))
    full_mask: float = parameter(
        79.0,
        "Full mask",
        "Seconds to outline one thing from nothing (Bearman et al., ECCV 2016, of COCO).",
        bounds=(0.0, None),
    )

    def stroke_of(self, length: float) -> float:
        """Return the seconds of a stroke of so many pixels."""
        return self.stroke + length / self.stroke_speed
