"""The analysis of a market: a query in, an analysis out."""
