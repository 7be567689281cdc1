"""Recalibration: what a version states, corrected by what came of its own settled forecasts."""
