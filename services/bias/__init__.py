"""Bias of indicators, rules and models on candles: who looks ahead, and who needs how much history."""
