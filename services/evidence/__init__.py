"""Evidence of plans: the file in use, and what is measured on candles to build one or to check it."""
