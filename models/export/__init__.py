"""Export of trained models to ONNX, and the check that both give the same answers."""
