"""Export of trained models to ONNX, and the check that the outputs are equal."""
