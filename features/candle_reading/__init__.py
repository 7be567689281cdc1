"""Candles from files as exchanges, brokers and tools export them.

`reading.read_candles` is the way in. A file's content becomes a table (`tables`), its columns get a meaning (`headers`,
`headerless`, `meant_columns`), cells become numbers and times, and rows are held to one market (`rows`, `one_series`,
`grid`).
"""
