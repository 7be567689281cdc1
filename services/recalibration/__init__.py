"""Recalibration of the models in production from the settled forecasts of the ledger."""
