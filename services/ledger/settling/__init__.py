"""Closes each entry of the ledger at its horizons."""
