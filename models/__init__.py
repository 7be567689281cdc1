"""Machine-learning models: trained by Keras, scikit-learn, XGBoost and LightGBM, registered, served by ONNX Runtime."""

import os

# ONNX Runtime reports its use to Microsoft unless this is set before it is imported, which only this package does; its
# function `disable_telemetry_events` comes too late. Whoever wants the reports sets the variable to 0.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
