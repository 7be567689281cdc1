"""Forecasts of the models in production: their candles, features, runs and price paths."""
