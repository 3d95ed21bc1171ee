"""Trained networks on pictures without a project: from a checkpoint of ours, or, without torch, from an ONNX file."""
