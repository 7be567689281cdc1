"""The trades of a backtest, made again by backtesting.py 0.6.6."""
