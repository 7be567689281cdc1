"""The coin-flip drill: the ledger from end to end on simulated candles whose edge is known, most often none."""
