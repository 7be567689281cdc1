"""Machine-learning models: trained by Keras, scikit-learn and XGBoost, registered, served by ONNX Runtime."""
