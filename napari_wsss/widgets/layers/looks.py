"""How our layers look: outlined means machine, filled means person. Makes layers, never adds them to a viewer."""

from collections.abc import Callable
from typing import Any

import numpy as np
from napari.layers import Image, Labels, Layer, Points
from napari.utils.colormaps import Colormap, DirectLabelColormap
from numpy.typing import NDArray

from napari_wsss.core.classes import BACKGROUND, IGNORE, ClassList
from napari_wsss.core.scribbles import BACKGROUND_SCRIBBLE
from napari_wsss.widgets import preferences
from napari_wsss.widgets.controls.plain_text import as_text
from napari_wsss.widgets.layers.outline import HALO, quicken_contours, ring_strokes

TAG, COLOURED = "wsss", "wsss colours"
CAM_PREFIX = "cam · "
SPARE = "(spare map)"
BOUNDARIES = "class boundaries"
UNCERTAINTY = "uncertainty"
PROVENANCE = "provenance"
SCRIBBLES = "scribbles"
CLEANING = "clean-up preview"
CLICKS = "clicks"
REGIONS = "regions"
WAND = "fill preview"
ON, OFF = "#7CFC00", "#FF3B30"
"""Colours of a click on the thing and of one on what it is not; their shapes differ, too."""
DOT_SIZE, CLICK_SIZE = 0.1, 1e4
"""Sizes that `canvas_size_limits` cuts to the same on the screen at any zoom."""
HINT = "X point · P paint · E erase · F fill · G polygon · 0-9 class · Y take the proposal · C (hold) it · K all keys"
PROPOSAL_OPACITY = 0.85
COMPILES = "_on_colormap_change"
"""What a canvas compiles a layer's colours with; no name that napari promises to keep."""
UNKNOWN_COLOUR = "magenta"  # a value without a class is shown loudly instead of being hidden


def mask_colours(classes: ClassList) -> DirectLabelColormap:
    """Return the label colours of a project: background clear, each class its palette colour, ignore grey."""
    colours: dict[int | None, Any] = {
        BACKGROUND: "transparent",
        IGNORE: tuple(classes.palette[IGNORE] / 255),
        None: UNKNOWN_COLOUR,
    }
    colours |= {classes.mask_value(name): classes.colour(name) for name in classes.names}
    return DirectLabelColormap(color_dict=colours)


def halo_of(classes: ClassList, taken: int = IGNORE) -> int:
    """Return the value that stands for the dark line around outlines and strokes, 0 where all below `taken` are."""
    return len(classes) + 1 if len(classes) + 1 < taken else 0


def proposal_colours(classes: ClassList) -> DirectLabelColormap:
    """Return the colours of the mask and a dark one for the halo, which is seen on bright photographs."""
    colours = dict(mask_colours(classes).color_dict)
    if halo_of(classes):
        colours[halo_of(classes)] = (0, 0, 0, 1)
    return DirectLabelColormap(color_dict=colours)


def cam_colours() -> Colormap:
    """Return a black-body ramp whose low end is clear, so that the photograph stays visible under weak scores."""
    ramp = np.array(
        [
            [0.00, 0.00, 0.20, 0.00],
            [0.25, 0.00, 0.55, 0.35],
            [0.75, 0.10, 0.35, 0.65],
            [1.00, 0.55, 0.05, 0.80],
            [1.00, 1.00, 0.60, 0.90],
        ]
    )
    return Colormap(ramp, name="wsss activation")


def image_layer(pixels: NDArray[np.uint8], grey: bool = False) -> Image:
    """Return the photograph's layer for (H, W, 3) uint8; of a grey one a layer with a contrast."""
    if grey:
        return _tagged(Image(pixels[..., 0], colormap="gray", contrast_limits=(0, 255), name="image"), "image")
    return _tagged(Image(pixels, rgb=True, name="image"), "image")


def show_image(layer: Image, pixels: NDArray[np.uint8]) -> None:
    """Show another photograph (H, W, 3) uint8 in its layer; the contrast of a grey one stays."""
    layer.data = pixels if layer.rgb else pixels[..., 0]


def cam_name(class_name: str) -> str:
    """Return the name of a class's map among the layers, which napari shows where Qt guesses what text is."""
    return as_text(CAM_PREFIX + class_name)


