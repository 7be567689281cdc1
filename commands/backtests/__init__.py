"""The command `backtest`, and `verify` for its results."""
