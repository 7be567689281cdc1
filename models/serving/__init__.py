"""Forecasts of models in memory."""
