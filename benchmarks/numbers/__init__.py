"""Computations in this process: features, models, judgements, searches, candle files."""
