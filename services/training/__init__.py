"""Candles and orders for trainings, and what operators ask of the models."""
