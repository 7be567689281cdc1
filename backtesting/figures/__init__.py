"""Figures of a backtest: of its account, of its trades, beside chance, and corrected for the number of trials."""
