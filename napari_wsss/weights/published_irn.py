"""Descriptors of IRN's two files on ResNet-50: its classifier (CAM), and the network of boundaries and displacements.

Both keep the trunk under ``resnet50.`` and, once more, under other names of the same tensors.
"""

from napari_wsss.weights.descriptor import TellTale, WeightsDescriptor
from napari_wsss.weights.published_resnet38 import VOC_CLASSES

_STEM = ("resnet50.conv1.weight", (None, 3, 7, 7))
_TRUNK = (r"^resnet50\.", "trunk.")
_ALIASES = (r"^stage\d\.", r"^backbone\.")
_LICENCE = "MIT (the code of irn); checkpoints on file hosts carry no terms of their own, VOC pictures have flickr's"
_PAPER = "Ahn et al., Weakly Supervised Learning of Instance Segmentation with Inter-pixel Relations, CVPR 2019"
_SOURCE = "https://github.com/jiwoon-ahn/irn"
_TAPS = range(1, 6)
# Layers 1 and 2 of the displacements read stride 4 and finer, 3 to 5 what is coarser; 6 and 7 merge.
_DISPLACEMENT = ("fine.0", "fine.1", "coarse.0", "coarse.1", "coarse.2", "merge_coarse", "merge")

_CAM = WeightsDescriptor(
    name="irn_cam_resnet50",
    title="IRN's classifier on ResNet-50",
    network="cam",
    trunk="resnet50",
    output_stride=16,
    dilated=False,
    licence=_LICENCE,
    citation=_PAPER,
    source=_SOURCE,
    class_layout="foreground",
    classes=VOC_CLASSES,
    head=r"^classifier\.",
    rename=(_TRUNK,),
    ignorable=(*_ALIASES, r"^newly_added\."),
    tell_tale=TellTale((_STEM, ("classifier.weight", (None, None, 1, 1))), absent=("fc_edge1.0.weight",)),
)

_IRNET = WeightsDescriptor(
    name="irnet_resnet50",
    title="IRNet (class boundaries and displacements) on ResNet-50",
    network="boundary_net",
    trunk="resnet50",
    output_stride=16,
    dilated=False,
    parameters=(("canvas", 512),),
    licence=_LICENCE,
    citation=_PAPER,
    source=_SOURCE,
    rename=(
        _TRUNK,
        *((rf"^fc_edge{number}\.", f"edge_head.branches.{number - 1}.") for number in _TAPS),
        (r"^fc_edge6\.", "edge_head.merge."),
        (r"^fc_dp7\.3\.", "displacement_head.displace."),
        *((rf"^fc_dp{number}\.", f"displacement_head.{part}.") for number, part in enumerate(_DISPLACEMENT, start=1)),
        (r"^mean_shift\.running_mean$", "displacement_head.mean"),
    ),
    # The cells of ways and the targets of displacements belong to the crops it was trained on.
    ignorable=(*_ALIASES, r"^edge_layers\.", r"^dp_layers\.", r"^fc_dp7\.4\.", r"^path_indices\d+$", r"^disp_target$"),
    tell_tale=TellTale((_STEM, ("fc_edge1.0.weight", (None, None, 1, 1)), ("fc_dp7.3.weight", (2, None, 1, 1)))),
)

IRN: tuple[WeightsDescriptor, ...] = (_CAM, _IRNET)
