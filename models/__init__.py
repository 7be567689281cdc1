"""Machine-learning models: trained with Keras, scikit-learn and XGBoost, judged, registered, served by ONNX Runtime."""
