"""The reasons of a signal in plain English: sentences on the market, on the evidence and on the data."""
