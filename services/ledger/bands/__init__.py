"""Bands of prices that were given out: kept, settled, and how they held."""
