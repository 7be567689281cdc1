"""What a candle offers, and the rules that it obeys."""
