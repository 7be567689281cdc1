"""Calibration: the evidence, refitted from what the ledger has settled."""
