"""Recalibration: probabilities that a version states, corrected by its own settled forecasts."""
