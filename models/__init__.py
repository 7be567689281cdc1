"""Machine-learning models: trained by Keras, scikit-learn, XGBoost and LightGBM, registered, served by ONNX Runtime."""
