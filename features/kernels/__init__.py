"""Indicators as vectorized numpy: no scipy and no numba, whose imports cost more than they save.

Every kernel takes `Candles` and its parameters, and returns the values *without* the warm-up:
an array that ends with the newest candle and begins where the first value exists. That keeps
NaN out of the recursions, and two results are aligned by their ends. `features.indicators.catalogue` calls
a kernel only where at least one value exists, and pads the result. A ratio to zero is left not
finite: the caller silences numpy's warning and puts NaN or a neutral value in its place.

Every kernel whose values depend on where the candles begin works along the last axis: over one series, or over many of
the same length at once, with bit for bit the same values. Kernels whose values depend on a number of last candles alone
take one series: many series are laid end to end for them, since what they say of a candle after their warm-up never
reaches beyond its series.
"""