def cam_layer(scores: NDArray[np.float32], class_name: str) -> Image:
    """Return the layer of one activation map (H, W) float32 in [0, 1]."""
    layer = Image(
        scores,
        name=cam_name(class_name),
        colormap=cam_colours(),
        contrast_limits=(0.0, 1.0),
        blending="translucent",
        interpolation2d="linear",
        opacity=0.7,
        visible=False,
    )
    return _tagged(layer, "cam")


def boundary_layer(values: NDArray[np.float32]) -> Image:
    """Return the layer of class boundaries (h, w) float32 in [0, 1]: nothing where there is none, bright lines."""
    ramp = Colormap(np.array([[0, 1, 1, 0], [0, 1, 1, 0.9]]), name="wsss boundary")
    layer = Image(values, name=BOUNDARIES, colormap=ramp, contrast_limits=(0.0, 1.0), blending="translucent")
    return _tagged(layer, BOUNDARIES)


def uncertainty_layer(values: NDArray[np.float32]) -> Image:
    """Return the layer of uncertainty (H, W) float32 in [0, 1]: clear where sure, violet to white where not."""
    ramp = [[0.6, 0.2, 1, 0], [0.6, 0.2, 1, 0.15], [0.9, 0.4, 1, 0.6], [1, 1, 1, 0.9]]
    colours = Colormap(np.array(ramp), controls=np.array([0, 0.4, 0.8, 1]), name="wsss uncertainty")
    layer = Image(values, name=UNCERTAINTY, colormap=colours, contrast_limits=(0.0, 1.0), blending="translucent")
    return _tagged(layer, UNCERTAINTY)


def provenance_layer(values: NDArray[np.uint8], colours: dict[int | None, Any]) -> Labels:
    """Return the read-only layer of who made each pixel of the mask, (H, W) uint8 as in `core.sources`."""
    layer = Labels(values, name=PROVENANCE, colormap=DirectLabelColormap(color_dict=colours), opacity=0.5)
    layer.editable = False
    return _tagged(layer, PROVENANCE)


def comparison_layer(picture: NDArray[np.uint8]) -> Image:
    """Return the layer of an opaque (H, W, 3) uint8 picture that hides everything below."""
    return _tagged(Image(picture, rgb=True, name="comparison"), "comparison")


def proposal_layer(values: NDArray[np.uint8], classes: ClassList) -> Labels:
    """Return the outlined, read-only layer of a machine's (H, W) uint8 mask."""
    layer = Labels(values, name="proposal", colormap=proposal_colours(classes), opacity=PROPOSAL_OPACITY)
    layer.contour = 2
    layer.metadata[HALO] = halo_of(classes)
    quicken_contours(layer)
    layer.editable = False
    return _tagged(layer, "proposal")


def mask_layer(values: NDArray[np.uint8], classes: ClassList) -> Labels:
    """Return the filled, editable layer of a person's (H, W) uint8 mask; painting changes `values` itself."""
    layer = Labels(values, name="mask", colormap=mask_colours(classes), opacity=preferences.mask_opacity())
    layer.brush_size = preferences.brush_size()
    quicken_contours(layer)  # only drawn once a person wants the outline alone
    hint_at_our_keys(layer)
    return _tagged(layer, "mask")


def scribble_colours(classes: ClassList) -> DirectLabelColormap:
    """Return the colours of scribbles: those of the mask, white for background, a dark line around each."""
    colours = dict(mask_colours(classes).color_dict)
    if len(classes) < BACKGROUND_SCRIBBLE:
        colours[BACKGROUND_SCRIBBLE] = "white"
    if halo_of(classes, BACKGROUND_SCRIBBLE):
        colours[halo_of(classes, BACKGROUND_SCRIBBLE)] = (0, 0, 0, 1)
    return DirectLabelColormap(color_dict=colours)


def scribble_layer(values: NDArray[np.uint8], classes: ClassList) -> Labels:
    """Return the editable layer of scribbles (H, W) uint8; painting changes `values` itself."""
    layer = Labels(values, name=SCRIBBLES, colormap=scribble_colours(classes), opacity=0.9)
    layer.brush_size = preferences.scribble_size()
    layer.metadata[HALO] = halo_of(classes, BACKGROUND_SCRIBBLE)
    ring_strokes(layer)
    hint_at_our_keys(layer)
    return _tagged(layer, SCRIBBLES)


