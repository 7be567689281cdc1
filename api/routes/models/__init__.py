"""Forecasts, and the models that make them."""
