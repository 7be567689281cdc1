"""Bodies and answers of the judgements of posted candles."""
