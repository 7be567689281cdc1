"""Of judgements of posted candles."""
