"""A SAM-family pair of a few nodes: an embedding of mean colours, and masks of what is coloured like the last click.

The decoder is wired like SAM's own export: four masks, one of which is picked by a gather, and the same for qualities.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT = TensorProto.FLOAT
WIDTHS = (0.4, 0.1, 0.4, 1.6)
"""Distances of colour up to which the four masks reach; the second is strict, the fourth generous."""
QUALITIES = (0.6, 0.7, 0.9, 0.8)


def write_pair(folder: Path) -> tuple[Path, Path]:
    """Write ``encoder.onnx`` and ``decoder.onnx`` and return their paths."""
    encoder, decoder = folder / "encoder.onnx", folder / "decoder.onnx"
    onnx.save(_encoder(), encoder)
    onnx.save(_decoder(), decoder)
    return encoder, decoder


def _value(name: str, *shape: int | str) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, FLOAT, shape)


def _constant(name: str, values: object, kind: type = np.float32) -> onnx.TensorProto:
    return numpy_helper.from_array(np.asarray(values, kind), name)


def _model(nodes: list, inputs: list, outputs: list, constants: list) -> onnx.ModelProto:
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _encoder() -> onnx.ModelProto:
    """Pool 16 x 16 pixels, and repeat the three colours as often as 256 channels hold them."""
    nodes = [
        helper.make_node("AveragePool", ["picture"], ["pooled"], kernel_shape=[16, 16], strides=[16, 16]),
        helper.make_node("Concat", ["pooled"] * 85 + ["rest"], ["found"], axis=1),
        helper.make_node("Slice", ["pooled", "zero", "one", "axis"], ["rest"]),
    ]
    constants = [_constant("zero", [0], np.int64), _constant("one", [1], np.int64), _constant("axis", [1], np.int64)]
    ordered = [nodes[0], nodes[2], nodes[1]]
    return _model(ordered, [_value("picture", 1, 3, 1024, 1024)], [_value("found", 1, 256, 64, 64)], constants)


def _decoder() -> onnx.ModelProto:
    """Ask how far each cell's colour is from that under the first point."""
    node = helper.make_node
    nodes = [
        node("Slice", ["point_coords", "zero", "one", "axis"], ["first"]),  # 1 x 1 x 2, x and y
        node("Div", ["first", "stride"], ["cell"]),
        node("Floor", ["cell"], ["floored"]),
        node("Cast", ["floored"], ["whole"], to=TensorProto.INT64),
        node("ReduceSum", ["whole_by_row", "last"], ["flat_at"], keepdims=0),  # 1 x 1
        node("Reshape", ["flat_at", "single"], ["at"]),
        node("Reshape", ["image_embeddings", "flat_shape"], ["flat"]),  # 256 x 4096
        node("Gather", ["flat", "at"], ["colour"], axis=1),  # 256 x 1
        node("Sub", ["flat", "colour"], ["apart"]),
        node("Mul", ["apart", "apart"], ["squared"]),
        node("ReduceMean", ["squared"], ["distance"], axes=[0], keepdims=1),  # 1 x 4096
        node("Sub", ["widths", "distance"], ["inside"]),  # 4 x 4096
        node("Reshape", ["inside", "grid"], ["small"]),
        node("Resize", ["small", "", "scales"], ["all_masks"], mode="nearest"),
        node("Flatten", ["all_masks"], ["flat_masks"], axis=2),  # 4 x 65536
        node("Gather", ["flat_masks", "pick"], ["picked"], axis=0),
        node("Reshape", ["picked", "mask_shape"], ["low_res_masks"]),
        node("Flatten", ["qualities"], ["flat_qualities"], axis=2),
        node("Gather", ["flat_qualities", "pick"], ["picked_quality"], axis=0),
        node("Reshape", ["picked_quality", "quality_shape"], ["iou_predictions"]),
        node("Identity", ["low_res_masks"], ["masks"]),
    ]
    nodes.insert(4, node("Mul", ["whole", "row_by_row"], ["whole_by_row"]))
    whole = {"zero": [0], "one": [1], "axis": [1], "last": [2], "single": [1], "flat_shape": [256, 4096]}
    whole |= {"grid": [1, 4, 64, 64], "mask_shape": [1, 1, 256, 256], "quality_shape": [1, 1], "pick": [0]}
    constants = [_constant(name, values, np.int64) for name, values in whole.items()]
    constants += [_constant("row_by_row", [1, 64], np.int64), _constant("stride", 16.0)]
    constants += [_constant("widths", np.float32(WIDTHS)[:, None]), _constant("scales", [1, 1, 4, 4])]
    constants += [_constant("qualities", np.float32(QUALITIES).reshape(1, 4))]
    inputs = [
        _value("image_embeddings", 1, 256, 64, 64),
        _value("point_coords", 1, "points", 2),
        _value("point_labels", 1, "points"),
        _value("mask_input", 1, 1, 256, 256),
        _value("has_mask_input", 1),
        _value("orig_im_size", 2),
    ]
    outputs = [
        _value("masks", 1, 1, 256, 256),
        _value("iou_predictions", 1, 1),
        _value("low_res_masks", 1, 1, 256, 256),
    ]
    return _model(nodes, inputs, outputs, constants)
