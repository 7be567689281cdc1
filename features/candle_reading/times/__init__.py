"""Times of candles as files write them, in epoch ms."""
