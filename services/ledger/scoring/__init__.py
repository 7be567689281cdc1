"""Scores of the ledger: sums by day, intervals that hold at every look, lanes beside each other."""
