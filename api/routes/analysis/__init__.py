"""Judgements of posted candles, and what helps to post them."""
