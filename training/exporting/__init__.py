"""Writing a trained network as one file that other programs run: ONNX or TorchScript."""
