"""Files of candles: those that clients send, and those that an operator puts into the store.

A file that is sent is read by a process of its own, which a damaged or hostile one may end.
"""
