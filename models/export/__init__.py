"""From trained models to ONNX, and the proof that both answer alike."""