def cleaning_layer(values: NDArray[np.uint8], classes: ClassList) -> Labels:
    """Return the outlined, read-only layer of what a clean-up would make of pixels (H, W) uint8, as in scribbles."""
    layer = Labels(values, name=CLEANING, colormap=scribble_colours(classes), opacity=1.0)
    layer.contour = 1
    quicken_contours(layer)
    layer.editable = False
    return _tagged(layer, CLEANING)


def regions_layer(borders: NDArray[np.uint8]) -> Labels:
    """Return the read-only layer of the borders of regions (H, W) uint8, 1 on a border."""
    colours = DirectLabelColormap(color_dict={0: "transparent", 1: "white", None: UNKNOWN_COLOUR})
    layer = Labels(borders, name=REGIONS, colormap=colours, opacity=0.45)
    layer.editable = False
    return _tagged(layer, REGIONS)


def wand_layer(region: NDArray[np.uint8]) -> Labels:
    """Return the outlined, read-only layer of what would be filled (H, W) uint8, 1 inside."""
    colours = DirectLabelColormap(color_dict={0: "transparent", 1: "white", None: UNKNOWN_COLOUR})
    layer = Labels(region, name=WAND, colormap=colours, opacity=1.0)
    layer.contour = 2
    quicken_contours(layer)
    layer.editable = False
    return _tagged(layer, WAND)


def clicks_layer() -> Points:
    """Return the empty layer of what is said about a thing; its points have one size on the screen."""
    layer = Points(ndim=2, name=CLICKS, border_width=0.12, canvas_size_limits=(5, 16), out_of_slice_display=False)
    layer.editable = False
    return _tagged(layer, CLICKS)


def recolour(layer: Layer | None, classes: ClassList, colours: Callable[[ClassList], DirectLabelColormap]) -> bool:
    """Give a layer the colours of the class list as it is now, where it has others; tell whether it had."""
    wanted = (len(classes), tuple(sorted(classes.colours.items())))
    if layer is None or layer.metadata.get(COLOURED) == wanted:
        return False
    layer.metadata[COLOURED] = wanted  # what a colormap holds is compared at the cost of making one
    if HALO in layer.metadata:
        layer.metadata[HALO] = halo_of(classes, BACKGROUND_SCRIBBLE if colours is scribble_colours else IGNORE)
    layer.colormap = colours(classes)
    return True


def keep_colours(layer: Layer) -> None:
    """Let a canvas keep the colours of a layer of labels whose data is replaced; call it once a viewer has the layer.

    napari compiles them anew then, in case the data has another type, which never happens to ours: a quarter of what
    drawing the next image takes. A version that gives this another name does so still.
    """
    if isinstance(layer, Labels):
        for told in layer.events.data.callbacks:
            if isinstance(told, tuple) and told[1] == COMPILES:
                layer.events.data.disconnect(told)


def hint_at_our_keys(layer: Labels) -> None:
    """Let napari's status line hint at what the keys do here, not at its own digits while these choose classes."""

    def say(_event: Any = None) -> None:
        if preferences.digits_mean_classes() and layer.help != HINT:
            layer.help = HINT

    layer.events.help.connect(say)
    say()


def _tagged(layer: Any, role: str) -> Any:
    layer.metadata[TAG] = role
    if hasattr(layer, "locked"):  # napari >= 0.7.1; it keeps Ctrl+Backspace from deleting our layers
        layer.locked = True
    return layer


def write(layer: Labels, values: NDArray[np.uint8]) -> None:
    """Show a copy of `values` (H, W) in a layer of ours."""
    if layer.data.shape != values.shape:
        layer.data = values.copy()
        return
    # In place: assigning `data` would also look for its size and thumbnail, at twice the cost of a repaint.
    np.copyto(layer.data, values)
    layer.refresh(extent=False, thumbnail=False, highlight=False)


def role_of(layer: Layer) -> str:
    """Return the role of a layer of ours (``image``, ``cam``, ``proposal``, ``mask`` ...), "" for everybody else's."""
    return str(layer.metadata.get(TAG, ""))
